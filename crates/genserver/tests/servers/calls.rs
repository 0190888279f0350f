//! Calls, replies and stops: every way in which a call can end, and what stopping guarantees.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::disallowed_methods, reason = "a test's time is the runtime's own")]

use std::sync::Arc;
use std::time::Duration;

use futures::future::join;
use genserver::{
    AsServer, CallError, Caller, Cx, GenServer, Init, Name, NameRegistry, Named, Never, Next, Node, Outcome, Pid,
};
use genserver::{Probe, ProcessRef, Reason, RegisterError, ServerRef, StopError, start};
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::{Instant, advance, timeout};

use crate::puppet::{self, Log, Puppet, Told, act, answer, beginning, note, park, slow, waiting};

async fn puppet() -> (ServerRef<Puppet>, Log) {
    let log = Log::default();
    (start::<Puppet>(waiting(&log)).await.unwrap(), log)
}

/// The exit reason in a call's error.
#[track_caller]
fn exit_reason<R: std::fmt::Debug>(called: Result<R, CallError>) -> Reason {
    match called {
        Err(CallError::Exit { reason, .. }) => reason,
        other => panic!("the call was to end with its server, not with {other:?}"),
    }
}

/// Lets everything run that can, without moving the clock.
async fn settle() {
    for _ in 0..64 {
        yield_now().await;
    }
}

#[tokio::test]
async fn gs_043_a_call_returns_the_reply() {
    let (server, _) = puppet().await;
    assert_eq!(server.call(|caller| answer(caller, 42)).await, Ok(42));
    assert_eq!(server.call(|caller| answer(caller, "text")).await, Ok("text"));
}

#[tokio::test(start_paused = true)]
async fn gs_045_call_cancels_the_idle_timeout() {
    let (server, log) = puppet().await;
    server.call(|caller| act(|_, _| Next::reply_idle(caller, (), Duration::from_secs(1)))).await.unwrap();
    advance(Duration::from_millis(500)).await;
    server.call(|caller| answer(caller, ())).await.unwrap();
    advance(Duration::from_secs(2)).await;
    settle().await;
    assert_eq!(log.take(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn gs_046_silence_fires_the_idle_timeout() {
    let (server, log) = puppet().await;
    server.call(|caller| act(|_, _| Next::reply_idle(caller, (), Duration::from_secs(1)))).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(log.take(), ["idle"]);
    server.call(|caller| answer(caller, ())).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(log.take(), Vec::<String>::new(), "it fires once");
}

#[tokio::test(start_paused = true)]
async fn gs_048_a_call_that_times_out_leaves_the_server_unharmed() {
    let (server, log) = puppet().await;
    let before = Instant::now();
    let late = server
        .call(|caller| {
            slow(|puppet, _| {
                Box::pin(async move {
                    tokio::time::sleep(Duration::from_millis(30)).await;
                    puppet.log.note("done all the same");
                    Next::reply(caller, ())
                })
            })
        })
        .timeout(Duration::from_millis(1))
        .await;
    assert!(matches!(late, Err(CallError::Timeout { after, .. }) if after == Duration::from_millis(1)), "{late:?}");
    assert!(before.elapsed() < Duration::from_millis(30));
    assert_eq!(server.call(|caller| answer(caller, 7)).await, Ok(7), "and the next call gets its own answer");
    assert_eq!(log.take(), ["done all the same"]);
}

/// Ends a server linked to a probe by `end`, of which nothing is reported, and returns what call, terminate and the probe got.
async fn heard_of(end: impl FnOnce() -> Outcome<Puppet> + Send + 'static) -> (Reason, Vec<String>, Reason) {
    let log = Log::default();
    let node = Node::new();
    let mut reports = node.reports();
    let mut probe = Probe::<()>::on(&node);
    probe.trap_exits(true);
    let server = probe.start_link::<Puppet>(waiting(&log)).await.unwrap();
    let called = server.call(|caller: Caller<()>| {
        act(move |_, _| {
            drop(caller);
            end()
        })
    });
    let reason = exit_reason(called.await);
    let exit = probe.expect_exit(&server).await;
    assert_eq!(reports.try_next(), None);
    (reason, log.take(), exit.reason)
}

#[tokio::test]
async fn gs_055_an_error_of_shutdown_with_a_detail_is_told_but_not_reported() {
    let shutdown = || Reason::shutdown_with("for the night");
    let heard = heard_of(move || Err(shutdown())).await;
    assert_eq!(heard, (shutdown(), vec!["terminate shutdown: for the night".to_owned()], shutdown()));
    assert!(heard.0.is_normal_set());
}

#[tokio::test]
async fn gs_056_a_stop_of_shutdown_with_a_detail_is_told_but_not_reported() {
    let shutdown = || Reason::shutdown_with("for the night");
    let heard = heard_of(move || Next::stop(shutdown())).await;
    assert_eq!(heard, (shutdown(), vec!["terminate shutdown: for the night".to_owned()], shutdown()));
    assert!(heard.0.is_normal_set());
}

#[tokio::test]
async fn gs_057_an_error_of_shutdown_is_told_but_not_reported() {
    let heard = heard_of(|| Err(Reason::Shutdown)).await;
    assert_eq!(heard, (Reason::Shutdown, vec!["terminate shutdown".to_owned()], Reason::Shutdown));
    assert!(heard.0.is_normal_set());
}

#[tokio::test]
async fn gs_058_a_stop_of_shutdown_is_told_but_not_reported() {
    let heard = heard_of(|| Next::stop(Reason::Shutdown)).await;
    assert_eq!(heard, (Reason::Shutdown, vec!["terminate shutdown".to_owned()], Reason::Shutdown));
    assert!(heard.0.is_normal_set());
}

#[tokio::test]
async fn gs_061_a_normal_stop_without_a_reply_fails_the_call() {
    let heard = heard_of(|| Next::stop(Reason::Normal)).await;
    assert_eq!(heard, (Reason::Normal, vec!["terminate normal".to_owned()], Reason::Normal));
}

#[tokio::test(start_paused = true)]
async fn gs_062_a_stop_reply_arrives_although_terminate_panics() {
    let (server, log) = puppet().await;
    let mut probe = Probe::<()>::new();
    let down = probe.monitor(&server);
    let noted = log.clone();
    let replied = server
        .call(|caller| {
            act(move |puppet, _| {
                puppet.curtain = Some(Box::new(move || {
                    noted.note("before the reply");
                    panic!("in terminate")
                }));
                Next::stop_reply(Reason::Normal, caller, 5)
            })
        })
        .await;
    assert_eq!(replied, Ok(5));
    assert_eq!(log.take(), ["terminate normal", "before the reply"]);
    let reason = probe.expect_down(down).await.reason;
    assert!(matches!(&reason, Reason::Panic(panic) if panic.message() == "in terminate"), "{reason}");
}

#[tokio::test]
async fn a_stop_reply_goes_out_after_terminate_and_the_names() {
    let log = Log::default();
    let node = Node::new();
    let server = node.start::<Puppet>(waiting(&log)).name("leaving").await.unwrap();
    let replied = server.call(|caller| act(|_, _| Next::stop_reply(Reason::Normal, caller, ()))).await;
    assert_eq!(replied, Ok(()));
    assert_eq!(log.take(), ["terminate normal"]);
    assert!(!server.is_alive());
    assert_eq!(node.whereis("leaving"), None);
}

#[tokio::test]
async fn gs_063_an_early_return_answers_the_call() {
    let (server, log) = puppet().await;
    let replied = server.call(|caller| {
        act(|puppet, _| {
            if caller.server().is_some() {
                return Next::reply(caller, "early");
            }
            puppet.log.note("not reached");
            Next::wait()
        })
    });
    assert_eq!(replied.await, Ok("early"));
    assert_eq!(log.take(), Vec::<String>::new());
}

#[tokio::test]
async fn gs_064_an_error_out_of_a_handler_stops_the_server_with_it() {
    let (server, log) = puppet().await;
    let called = server.call(|caller: Caller<i32>| {
        act(|_, _| {
            let number: i32 = "x".parse()?;
            Next::reply(caller, number)
        })
    });
    let reason = exit_reason(called.await);
    assert!(reason.downcast_ref::<std::num::ParseIntError>().is_some(), "{reason}");
    assert_eq!(log.take(), [format!("terminate {reason}")]);
    assert!(!server.is_alive());
}

#[tokio::test(start_paused = true)]
async fn gs_065_a_panic_is_the_reason_that_caller_and_terminate_get() {
    let (server, log) = puppet().await;
    let mut probe = Probe::<()>::new();
    let down = probe.monitor(&server);
    let noted = log.clone();
    let called = server.call(|caller: Caller<()>| {
        act(move |puppet, _| {
            let _caller = caller;
            puppet.log = Log::default();
            puppet.log = noted;
            puppet.log.note("changed");
            panic!("boom")
        })
    });
    let reason = exit_reason(called.await);
    assert!(matches!(&reason, Reason::Panic(panic) if panic.message() == "boom"), "{reason}");
    assert_eq!(log.take(), ["changed", "terminate panicked: boom"]);
    assert_eq!(probe.expect_down(down).await.reason, reason);
}

#[tokio::test]
async fn gs_069_a_kill_ends_the_call_being_handled() {
    let (server, log) = puppet().await;
    let call = server.call(park::<()>);
    let killer = async {
        settle().await;
        server.kill();
    };
    let (called, ()) = join(call, killer).await;
    assert_eq!(exit_reason(called), Reason::Killed);
    assert_eq!(log.take(), Vec::<String>::new());
}

#[tokio::test]
async fn gs_070_the_end_of_a_server_fails_every_queued_call() {
    let (server, log) = puppet().await;
    let fatal = server.call(|caller: Caller<()>| {
        slow(|_, _| {
            Box::pin(async {
                let _caller = caller;
                settle().await;
                Err(Reason::term("fatal"))
            })
        })
    });
    let behind = (0..5).map(|number| {
        let server = server.clone();
        async move { server.call(|caller| answer(caller, number)).await }
    });
    let (fatal, behind) = join(fatal, futures::future::join_all(behind)).await;
    assert_eq!(exit_reason(fatal), Reason::term("fatal"));
    for called in behind {
        assert_eq!(exit_reason(called), Reason::term("fatal"));
    }
    assert_eq!(log.take(), ["terminate fatal"]);
}

#[tokio::test]
async fn a_call_that_comes_during_terminate_gets_the_reason() {
    let (server, _) = puppet().await;
    let stop = server.stop().reason(Reason::term("enough"));
    server
        .call(|caller| {
            act(|puppet, _| {
                puppet.curtain = Some(Box::new(|| Box::pin(settle())));
                Next::reply(caller, ())
            })
        })
        .await
        .unwrap();
    let late = async {
        while server.is_alive() {
            yield_now().await;
        }
        assert!(server.cast(note("refused")).is_err());
        server.call(|caller| answer(caller, ())).await
    };
    let (stopped, late) = join(stop, late).await;
    assert_eq!(stopped, Ok(()));
    assert_eq!(exit_reason(late), Reason::term("enough"));
}

#[tokio::test]
async fn gs_071_stopping_oneself_is_refused_and_changes_nothing() {
    let (server, log) = puppet().await;
    let refused = server
        .call(|caller| {
            slow(|_, cx| {
                Box::pin(async move {
                    let refused = cx.this().stop().await;
                    Next::reply(caller, refused)
                })
            })
        })
        .await
        .unwrap();
    assert!(matches!(refused, Err(StopError::CallingSelf { .. })), "{refused:?}");
    assert_eq!(server.call(|caller| answer(caller, 1)).await, Ok(1));
    assert_eq!(log.take(), Vec::<String>::new());
}

#[tokio::test]
async fn gs_072_a_second_stop_finds_no_process() {
    let (server, log) = puppet().await;
    assert_eq!(server.stop().await, Ok(()));
    assert!(!server.is_alive());
    assert_eq!(log.take(), ["terminate normal"]);
    assert!(matches!(server.stop().await, Err(StopError::NoProc { .. })));
}

#[tokio::test(start_paused = true)]
async fn gs_073_a_server_is_stopped_with_any_reason() {
    let (server, log) = puppet().await;
    let mut probe = Probe::<()>::new();
    let down = probe.monitor(&server);
    assert_eq!(server.stop().reason(Reason::term("other_reason")).await, Ok(()));
    assert_eq!(log.take(), ["terminate other_reason"]);
    assert_eq!(probe.expect_down(down).await.reason, Reason::term("other_reason"));
}

#[tokio::test]
async fn gs_075_a_second_stop_by_name_finds_no_process() {
    let log = Log::default();
    let node = Node::new();
    node.start::<Puppet>(waiting(&log)).name("stopped by name").await.unwrap();
    let named = Named::<Puppet>::on(&node, "stopped by name");
    assert_eq!(named.stop().await, Ok(()));
    assert_eq!(log.take(), ["terminate normal"]);
    assert!(matches!(named.stop().await, Err(StopError::NoProc { .. })));
}

/// A registry of one name.
#[derive(Default)]
struct OneName(std::sync::Mutex<Option<ProcessRef>>);

impl NameRegistry for OneName {
    fn register(&self, _name: &str, process: &ProcessRef) -> Result<(), RegisterError> {
        let mut holder = self.0.lock().unwrap();
        if let Some(holder) = &*holder {
            return Err(RegisterError::Taken(holder.pid()));
        }
        *holder = Some(process.clone());
        Ok(())
    }

    fn unregister(&self, _name: &str, pid: Pid) {
        let mut holder = self.0.lock().unwrap();
        if holder.as_ref().is_some_and(|holder| holder.pid() == pid) {
            *holder = None;
        }
    }

    fn whereis(&self, _name: &str) -> Option<ProcessRef> {
        self.0.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn gs_077_a_second_stop_through_another_registry_finds_no_process() {
    let log = Log::default();
    let via = Name::via(Arc::new(OneName::default()), "it");
    for name in [via, Name::global("stopped by a global name")] {
        start::<Puppet>(waiting(&log)).name(name.clone()).await.unwrap();
        let named = Named::<Puppet>::new(name);
        assert_eq!(named.stop().await, Ok(()));
        assert_eq!(log.take(), ["terminate normal"]);
        assert!(matches!(named.stop().await, Err(StopError::NoProc { .. })));
    }
}

#[tokio::test]
async fn gs_079_stopping_a_dead_or_missing_server_finds_no_process() {
    let (server, _) = puppet().await;
    server.stop().await.unwrap();
    let dead = server.stop().await.unwrap_err();
    assert!(dead.to_string().starts_with(&format!("process {} is not running", server.pid())), "{dead}");
    let missing = Named::<Puppet>::new("never there").stop().await.unwrap_err();
    assert!(missing.to_string().starts_with("a process named never there is not running"), "{missing}");
}

#[tokio::test]
async fn gs_080_a_stop_of_shutdown_reaches_terminate_as_such() {
    let (server, log) = puppet().await;
    assert_eq!(server.stop().reason(Reason::Shutdown).await, Ok(()));
    assert_eq!(log.take(), ["terminate shutdown"]);
}

/// A server with nothing but an init.
struct Bare;

impl GenServer for Bare {
    type Args = ();
    type Call = Never;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Bare)
    }
}

#[tokio::test(start_paused = true)]
async fn gs_082_without_a_terminate_the_stop_reason_is_the_exit_reason() {
    for reason in [Reason::Normal, Reason::term(("error", "test"))] {
        let bare = start::<Bare>(()).await.unwrap();
        let mut probe = Probe::<()>::new();
        let down = probe.monitor(&bare);
        assert_eq!(bare.stop().reason(reason.clone()).await, Ok(()));
        assert_eq!(probe.expect_down(down).await.reason, reason);
    }
}

/// Sets what a puppet does in terminate.
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
async fn gs_083_stop_returns_a_panic_in_terminate() {
    let (server, log) = puppet().await;
    set_curtain(&server, Box::new(|| panic!("in terminate"))).await;
    let stopped = server.stop().await;
    assert!(
        matches!(&stopped, Err(StopError::Exit { reason: Reason::Panic(panic), .. }) if panic.message() == "in terminate"),
        "{stopped:?}"
    );
    assert_eq!(log.take(), ["terminate normal"]);
}

#[tokio::test]
async fn gs_084_stop_returns_an_exit_reason_other_than_the_one_asked_for() {
    let (server, _) = puppet().await;
    let ending = server.call(|caller: Caller<()>| {
        slow(|_, _| {
            Box::pin(async {
                let _caller = caller;
                settle().await;
                Next::stop(Reason::term("my own"))
            })
        })
    });
    let (ended, stopped) = join(ending, server.stop()).await;
    assert_eq!(exit_reason(ended), Reason::term("my own"));
    assert!(
        matches!(&stopped, Err(StopError::Exit { reason, .. }) if *reason == Reason::term("my own")),
        "{stopped:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn gs_085_a_stop_that_times_out_still_stops_the_server() {
    let (server, log) = puppet().await;
    let (go, gone) = tokio::sync::oneshot::channel::<()>();
    server
        .cast(slow(move |_, _| {
            Box::pin(async {
                let _ = gone.await;
                Next::wait()
            })
        }))
        .unwrap();
    let mut probe = Probe::<()>::new();
    let down = probe.monitor(&server);
    let stopped = server.stop().timeout(Duration::ZERO).await;
    assert!(matches!(stopped, Err(StopError::Timeout { .. })), "{stopped:?}");
    assert!(server.is_alive());
    go.send(()).unwrap();
    assert_eq!(probe.expect_down(down).await.reason, Reason::Normal);
    assert_eq!(log.take(), ["terminate normal"]);
}

/// How long the quickest of a hundred calls takes from a probe with this many letters in its mailbox.
#[expect(clippy::disallowed_methods, reason = "measures the machine, not the runtime's clock")]
async fn quickest_call(letters: usize, server: &ServerRef<Puppet>) -> Duration {
    let mut probe = Probe::<usize>::new();
    let mailbox = probe.sender();
    for number in 0..letters {
        mailbox.send(number).unwrap();
    }
    let calls = async {
        let mut quickest = Duration::MAX;
        for _ in 0..100 {
            let before = std::time::Instant::now();
            server.call(|caller| answer(caller, ())).await.unwrap();
            quickest = quickest.min(before.elapsed());
        }
        quickest
    };
    let quickest = probe.scope(calls).await;
    assert_eq!(probe.flush().len(), letters);
    quickest
}

/// The quickest of many: other programs on the machine do not disturb all of them.
#[tokio::test]
async fn gs_148_a_callers_full_mailbox_does_not_slow_a_call() {
    let (server, _) = puppet().await;
    let empty = quickest_call(0, &server).await;
    let full = quickest_call(65_000, &server).await;
    assert!(full < 10 * empty, "{full:?} with a full mailbox, {empty:?} with an empty one");
}

/// What is queued first is handled first, whichever way of sending is used.
#[tokio::test]
async fn casts_infos_calls_and_stops_of_one_sender_keep_their_order() {
    let (server, log) = puppet().await;
    server.cast(note("cast")).unwrap();
    server.send(Told::Note("info")).unwrap();
    let noted = log.clone();
    server
        .call(|caller| {
            act(move |_, _| {
                noted.note("call");
                Next::reply(caller, ())
            })
        })
        .await
        .unwrap();
    server.cast(note("last")).unwrap();
    server.stop().await.unwrap();
    assert_eq!(log.take(), ["cast", "info", "call", "last", "terminate normal"]);
}

#[tokio::test]
async fn an_init_that_has_run_is_seen_by_the_first_call() {
    let log = Log::default();
    let server = start::<Puppet>(beginning(&log, |puppet, _| {
        puppet.log.note("init");
        Init::Run(puppet)
    }))
    .await
    .unwrap();
    server.call(|caller| answer(caller, ())).await.unwrap();
    assert_eq!(log.take(), ["init"]);
}

/// The first call to this server that waits. Nothing of an earlier one is in its list of those who wait.
#[tokio::test(start_paused = true)]
async fn a_call_to_a_busy_server_ends_when_its_time_is_over() {
    let (server, _) = puppet().await;
    let mut busy = Box::pin(server.call(park::<()>).no_timeout());
    assert!(futures::poll!(&mut busy).is_pending());
    let mut call = Box::pin(server.call(|caller| answer(caller, ())).timeout(Duration::from_secs(1)));
    for _ in 0..3 {
        assert!(futures::poll!(&mut call).is_pending(), "however often it is polled");
    }
    let late = timeout(Duration::from_secs(2), call).await.expect("it has a timeout of its own");
    assert!(matches!(late, Err(CallError::Timeout { .. })), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_server_fails_a_call_whose_caller_lives_on_elsewhere() {
    for inline in [true, false] {
        let server = Node::new().start::<Puppet>(waiting(&Log::default())).inline(inline).await.unwrap();
        let (keep, kept) = oneshot::channel();
        let call = server.call(|caller: Caller<()>| {
            act(|_, _| {
                drop(keep.send(caller));
                Next::wait()
            })
        });
        let mut call = Box::pin(call.no_timeout());
        assert!(futures::poll!(&mut call).is_pending());
        let caller = kept.await.unwrap();
        server.kill();
        let failed = timeout(Duration::from_secs(1), call).await.expect("it is told");
        assert_eq!(exit_reason(failed), Reason::Killed);
        drop(caller);
    }
}

/// The thread keeps the slots of such answers by their size.
async fn answered_with<const WORDS: usize>() {
    for inline in [true, false] {
        let server = Node::new().start::<Puppet>(waiting(&Log::default())).inline(inline).await.unwrap();
        for number in 0..3 {
            let value = [number; WORDS];
            assert_eq!(server.call(|caller| answer(caller, value)).await, Ok(value), "{WORDS}");
        }
    }
}

#[tokio::test]
async fn an_answer_may_have_any_size() {
    answered_with::<0>().await;
    answered_with::<1>().await;
    answered_with::<3>().await;
    answered_with::<16>().await;
    answered_with::<100>().await;
    answered_with::<1_000>().await;
}
