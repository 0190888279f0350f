//! What could go wrong when a server ends: panics anywhere, kills during a poll, and a runtime that goes away.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use futures::executor::block_on;
use futures::future::{FutureExt, join};
use genserver::sys;
use genserver::{
    CallError, Caller, CastError, Cx, GenServer, Init, Letter, Never, Next, Node, Outcome, Probe, Reason, ServerRef,
    start,
};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::{JoinSet, yield_now};

use crate::flavours::soon;
use crate::puppet::{self, Log, Puppet, Told, act, answer, beginning, note, park, slow, waiting};

on_both_flavours! {
    a_panic_ends_its_server_and_nobody_else
    a_panic_in_the_drop_of_a_state_is_kept_from_everybody
    a_panic_in_the_drop_of_a_message_keeps_nobody_waiting
    a_panic_whose_payload_panics_ends_its_server_only
    gs_177_what_is_sent_after_a_kill_comes_too_late_although_a_callback_runs
    a_link_exit_while_another_thread_polls_takes_effect
    a_kill_between_two_messages_of_a_batch_drops_the_rest
    a_caller_that_another_task_keeps_hears_of_the_end
    a_killed_await_gives_its_callers_the_reason
    ten_thousand_linked_servers_end_together
    deaths_in_the_drop_of_a_state_do_not_nest
    a_kill_within_a_death_polls_no_callback_again
    an_end_that_races_with_calls_leaves_none_of_them_waiting
}

async fn puppet() -> ServerRef<Puppet> {
    start::<Puppet>(waiting(&Log::default())).await.unwrap()
}

#[track_caller]
fn exit_reason<R: std::fmt::Debug>(called: Result<R, CallError>) -> Reason {
    match called {
        Err(CallError::Exit { reason, .. }) => reason,
        other => panic!("the call was to end with its server, not with {other:?}"),
    }
}

#[track_caller]
fn panic_message(reason: &Reason) -> &str {
    match reason {
        Reason::Panic(panic) => panic.message(),
        other => panic!("the server was to panic, not to end with {other}"),
    }
}

async fn a_panic_ends_its_server_and_nobody_else() {
    for awaits in [false, true] {
        let (server, bystander) = (puppet().await, puppet().await);
        let mut probe = Probe::<()>::new();
        let down = probe.monitor(&server);
        let inner = server.clone();
        // The bystander's handler calls the one that panics: the panic does not unwind into it.
        let called = bystander.call(|caller| {
            slow(move |_, _| {
                Box::pin(async move {
                    let panics = inner.call(|caller: Caller<()>| {
                        slow(move |_, _| {
                            Box::pin(async move {
                                let _caller = caller;
                                if awaits {
                                    yield_now().await;
                                }
                                panic!("boom")
                            })
                        })
                    });
                    Next::reply(caller, panics.await)
                })
            })
        });
        assert_eq!(panic_message(&exit_reason(called.await.unwrap())), "boom");
        assert_eq!(panic_message(&probe.expect_down(down).await.reason), "boom");
        assert!(!server.is_alive());
        assert_eq!(bystander.call(|caller| answer(caller, 1)).await, Ok(1));
    }
}

/// Panics when it is dropped.
struct Bomb(&'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "{}", self.0);
    }
}

struct Explosive(#[expect(dead_code, reason = "it is there to be dropped")] Bomb);

enum Light {
    Fuse(Caller<()>),
    Nothing(Caller<()>),
    Bomb(Caller<Bomb>),
}

impl GenServer for Explosive {
    type Args = ();
    type Call = Light;
    type Cast = Bomb;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Explosive(Bomb("in the drop of the state")))
    }

    async fn handle_call(&mut self, light: Light, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match light {
            Light::Fuse(caller) => {
                drop(caller);
                Next::stop(Reason::term("lit"))
            }
            Light::Nothing(caller) => Next::reply(caller, ()),
            Light::Bomb(caller) => {
                while !caller.is_gone() {
                    yield_now().await;
                }
                Next::stop_reply(Reason::term("reply"), caller, Bomb("in the drop of a reply"))
            }
        }
    }

    async fn handle_cast(&mut self, _bomb: Bomb, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::wait()
    }
}

async fn a_panic_in_the_drop_of_a_state_is_kept_from_everybody() {
    let node = Node::new();
    let mut probe = Probe::<()>::on(&node);
    for end in 0..4 {
        let server = node.start::<Explosive>(()).name("explosive").await.unwrap();
        let down = probe.monitor(&server);
        let reason = match end {
            0 => exit_reason(server.call(Light::Fuse).await),
            1 => {
                server.kill();
                Reason::Killed
            }
            2 => {
                server.stop().await.unwrap();
                Reason::Normal
            }
            _ => {
                // Its caller no longer wants the reply, so the reply is dropped where the server ends.
                let mut call = Box::pin(server.call(Light::Bomb));
                assert!(call.as_mut().now_or_never().is_none());
                drop(call);
                Reason::term("reply")
            }
        };
        assert_eq!(probe.expect_down(down).await.reason, reason);
        assert!(node.whereis("explosive").is_none());
        assert!(matches!(server.call(Light::Nothing).await, Err(CallError::NoProc { .. })));
    }
}

async fn a_panic_in_the_drop_of_a_message_keeps_nobody_waiting() {
    let server = start::<Explosive>(()).await.unwrap();
    sys::suspend(&server).await.unwrap();
    for _ in 0..5 {
        server.cast(Bomb("in the drop of a message")).unwrap();
    }
    let called = server.call(Light::Nothing);
    let kill = async { server.kill() };
    let (called, ()) = join(called, kill).await;
    assert_eq!(exit_reason(called), Reason::Killed);
    // The first cast that is handled panics there: no handler keeps it from being dropped.
    let server = start::<Explosive>(()).await.unwrap();
    server.cast(Bomb("in the drop of a message")).unwrap();
    assert_eq!(panic_message(&server.ended().await), "in the drop of a message");
}

async fn a_panic_whose_payload_panics_ends_its_server_only() {
    let server = puppet().await;
    let called = server.call(|caller: Caller<()>| {
        act(move |puppet, _| {
            let _caller = caller;
            puppet.curtain = Some(Box::new(|| std::panic::panic_any(Bomb("in the drop of a payload of terminate"))));
            std::panic::panic_any(Bomb("in the drop of a payload"))
        })
    });
    assert_eq!(panic_message(&exit_reason(called.await)), "a value that is not text");
    assert_eq!(panic_message(&server.ended().await), "a value that is not text");
}

/// Keeps a server busy without an await until it may go on, and reports when it is busy.
fn compute(started: oneshot::Sender<()>, go_on: Arc<AtomicBool>) -> puppet::Act {
    act(move |puppet, _| {
        started.send(()).unwrap();
        while !go_on.load(SeqCst) {
            std::thread::yield_now();
        }
        puppet.log.note("computed");
        Next::wait()
    })
}

/// Runs `meet` against a server that computes on another thread; returns what it wrote and how it ended.
async fn while_it_computes(meet: impl FnOnce(&ServerRef<Puppet>)) -> (Vec<String>, Reason) {
    let log = Log::default();
    // A runtime of its own, so that one thread can look on even if the test has only one thread.
    let own = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = {
        let _entered = own.enter();
        start::<Puppet>(waiting(&log)).now_or_never().expect("its init does not await").unwrap()
    };
    let (started, has_started) = oneshot::channel();
    let go_on = Arc::new(AtomicBool::new(false));
    server.cast(compute(started, Arc::clone(&go_on))).unwrap();
    server.cast(note("queued")).unwrap();
    has_started.await.unwrap();
    meet(&server);
    assert!(!server.process_ref().has_ended(), "it computes, and nobody can stop it");
    // What is sent now comes after the order to end.
    assert!(!server.is_alive());
    let late = server.cast(note("late")).unwrap_err();
    assert!(matches!(late, CastError::NoProc { .. }), "{late}");
    let late = server.call(|caller| act(move |_, _| Next::reply(caller, ()))).await.unwrap_err();
    assert!(matches!(late, CallError::NoProc { .. }), "{late}");
    go_on.store(true, SeqCst);
    let reason = server.ended().await;
    own.shutdown_background();
    (log.take(), reason)
}

async fn gs_177_what_is_sent_after_a_kill_comes_too_late_although_a_callback_runs() {
    let (log, reason) = while_it_computes(ServerRef::kill).await;
    assert_eq!((log, reason), (vec!["computed".to_owned()], Reason::Killed));
}

async fn a_link_exit_while_another_thread_polls_takes_effect() {
    let met = while_it_computes(|server| {
        let mut peer = Probe::<()>::new();
        peer.link(server).unwrap();
        peer.process_ref().exit(Reason::term("over the link"));
    });
    assert_eq!(met.await, (vec!["computed".to_owned()], Reason::term("over the link")));
}

async fn a_kill_between_two_messages_of_a_batch_drops_the_rest() {
    for at in [0, 1, 7] {
        let log = Log::default();
        let server = start::<Puppet>(waiting(&log)).await.unwrap();
        let (go, gone) = oneshot::channel::<()>();
        server
            .cast(slow(|_, _| {
                Box::pin(async {
                    let _ = gone.await;
                    Next::wait()
                })
            }))
            .unwrap();
        for number in 0..10 {
            server
                .cast(act(move |puppet, cx| {
                    puppet.log.note(number.to_string());
                    if number == at {
                        cx.this().kill();
                    }
                    Next::wait()
                }))
                .unwrap();
        }
        go.send(()).unwrap();
        assert_eq!(server.ended().await, Reason::Killed);
        assert_eq!(log.take().len(), at + 1);
    }
}

async fn a_caller_that_another_task_keeps_hears_of_the_end() {
    for _ in 0..200 {
        let server = puppet().await;
        let (keep, kept) = oneshot::channel::<Caller<()>>();
        let call = server.call(|caller| {
            act(move |_, _| {
                keep.send(caller).unwrap();
                Next::wait()
            })
        });
        let end = async {
            let caller = kept.await.unwrap();
            server.stop().reason(Reason::term("over")).await.unwrap();
            caller
        };
        let (called, caller) = join(call, end).await;
        assert_eq!(exit_reason(called), Reason::term("over"));
        assert!(caller.is_gone());
        caller.reply(());
    }
}

async fn a_killed_await_gives_its_callers_the_reason() {
    for _ in 0..200 {
        let server = puppet().await;
        let (parked, queued) = (server.call(park::<()>), server.call(|caller| answer(caller, ())));
        let kill = async {
            yield_now().await;
            server.exit(Reason::term("cut off"));
        };
        let ((parked, queued), ()) = join(join(parked, queued), kill).await;
        assert_eq!(exit_reason(parked), Reason::term("cut off"));
        assert_eq!(exit_reason(queued), Reason::term("cut off"));
    }
}

async fn ten_thousand_linked_servers_end_together() {
    let node = Node::new();
    let mut probe = Probe::<()>::on(&node);
    let first = node.start::<Puppet>(waiting(&Log::default())).await.unwrap();
    let mut last = first.clone();
    let mut downs = Vec::new();
    for _ in 0..10_000 {
        let next = node.start::<Puppet>(waiting(&Log::default())).await.unwrap();
        let peer = next.clone();
        last.call(|caller| {
            act(move |_, cx| {
                cx.link(&peer).unwrap();
                Next::reply(caller, ())
            })
        })
        .await
        .unwrap();
        downs.push(probe.monitor(&next));
        last = next;
    }
    first.exit(Reason::term("all"));
    for down in downs {
        let found = probe
            .expect_within(
                Duration::from_mins(1),
                |letter| matches!(letter, Letter::Down(found) if found.reference == down),
            )
            .await;
        assert!(matches!(found, Letter::Down(found) if found.reason == Reason::term("all")));
    }
}

/// Kills another when it is dropped.
struct Vengeful(ServerRef<Puppet>);

impl Drop for Vengeful {
    fn drop(&mut self) {
        self.0.kill();
    }
}

async fn deaths_in_the_drop_of_a_state_do_not_nest() {
    // Each one's state kills the next when it is dropped: as deep as there are servers, were it a recursion.
    let log = Log::default();
    let mut next = start::<Puppet>(waiting(&log)).await.unwrap();
    let last = next.clone();
    for _ in 0..5000 {
        let vengeful = Vengeful(next);
        next = start::<Puppet>(beginning(&log, move |mut puppet, _| {
            puppet.when_idle = Some(act(move |_, _| {
                drop(vengeful);
                Next::wait()
            }));
            Init::Run(puppet)
        }))
        .await
        .unwrap();
    }
    next.kill();
    assert_eq!(last.ended().await, Reason::Killed);
    assert_eq!(log.take(), Vec::<String>::new());
}

async fn a_kill_within_a_death_polls_no_callback_again() {
    let log = Log::default();
    let victim = start::<Puppet>(waiting(&log)).await.unwrap();
    let polls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&polls);
    victim
        .cast(slow(move |_, _| {
            Box::pin(std::future::poll_fn(move |_| {
                counted.fetch_add(1, SeqCst);
                std::task::Poll::Pending
            }))
        }))
        .unwrap();
    while polls.load(SeqCst) == 0 {
        yield_now().await;
    }
    let vengeful = Vengeful(victim.clone());
    let server = puppet().await;
    server
        .call(|caller| {
            act(move |puppet, _| {
                puppet.when_idle = Some(act(move |_, _| {
                    drop(vengeful);
                    Next::wait()
                }));
                Next::stop_reply(Reason::Normal, caller, ())
            })
        })
        .await
        .unwrap();
    assert_eq!(victim.ended().await, Reason::Killed);
    assert_eq!(polls.load(SeqCst), 1);
}

async fn an_end_that_races_with_calls_leaves_none_of_them_waiting() {
    for round in 0..1000 {
        let server = puppet().await;
        let mut calls = JoinSet::new();
        for number in 0..4 {
            let server = server.clone();
            calls.spawn(async move { server.call(|caller| answer(caller, number)).no_timeout().await });
        }
        yield_now().await;
        match round % 3 {
            0 => server.kill(),
            1 => assert_eq!(server.stop().await, Ok(())),
            _ => {
                let _ = server.cast(act(|_, _| panic!("meanwhile")));
            }
        }
        while let Some(called) = calls.join_next().await {
            match called.unwrap() {
                Ok(_) | Err(CallError::Exit { .. } | CallError::NoProc { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
        server.ended().await;
    }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// What a monitor in another runtime receives when the runtime of a server is shut down.
fn shut_down(prepare: impl AsyncFnOnce(&ServerRef<Puppet>)) -> (Reason, Vec<String>) {
    let log = Log::default();
    let ours = runtime();
    let theirs = runtime();
    let node = Node::new();
    let server = theirs.block_on(async {
        let server = node.start::<Puppet>(waiting(&log)).name("gone").await.unwrap();
        prepare(&server).await;
        server
    });
    let mut probe = {
        let _entered = ours.enter();
        Probe::<()>::on(&node)
    };
    let down = probe.monitor(&server);
    theirs.shutdown_timeout(Duration::from_secs(10));
    let reason = ours.block_on(soon(probe.expect_down(down))).reason;
    assert!(node.whereis("gone").is_none());
    assert!(!server.is_alive());
    assert!(matches!(block_on(server.call(|caller| answer(caller, ()))), Err(CallError::NoProc { .. })));
    assert!(server.cast(note("refused")).is_err());
    (reason, log.take())
}

#[test]
fn the_shutdown_of_its_runtime_ends_a_server_without_a_task() {
    let ended = shut_down(async |server| assert!(!server.info().has_task));
    assert_eq!(ended, (Reason::RuntimeGone, vec![]), "and terminate is not called");
}

#[test]
fn the_shutdown_of_its_runtime_ends_a_server_with_a_task() {
    let ended = shut_down(async |server| {
        server.cast(note("done")).unwrap();
        while server.info().mailbox > 0 || !server.info().has_task {
            yield_now().await;
        }
    });
    assert_eq!(ended, (Reason::RuntimeGone, vec!["done".to_owned()]));
}

#[test]
fn the_shutdown_of_its_runtime_ends_a_server_at_an_await() {
    let ended = shut_down(async |server| {
        server
            .cast(slow(|puppet, _| {
                Box::pin(async {
                    puppet.log.note("parked");
                    std::future::pending().await
                })
            }))
            .unwrap();
        while server.info().mailbox > 0 {
            yield_now().await;
        }
    });
    assert_eq!(ended, (Reason::RuntimeGone, vec!["parked".to_owned()]));
}

#[test]
fn a_call_under_way_ends_with_the_runtime_of_its_server() {
    let theirs = runtime();
    let server = theirs.block_on(puppet());
    let (began, has_begun) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let call = scope.spawn(|| {
            block_on(server.call(|caller: Caller<()>| {
                slow(move |_, _| {
                    Box::pin(async move {
                        began.send(()).unwrap();
                        std::future::pending::<()>().await;
                        Next::reply(caller, ())
                    })
                })
            }))
        });
        has_begun.recv().unwrap();
        theirs.shutdown_timeout(Duration::from_secs(10));
        assert_eq!(exit_reason(call.join().unwrap()), Reason::RuntimeGone);
    });
}

/// The server never needed a task, and there is no runtime left to give it one: the first message ends it.
#[test]
fn a_task_that_is_refused_ends_the_server() {
    let theirs = Builder::new_current_thread().enable_all().build().unwrap();
    let server = theirs.block_on(puppet());
    let node = Node::new();
    let late = {
        let _entered = theirs.enter();
        node.start::<Puppet>(waiting(&Log::default())).now_or_never().expect("its init does not await").unwrap()
    };
    drop(theirs);
    assert!(!server.is_alive());
    assert!(!late.is_alive());
    assert!(server.cast(note("refused")).is_err());
}

#[test]
fn a_server_that_is_started_on_a_runtime_that_is_gone_ends_with_its_first_message() {
    let theirs = Builder::new_current_thread().enable_all().build().unwrap();
    let handle = theirs.handle().clone();
    let node = Node::with_runtime(Arc::new(genserver::runtime::Tokio::new(handle)));
    drop(theirs);
    let started = node.start::<Puppet>(waiting(&Log::default())).now_or_never().expect("its init does not await");
    let Ok(server) = started else { return };
    let called = block_on(server.call(|caller| answer(caller, ())));
    assert!(
        matches!(called, Err(CallError::Exit { reason: Reason::RuntimeGone, .. } | CallError::NoProc { .. })),
        "{called:?}"
    );
}

#[test]
fn many_servers_end_with_their_runtime_however_they_are_tied() {
    let theirs = runtime();
    let node = Node::new();
    let servers: Vec<_> = theirs.block_on(async {
        let mut servers = Vec::new();
        for _ in 0..1000 {
            servers.push(node.start::<Puppet>(waiting(&Log::default())).await.unwrap());
        }
        for (number, server) in servers.iter().enumerate() {
            let (peer, watched) = (servers[(number + 1) % 1000].clone(), servers[(number + 7) % 1000].clone());
            server
                .call(|caller| {
                    act(move |_, cx| {
                        cx.link(&peer).unwrap();
                        cx.monitor(&watched, Told::Down);
                        Next::reply(caller, ())
                    })
                })
                .await
                .unwrap();
            if number % 3 == 0 {
                server.cast(slow(|_, _| Box::pin(std::future::pending()))).unwrap();
            }
        }
        servers
    });
    theirs.shutdown_timeout(Duration::from_secs(10));
    for server in servers {
        assert!(!server.is_alive());
        block_on(server.ended());
    }
}
