//! How the end of one process affects another, and when terminate runs: the termination matrix, row by row.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::disallowed_methods, reason = "a test's time is the runtime's own")]

use std::time::Duration;

use futures::future::join;
use genserver::{AsProcess, CallError, Caller, Exit, Init, Letter, Next, Node, Probe, Reason, ServerRef, StartError};
use genserver::{StopError, start};
use tokio::sync::oneshot;
use tokio::task::yield_now;

use crate::puppet::{self, Act, Log, Puppet, Told, act, answer, beginning, note, park, slow, waiting};

/// A puppet that traps exits, started by this probe and linked to it.
async fn trapping_child(parent: &Probe<()>, log: &Log) -> ServerRef<Puppet> {
    let play = beginning(log, |puppet, cx| {
        cx.trap_exits(Told::Exit);
        Init::Run(puppet)
    });
    parent.start_link::<Puppet>(play).await.unwrap()
}

async fn trapping(log: &Log) -> ServerRef<Puppet> {
    let play = beginning(log, |puppet, cx| {
        cx.trap_exits(Told::Exit);
        Init::Run(puppet)
    });
    start::<Puppet>(play).await.unwrap()
}

async fn puppet(log: &Log) -> ServerRef<Puppet> {
    start::<Puppet>(waiting(log)).await.unwrap()
}

async fn synced(server: &ServerRef<Puppet>) {
    server.call(|caller| answer(caller, ())).await.unwrap();
}

async fn settle() {
    for _ in 0..64 {
        yield_now().await;
    }
}

/// A parent that can be ended without harm.
fn parent() -> Probe<()> {
    Probe::new()
}

#[tokio::test]
async fn gs_129_a_parents_crash_ends_the_server_without_terminate() {
    let log = Log::default();
    let parent = parent();
    let server = parent.start_link::<Puppet>(waiting(&log)).await.unwrap();
    parent.process_ref().exit(Reason::term("boom"));
    assert_eq!(server.ended().await, Reason::term("boom"));
    assert_eq!(log.take(), Vec::<String>::new());
}

#[tokio::test]
async fn gs_130_a_parents_normal_end_leaves_the_server_running() {
    let log = Log::default();
    let parent = parent();
    let server = parent.start_link::<Puppet>(waiting(&log)).await.unwrap();
    drop(parent);
    settle().await;
    synced(&server).await;
    assert_eq!(log.take(), Vec::<String>::new());
}

#[tokio::test]
async fn gs_133_a_strangers_exit_signal_is_an_info_for_a_server_that_traps() {
    let log = Log::default();
    let server = trapping(&log).await;
    let stranger = parent();
    stranger.exit(&server, Reason::term("boom"));
    stranger.exit(&server, Reason::Normal);
    stranger.exit(&server, Reason::Shutdown);
    synced(&server).await;
    assert_eq!(log.take(), ["exit boom", "exit normal", "exit shutdown"]);
}

/// Kills the server, and checks that it wrote nothing more.
async fn killed(server: &ServerRef<Puppet>, log: &Log) {
    let mut probe = Probe::<()>::new();
    let down = probe.monitor(server);
    server.kill();
    assert_eq!(probe.expect_down(down).await.reason, Reason::Killed);
    assert_eq!(log.take(), Vec::<String>::new());
    assert!(!server.is_alive());
}

#[tokio::test]
async fn gs_136_a_kill_ends_any_server_without_terminate() {
    let log = Log::default();
    killed(&puppet(&log).await, &log).await;
    killed(&trapping(&log).await, &log).await;
    for server in [puppet(&log).await, trapping(&log).await] {
        let at_an_await = server.clone();
        let call = async move { at_an_await.call(park::<()>).await };
        let kill = async {
            settle().await;
            killed(&server, &log).await;
        };
        let (called, ()) = join(call, kill).await;
        assert!(matches!(&called, Err(CallError::Exit { reason: Reason::Killed, .. })), "{called:?}");
    }
}

#[tokio::test]
async fn a_server_that_kills_itself_takes_no_further_step() {
    let log = Log::default();
    for ending in [
        Next::wait,
        || Next::stop(Reason::Normal),
        || Next::then(Told::Note("continued")),
        || Err(Reason::term("failed")),
    ] {
        let server = puppet(&log).await;
        server.cast(note("before")).unwrap();
        server
            .cast(act(move |_, cx| {
                cx.this().kill();
                ending()
            }))
            .unwrap();
        server.cast(note("after")).unwrap();
        assert_eq!(server.ended().await, Reason::Killed);
        assert_eq!(log.take(), ["before"]);
    }
}

#[tokio::test]
async fn a_caller_dropped_by_a_callback_that_was_killed_gets_killed() {
    let log = Log::default();
    let server = puppet(&log).await;
    let called = server.call(|caller: Caller<()>| {
        act(move |_, cx| {
            cx.this().kill();
            drop(caller);
            Next::wait()
        })
    });
    assert!(matches!(called.await, Err(CallError::Exit { reason: Reason::Killed, .. })));
}

#[tokio::test]
async fn gs_137_kill_as_a_peers_own_reason_can_be_trapped() {
    let log = Log::default();
    let suicide = |server: ServerRef<Puppet>| async move {
        let (go, gone) = oneshot::channel::<()>();
        let peer = genserver::spawn(move |_me: Probe<()>| async {
            let _ = gone.await;
            Err::<(), _>(Reason::Kill)
        })
        .unwrap()
        .process_ref();
        server
            .call(|caller| {
                act(move |_, cx| {
                    cx.link(&peer).unwrap();
                    Next::reply(caller, ())
                })
            })
            .await
            .unwrap();
        go.send(()).unwrap();
    };
    let server = trapping(&log).await;
    suicide(server.clone()).await;
    settle().await;
    synced(&server).await;
    assert_eq!(log.take(), ["exit kill"]);

    let server = puppet(&log).await;
    suicide(server.clone()).await;
    assert_eq!(server.ended().await, Reason::Kill);
    assert_eq!(log.take(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn gs_138_a_killed_servers_name_is_free_on_its_down() {
    let log = Log::default();
    let node = Node::new();
    let server = node.start::<Puppet>(waiting(&log)).name("victim").await.unwrap();
    let watcher = Probe::<()>::on(&node);
    let mut watcher = watcher;
    let down = watcher.monitor(&server);
    server.kill();
    assert_eq!(watcher.expect_down(down).await.reason, Reason::Killed);
    assert!(node.whereis("victim").is_none());
    node.start::<Puppet>(waiting(&log)).name("victim").await.unwrap();
}

// The termination matrix: what brings the end, whether terminate runs and with which reason, and the exit reason.

/// Brings a server that traps or does not to its end; returns its exit reason, and what terminate wrote.
async fn ended(traps: bool, end: impl AsyncFnOnce(&ServerRef<Puppet>, Probe<()>)) -> (Reason, Vec<String>) {
    let log = Log::default();
    let parent = parent();
    let server = if traps {
        trapping_child(&parent, &log).await
    } else {
        parent.start_link::<Puppet>(waiting(&log)).await.unwrap()
    };
    end(&server, parent).await;
    (server.ended().await, log.take())
}

fn terminated(reason: &str) -> Vec<String> {
    vec![format!("terminate {reason}")]
}

fn nothing() -> Vec<String> {
    Vec::new()
}

/// Makes the server do this, without waiting for it.
fn tell(server: &ServerRef<Puppet>, what: Act) {
    server.cast(what).unwrap();
}

#[tokio::test]
async fn matrix_a_stop_runs_terminate_with_its_reason() {
    for traps in [false, true] {
        let stopped = ended(traps, async |server, parent| {
            tell(server, act(|_, _| Next::stop(Reason::term("why"))));
            std::mem::forget(parent);
        });
        assert_eq!(stopped.await, (Reason::term("why"), terminated("why")));
    }
}

#[tokio::test]
async fn matrix_a_panic_runs_terminate_with_the_panic() {
    for traps in [false, true] {
        let (reason, log) = ended(traps, async |server, parent| {
            tell(server, act(|_, _| panic!("raised")));
            std::mem::forget(parent);
        })
        .await;
        assert!(matches!(&reason, Reason::Panic(panic) if panic.message() == "raised"), "{reason}");
        assert_eq!(log, terminated("panicked: raised"));
    }
}

#[tokio::test]
async fn matrix_a_panic_at_an_await_runs_terminate_with_the_panic() {
    let (reason, log) = ended(false, async |server, parent| {
        tell(
            server,
            slow(|_, _| {
                Box::pin(async {
                    yield_now().await;
                    panic!("raised late")
                })
            }),
        );
        std::mem::forget(parent);
    })
    .await;
    assert!(matches!(&reason, Reason::Panic(panic) if panic.message() == "raised late"), "{reason}");
    assert_eq!(log, terminated("panicked: raised late"));
}

#[tokio::test]
async fn matrix_an_error_runs_terminate_with_the_error() {
    let exited = ended(false, async |server, parent| {
        tell(server, act(|_, _| Err(Reason::term("exited"))));
        std::mem::forget(parent);
    });
    assert_eq!(exited.await, (Reason::term("exited"), terminated("exited")));
}

#[tokio::test]
async fn matrix_a_stop_from_outside_runs_terminate_whether_it_traps_or_not() {
    for traps in [false, true] {
        let stopped = ended(traps, async |server, parent| {
            server.stop().reason(Reason::term("ordered")).await.unwrap();
            drop(parent);
        });
        assert_eq!(stopped.await, (Reason::term("ordered"), terminated("ordered")));
    }
}

#[tokio::test]
async fn matrix_a_parents_exit_is_an_order_to_stop_for_a_server_that_traps() {
    for reason in [Reason::term("boom"), Reason::Shutdown, Reason::Normal] {
        let text = reason.to_string();
        let sent = reason.clone();
        let stopped = ended(true, async |server, parent| parent.exit(server, sent));
        assert_eq!(stopped.await, (reason, terminated(&text)), "sent");
    }
    let over_the_link = ended(true, async |_, parent| parent.process_ref().exit(Reason::term("parent died")));
    assert_eq!(over_the_link.await, (Reason::term("parent died"), terminated("parent died")));
    let normally = ended(true, async |_, parent| drop(parent));
    assert_eq!(normally.await, (Reason::Normal, terminated("normal")));
}

#[tokio::test]
async fn matrix_a_parents_exit_waits_for_its_turn() {
    let log = Log::default();
    let parent = parent();
    let server = trapping_child(&parent, &log).await;
    let (go, gone) = oneshot::channel::<()>();
    tell(
        &server,
        slow(|puppet, _| {
            Box::pin(async move {
                let _ = gone.await;
                puppet.log.note("finished");
                Next::wait()
            })
        }),
    );
    tell(&server, note("queued before"));
    parent.exit(&server, Reason::Shutdown);
    tell(&server, note("queued after"));
    settle().await;
    go.send(()).unwrap();
    assert_eq!(server.ended().await, Reason::Shutdown);
    assert_eq!(log.take(), ["finished", "queued before", "terminate shutdown"]);
}

#[tokio::test]
async fn matrix_a_parents_exit_ends_a_server_that_does_not_trap_without_terminate() {
    let sent = ended(false, async |server, parent| parent.exit(server, Reason::term("boom")));
    assert_eq!(sent.await, (Reason::term("boom"), nothing()));
    let shutdown = ended(false, async |server, parent| {
        tell(server, slow(|_, _| Box::pin(std::future::pending())));
        settle().await;
        parent.exit(server, Reason::Shutdown);
    });
    assert_eq!(shutdown.await, (Reason::Shutdown, nothing()), "in the middle of a callback");
}

#[tokio::test]
async fn matrix_a_parents_normal_exit_leaves_a_server_that_does_not_trap_alone() {
    let log = Log::default();
    let parent = parent();
    let server = parent.start_link::<Puppet>(waiting(&log)).await.unwrap();
    parent.exit(&server, Reason::Normal);
    synced(&server).await;
    drop(parent);
    synced(&server).await;
    assert_eq!(log.take(), nothing());
}

#[tokio::test]
async fn matrix_a_monitoring_starter_is_a_parent_whose_exit_stops() {
    let log = Log::default();
    let mut starter = parent();
    let play = beginning(&log, |puppet, cx| {
        cx.trap_exits(Told::Exit);
        Init::Run(puppet)
    });
    let (server, _) = starter.start_monitor::<Puppet>(play).await.unwrap();
    starter.exit(&server, Reason::term("boom"));
    assert_eq!(server.ended().await, Reason::term("boom"));
    assert_eq!(log.take(), ["terminate boom"]);
}

#[tokio::test]
async fn matrix_a_strangers_exit_ends_a_server_that_does_not_trap_without_terminate() {
    let log = Log::default();
    let server = puppet(&log).await;
    let stranger = parent();
    stranger.exit(&server, Reason::Normal);
    synced(&server).await;
    stranger.exit(&server, Reason::term("boom"));
    assert_eq!(server.ended().await, Reason::term("boom"));
    assert_eq!(log.take(), nothing());
}

#[tokio::test]
async fn matrix_an_untrapped_exit_drops_what_still_waits() {
    let log = Log::default();
    let server = puppet(&log).await;
    for _ in 0..10 {
        tell(&server, note("never"));
    }
    let waiting = server.call(|caller| answer(caller, ()));
    let exit = async { server.exit(Reason::term("boom")) };
    let (called, ()) = join(waiting, exit).await;
    assert!(matches!(&called, Err(CallError::Exit { reason, .. }) if *reason == Reason::term("boom")), "{called:?}");
    assert_eq!(log.take(), nothing());
}

#[tokio::test]
async fn matrix_an_init_that_fails_never_reaches_terminate() {
    let log = Log::default();
    for begin in [
        (|_, _| Init::Stop(Reason::term("no"))) as fn(Puppet, &mut genserver::Cx<Puppet>) -> Init<Puppet>,
        |_, _| Init::Ignore,
        |_, _| Init::Fail(Reason::term("no")),
        |_, _| panic!("no"),
    ] {
        let started = start::<Puppet>(beginning(&log, begin)).await;
        assert!(matches!(started, Err(StartError::Failed { .. } | StartError::Ignored { .. })), "{started:?}");
        assert_eq!(log.take(), nothing());
    }
}

/// Sets what terminate does.
async fn set_curtain(server: &ServerRef<Puppet>, curtain: puppet::Curtain) {
    let set = server.call(|caller| {
        act(|puppet, _| {
            puppet.curtain = Some(curtain);
            Next::reply(caller, ())
        })
    });
    set.await.unwrap();
}

#[tokio::test]
async fn matrix_a_panic_in_terminate_replaces_the_reason() {
    for end in [(|| Next::stop(Reason::Normal)) as fn() -> genserver::Outcome<Puppet>, || panic!("first")] {
        let log = Log::default();
        let server = puppet(&log).await;
        set_curtain(&server, Box::new(|| panic!("second"))).await;
        let called = server.call(|caller: Caller<()>| {
            act(move |_, _| {
                drop(caller);
                end()
            })
        });
        let called = called.await;
        assert!(
            matches!(&called, Err(CallError::Exit { reason: Reason::Panic(panic), .. }) if panic.message() == "second"),
            "{called:?}"
        );
    }
}

#[tokio::test]
async fn matrix_a_kill_interrupts_terminate() {
    let log = Log::default();
    let server = puppet(&log).await;
    let (begun, has_begun) = oneshot::channel::<()>();
    set_curtain(
        &server,
        Box::new(|| {
            Box::pin(async {
                begun.send(()).unwrap();
                std::future::pending::<()>().await;
            })
        }),
    )
    .await;
    let killer = server.clone();
    let kill = async move {
        has_begun.await.unwrap();
        assert!(!killer.is_alive(), "it is closed already");
        killer.kill();
    };
    let called = server.call(|caller| act(|_, _| Next::stop_reply(Reason::term("slowly"), caller, "never sent")));
    let (called, ()) = join(called, kill).await;
    assert!(matches!(&called, Err(CallError::Exit { reason: Reason::Killed, .. })), "{called:?}");
    assert_eq!(server.ended().await, Reason::Killed);
    assert_eq!(log.take(), terminated("slowly"));
}

#[tokio::test]
async fn a_stop_that_a_kill_interrupts_says_so() {
    let log = Log::default();
    let server = puppet(&log).await;
    set_curtain(&server, Box::new(|| Box::pin(std::future::pending()))).await;
    let kill = async {
        settle().await;
        server.kill();
    };
    let (stopped, ()) = join(server.stop(), kill).await;
    assert!(matches!(&stopped, Err(StopError::Exit { reason: Reason::Killed, .. })), "{stopped:?}");
}

#[tokio::test(start_paused = true)]
async fn the_first_of_several_orders_wins() {
    let log = Log::default();
    let server = puppet(&log).await;
    tell(
        &server,
        act(|_, cx| {
            cx.this().exit(Reason::term("first"));
            cx.this().kill();
            cx.this().exit(Reason::term("third"));
            Next::wait()
        }),
    );
    assert_eq!(server.ended().await, Reason::term("first"));
    assert_eq!(log.take(), nothing());
}

/// Records when it is dropped.
struct Dropped(Log);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.note("state dropped");
    }
}

/// What promise 6 says about the order of an end, seen by a watcher that looks when its `Down` comes.
#[tokio::test]
async fn an_end_is_told_after_the_state_is_dropped_and_before_stop_returns() {
    let log = Log::default();
    let node = Node::new();
    let play = beginning(&log, |mut puppet, _| {
        let dropped = Dropped(puppet.log.clone());
        puppet.when_idle = Some(act(move |_, _| {
            drop(dropped);
            Next::wait()
        }));
        Init::Run(puppet)
    });
    let server = node.start::<Puppet>(play).name("ending").await.unwrap();
    let mut watcher = Probe::<()>::on(&node);
    watcher.trap_exits(true);
    watcher.link(&server).unwrap();
    let down = watcher.monitor(&server);
    server.stop().await.unwrap();
    assert_eq!(log.take(), ["terminate normal", "state dropped"]);
    assert!(server.as_process().is_some());
    assert!(node.whereis("ending").is_none());
    let letters = watcher.flush();
    let exit = Exit { from: server.pid(), reason: Reason::Normal };
    assert!(
        matches!(&letters[..], [Letter::Exit(first), Letter::Down(second)] if *first == exit && second.reference == down),
        "{letters:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_with_time_waits_no_longer_than_that() {
    let log = Log::default();
    let server = puppet(&log).await;
    set_curtain(&server, Box::new(|| Box::pin(tokio::time::sleep(Duration::from_secs(9))))).await;
    let stopped = server.stop().timeout(Duration::from_secs(1)).await;
    assert!(matches!(stopped, Err(StopError::Timeout { after, .. }) if after == Duration::from_secs(1)), "{stopped:?}");
    assert_eq!(server.ended().await, Reason::Normal);
}

#[tokio::test]
async fn a_server_that_nobody_started_linked_is_its_own_parent_whose_exit_stops() {
    let log = Log::default();
    let play = beginning(&log, |puppet, cx| {
        cx.trap_exits(Told::Exit);
        Init::Run(puppet)
    });
    let server = start::<Puppet>(play).await.unwrap();
    tell(
        &server,
        act(|_, cx| {
            cx.process_ref().exit(Reason::term("boom"));
            Next::wait()
        }),
    );
    assert_eq!(server.ended().await, Reason::term("boom"));
    assert_eq!(log.take(), ["terminate boom"]);
}
