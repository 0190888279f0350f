//! What could go wrong around an idle server: dropped calls, lost references, busy monitors, suspension.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::future::poll_fn;
use std::task::Poll;

use futures::future::{FutureExt, join};
use genserver::{CallError, Caller, Next, Node, Probe, Reason, ServerRef, start, sys};
use tokio::sync::oneshot;
use tokio::task::{JoinSet, yield_now};

use crate::flavours::soon;
use crate::puppet::{self, Log, Puppet, act, answer, note, slow, waiting};

on_both_flavours! {
    a_dropped_call_gives_up_the_answer_and_not_the_request
    a_server_that_nobody_refers_to_lives_on
    a_server_may_be_stopped_by_its_monitor
    a_busy_monitor_holds_up_nobodys_end
    a_stale_waker_disturbs_no_later_callback
    a_suspended_server_is_run_by_nobody_and_keeps_the_order
    a_suspended_server_can_be_stopped_and_killed
}

async fn puppet() -> ServerRef<Puppet> {
    start::<Puppet>(waiting(&Log::default())).await.unwrap()
}

async fn a_dropped_call_gives_up_the_answer_and_not_the_request() {
    let log = Log::default();
    let server = start::<Puppet>(waiting(&log)).await.unwrap();
    let (go, gone) = oneshot::channel::<()>();
    let mut running = Box::pin(server.call(|caller: Caller<()>| {
        slow(|puppet, _| {
            Box::pin(async move {
                let _ = gone.await;
                puppet.log.note(format!("ran, its caller gone: {}", caller.is_gone()));
                Next::reply(caller, ())
            })
        })
    }));
    let mut queued = Box::pin(server.call(|caller: Caller<()>| {
        act(|puppet, _| {
            puppet.log.note(format!("queued, its caller gone: {}", caller.is_gone()));
            Next::reply(caller, ())
        })
    }));
    assert!(poll_fn(|cx| Poll::Ready(running.poll_unpin(cx).is_pending())).await);
    assert!(poll_fn(|cx| Poll::Ready(queued.poll_unpin(cx).is_pending())).await);
    drop((running, queued));
    go.send(()).unwrap();
    server.call(|caller| answer(caller, ())).await.unwrap();
    assert_eq!(log.take(), ["ran, its caller gone: true", "queued, its caller gone: true"]);
}

async fn a_server_that_nobody_refers_to_lives_on() {
    let node = Node::new();
    let server = node.start::<Puppet>(waiting(&Log::default())).name("alone").await.unwrap();
    assert!(!server.info().has_task);
    let weak = server.downgrade();
    drop(server);
    assert!(weak.upgrade().is_some());
    let found = node.whereis("alone").unwrap().downcast::<Puppet>().unwrap();
    assert_eq!(found.call(|caller| answer(caller, 3)).await, Ok(3));
    found.stop().await.unwrap();
    drop(found);
    assert!(weak.upgrade().is_none());
}

async fn a_server_may_be_stopped_by_its_monitor() {
    for _ in 0..200 {
        let log = Log::default();
        let server = puppet().await;
        let monitor = start::<Puppet>(waiting(&log)).await.unwrap();
        monitor
            .call(|caller| {
                slow(move |puppet, cx| {
                    Box::pin(async move {
                        cx.monitor(&server, puppet::Told::Down);
                        server.stop().await.unwrap();
                        puppet.log.note("stopped");
                        Next::reply(caller, ())
                    })
                })
            })
            .await
            .unwrap();
        monitor.call(|caller| answer(caller, ())).await.unwrap();
        assert_eq!(log.take(), ["stopped", "down normal"]);
    }
}

async fn a_busy_monitor_holds_up_nobodys_end() {
    let log = Log::default();
    let (server, monitor) = (puppet().await, start::<Puppet>(waiting(&log)).await.unwrap());
    let watched = server.clone();
    let (go, gone) = oneshot::channel::<()>();
    monitor
        .cast(slow(move |puppet, cx| {
            Box::pin(async move {
                cx.monitor(&watched, puppet::Told::Down);
                let _ = gone.await;
                puppet.log.note("no longer busy");
                Next::wait()
            })
        }))
        .unwrap();
    while monitor.info().mailbox > 0 || server.info().monitors == 0 {
        yield_now().await;
    }
    let mut other = Probe::<()>::new();
    let down = other.monitor(&server);
    assert_eq!(server.stop().await, Ok(()));
    assert_eq!(other.expect_down(down).await.reason, Reason::Normal);
    go.send(()).unwrap();
    monitor.call(|caller| answer(caller, ())).await.unwrap();
    assert_eq!(log.take(), ["no longer busy", "down normal"]);
}

async fn a_stale_waker_disturbs_no_later_callback() {
    let server = puppet().await;
    let stale = server
        .call(|caller| {
            slow(|_, _| {
                Box::pin(async {
                    let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
                    Next::reply(caller, waker)
                })
            })
        })
        .await
        .unwrap();
    for round in 0..1000 {
        let early = stale.clone();
        let call = server.call(move |caller| {
            slow(move |_, _| {
                Box::pin(async move {
                    early.wake_by_ref();
                    yield_now().await;
                    early.wake();
                    Next::reply(caller, round)
                })
            })
        });
        let (called, ()) = join(call, async { stale.wake_by_ref() }).await;
        assert_eq!(called, Ok(round));
        stale.wake_by_ref();
    }
    server.stop().await.unwrap();
    stale.wake();
}

async fn a_suspended_server_is_run_by_nobody_and_keeps_the_order() {
    for _ in 0..200 {
        let log = Log::default();
        let server = start::<Puppet>(waiting(&log)).mailbox(3).await.unwrap();
        sys::suspend(&server).await.unwrap();
        server.cast(note("first")).unwrap();
        server.send(puppet::Told::Note("second")).unwrap();
        let caller = server.clone();
        let noted = log.clone();
        let mut calling = JoinSet::new();
        calling.spawn(async move {
            let third = caller.call(|caller| {
                act(move |_, _| {
                    noted.note("third");
                    Next::reply(caller, ())
                })
            });
            third.await
        });
        while server.info().mailbox < 3 {
            yield_now().await;
        }
        for _ in 0..20 {
            yield_now().await;
        }
        assert!(server.cast(note("no space")).unwrap_err().is_full(), "what is held back counts");
        assert_eq!(log.take(), Vec::<String>::new());
        sys::resume(&server).await.unwrap();
        calling.join_next().await.unwrap().unwrap().unwrap();
        server.cast(note("fourth")).unwrap();
        server.stop().await.unwrap();
        assert_eq!(log.take(), ["first", "second", "third", "fourth", "terminate normal"]);
    }
}

async fn a_suspended_server_can_be_stopped_and_killed() {
    let log = Log::default();
    for kill in [false, true] {
        let server = start::<Puppet>(waiting(&log)).await.unwrap();
        sys::suspend(&server).await.unwrap();
        server.cast(note("held back")).unwrap();
        let held = server.call(|caller| answer(caller, ()));
        let end = async {
            yield_now().await;
            if kill {
                server.kill();
            } else {
                server.stop().await.unwrap();
            }
        };
        let (called, ()) = join(held, end).await;
        let reason = if kill { Reason::Killed } else { Reason::Normal };
        assert!(matches!(&called, Err(CallError::Exit { reason: why, .. }) if *why == reason), "{called:?}");
        assert_eq!(log.take(), if kill { vec![] } else { vec!["terminate normal".to_owned()] });
    }
}
