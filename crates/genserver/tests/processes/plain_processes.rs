//! Processes without a server: their starts, and how stopping them can end.

use std::future::{Future, pending, poll_fn};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use crate::puppet::{Begin, Heard, Plan, Puppet, Tell, ms, now, sleep};
use futures::FutureExt as _;
use futures::channel::oneshot;
use futures::future::poll_immediate;
use genserver::{
    Ack, AsProcess as _, AsServer, CastError, EXPECT_WITHIN, Letter, Named, Node, Probe, ProbeRef, ProcessRef, Reason,
    StartError, StartProcess, StopError, spawn, start, start_process, whereis,
};

/// A process that acknowledges after `delay` and ends when it is told to.
fn slow(delay: Duration) -> StartProcess<Reason, u32> {
    start_process(move |mut me: Probe<Reason>, ack: Ack<u32>| async move {
        sleep(delay).await;
        ack.ready(7);
        match me.recv().await {
            Ok(Letter::Message(reason)) => Err(reason),
            _ => Ok(()),
        }
    })
}

#[tokio::test(start_paused = true)]
async fn pl_004_a_start_waits_for_the_acknowledgement() {
    for linked in [false, true] {
        for monitored in [false, true] {
            let mut starter = Probe::<()>::new();
            starter.trap_exits(true);
            let begun = now();
            let mut start = slow(ms(300));
            if linked {
                start = start.linked_to(&starter);
            }
            let mut reference = None;
            if monitored {
                let (with_monitor, monitor) = start.monitored_by(&mut starter);
                start = with_monitor;
                reference = Some(monitor);
            }
            let (process, value) = start.await.unwrap();
            assert_eq!(value, 7);
            assert_eq!(begun.elapsed().as_millis() / 10, 30);
            starter.expect_none(ms(100)).await;

            process.send(Reason::term("done")).unwrap();
            if linked {
                assert_eq!(starter.expect_exit(&process).await.reason, Reason::term("done"));
            }
            if let Some(reference) = reference {
                assert_eq!(starter.expect_down(reference).await.reason, Reason::term("done"));
            }
            starter.expect_none(ms(100)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn pl_005_a_start_that_times_out_leaves_no_message() {
    let mut starter = Probe::<()>::new();
    for traps in [false, true] {
        starter.trap_exits(traps);
        let begun = now();
        let error = slow(ms(5000)).linked_to(&starter).timeout(ms(500)).await.unwrap_err();
        assert!(matches!(error, StartError::Timeout { after, .. } if after == ms(500)), "{error}");
        assert_eq!(begun.elapsed().as_millis() / 10, 50);
        starter.expect_none(ms(10_000)).await;
        assert!(starter.is_alive());
        assert!(starter.process_ref().info().links.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn pl_006_a_monitored_start_that_times_out_leaves_one_down() {
    let mut starter = Probe::<()>::new();
    starter.trap_exits(true);
    let (start, reference) = slow(ms(5000)).linked_to(&starter).timeout(ms(500)).monitored_by(&mut starter);
    let error = start.await.unwrap_err();
    assert!(matches!(error, StartError::Timeout { .. }), "{error}");
    let letters = starter.flush();
    assert!(
        matches!(&letters[..], [Letter::Down(down)] if down.reference == reference && down.reason == Reason::Killed),
        "{letters:?}"
    );
    starter.expect_none(ms(10_000)).await;
}

fn slip(message: &str) {
    panic!("{message}");
}

fn crashing() -> StartProcess<(), ()> {
    start_process(|_me: Probe<()>, ack: Ack<()>| async move {
        let _ack = ack;
        slip("before the acknowledgement");
    })
}

fn failing() -> StartProcess<(), ()> {
    start_process(|_me: Probe<()>, ack: Ack<()>| async move { ack.fail(Reason::term("no")) })
}

#[tokio::test(start_paused = true)]
async fn pl_008_a_crash_before_the_acknowledgement_fails_every_form_of_start() {
    for (make, expected) in [(crashing as fn() -> _, "before the acknowledgement"), (failing, "no")] {
        let mut starter = Probe::<()>::new();
        let (monitored, reference) = make().monitored_by(&mut starter);
        let forms = [make(), make().timeout(ms(60_000)), make().linked_to(&starter), monitored];
        for form in forms {
            let error = form.await.unwrap_err();
            let StartError::Failed { reason, .. } = &error else { panic!("{error}") };
            assert!(reason.to_string().contains(expected), "{reason}");
            assert!(starter.is_alive());
        }
        starter.expect_down(reference).await;
        starter.expect_none(ms(20)).await;

        starter.trap_exits(true);
        make().linked_to(&starter).await.unwrap_err();
        starter.expect_none(ms(20)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn pl_011_stop_tells_every_ending_apart() {
    let run = || start::<Puppet>(Plan::new(Begin::Run));
    let server = run().await.unwrap();
    server.stop().await.unwrap();
    assert!(matches!(server.stop().await, Err(StopError::NoProc { server: who }) if who.pid == server.pid()));

    let server = run().await.unwrap();
    server.cast(Tell::Stop(Reason::term("die"))).unwrap();
    let badly = server.stop().await;
    assert!(matches!(&badly, Err(StopError::Exit { reason, .. }) if *reason == Reason::term("die")), "{badly:?}");

    // It sleeps in a callback, so the order waits, and stands.
    let mut probe = Probe::<Heard>::new();
    for limit in [ms(300), ms(0)] {
        let server = start::<Sleeper>(probe.sender()).await.unwrap();
        server.cast(ms(1000)).unwrap();
        let timed_out = server.stop().timeout(limit).await;
        assert!(matches!(timed_out, Err(StopError::Timeout { after, .. }) if after == limit), "{timed_out:?}");
        assert!(server.is_alive());
        assert_eq!(server.ended().await, Reason::Normal);
        assert_eq!(probe.expect_message().await, Heard::Terminate(Reason::Normal));
    }

    let server = run().await.unwrap();
    server.stop().reason(Reason::term("other")).await.unwrap();

    let server = run().name("pl_011").await.unwrap();
    Named::<Puppet>::new("pl_011").stop().await.unwrap();
    assert!(!server.is_alive());
    assert!(matches!(Named::<Puppet>::new("pl_011").stop().await, Err(StopError::NoProc { .. })));
}

/// Sleeps as long as it is told to.
struct Sleeper(ProbeRef<Heard>);

impl genserver::GenServer for Sleeper {
    type Args = ProbeRef<Heard>;
    type Call = genserver::Never;
    type Cast = Duration;
    type Info = genserver::Never;

    async fn init(told: ProbeRef<Heard>, _cx: &mut genserver::Cx<Self>) -> genserver::Init<Self> {
        genserver::Init::Run(Self(told))
    }

    async fn handle_cast(&mut self, long: Duration, _cx: &mut genserver::Cx<Self>) -> genserver::Outcome<Self> {
        sleep(long).await;
        genserver::Next::wait()
    }

    async fn terminate(&mut self, reason: &Reason, _cx: &mut genserver::Cx<Self>) {
        let _ = self.0.send(Heard::Terminate(reason.clone()));
    }
}

#[tokio::test]
async fn plain_processes_stop_and_end_as_they_are_asked_to() {
    let waiting = spawn(|mut me: Probe<()>| async move { drop(me.recv().await) }).unwrap();
    waiting.process_ref().stop().await.unwrap();
    assert!(!waiting.is_alive());
    assert!(matches!(waiting.process_ref().stop().await, Err(StopError::NoProc { .. })));
    assert!(matches!(waiting.send(()), Err(CastError::NoProc { .. })));

    let held = Probe::<()>::new();
    held.register("held").unwrap();
    held.process_ref().stop().reason(Reason::term("over")).await.unwrap();
    assert_eq!(whereis("held"), None);
    assert_eq!(held.process_ref().ended().await, Reason::term("over"));
}

#[tokio::test]
async fn a_process_has_one_name_at_most_and_is_told_which() {
    let process = Probe::<()>::on(&Node::new());
    process.register("one").unwrap();
    let refused = process.register("two").unwrap_err();
    assert_eq!(refused.to_string(), "the registry refused the name: this process is registered as one already");
}

#[tokio::test]
async fn a_letter_that_arrives_while_others_are_looked_at_is_seen() {
    let mut probe = Probe::<u8>::new();
    let sender = probe.sender();
    sender.send(1).unwrap();
    let wanted = |letter: &Letter<u8>| {
        if *letter == Letter::Message(1) {
            sender.send(2).unwrap();
        }
        *letter == Letter::Message(2)
    };
    assert_eq!(probe.expect(wanted).now_or_never(), Some(Letter::Message(2)));
}

/// It blocks its thread, so an order to stop has to wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_that_times_out_is_told_to_no_other_that_stops_a_plain_process() {
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let (enter, entered) = oneshot::channel();
    let process = spawn(|_me: Probe<()>| async move {
        let _ = enter.send(());
        let _ = gate.recv();
    });
    entered.await.unwrap();
    let process = process.unwrap().process_ref();
    let (hasty, patient) = futures::join!(process.stop().timeout(ms(10)), process.stop().timeout(ms(200)));
    assert!(matches!(hasty, Err(StopError::Timeout { .. })), "{hasty:?}");
    assert!(matches!(patient, Err(StopError::Timeout { .. })), "{patient:?}");
    drop(open);
    assert_eq!(process.ended().await, Reason::Normal);
}

#[tokio::test(start_paused = true)]
async fn spawned_functions_end_with_their_reason() {
    let mut probe = Probe::<()>::new();
    let (_, normal) = probe.spawn_monitor(|_me: Probe<()>| async {}).unwrap();
    assert_eq!(probe.expect_down(normal).await.reason, Reason::Normal);
    let (_, own) = probe.spawn_monitor(|_me: Probe<()>| async { Err(Reason::term("own")) }).unwrap();
    assert_eq!(probe.expect_down(own).await.reason, Reason::term("own"));
    let (_, panicked) = probe.spawn_monitor(|_me: Probe<()>| async { slip("a slip") }).unwrap();
    assert!(matches!(probe.expect_down(panicked).await.reason, Reason::Panic(panic) if panic.message() == "a slip"));
    let (endless, killed) = probe.spawn_monitor(|_me: Probe<()>| pending::<()>()).unwrap();
    endless.kill();
    assert_eq!(probe.expect_down(killed).await.reason, Reason::Killed);
    probe.expect_none(ms(20)).await;
}

/// A process that drops its acknowledgement and goes on.
fn forgetting() -> StartProcess<(), ()> {
    start_process(|_me: Probe<()>, ack: Ack<()>| async move {
        drop(ack);
        pending::<()>().await;
    })
}

/// A process that drops it before it runs at all.
fn never_taking() -> StartProcess<(), ()> {
    start_process(|_me: Probe<()>, _ack: Ack<()>| pending::<()>())
}

#[tokio::test(start_paused = true)]
async fn a_dropped_acknowledgement_fails_every_form_of_start_at_once() {
    let before = now();
    for make in [forgetting as fn() -> _, never_taking] {
        let mut starter = Probe::<()>::new();
        let (monitored, reference) = make().monitored_by(&mut starter);
        for form in [make(), make().timeout(ms(60_000)), make().linked_to(&starter), monitored] {
            let error = form.await.unwrap_err();
            let StartError::NoAck { server } = &error else { panic!("{error}") };
            assert!(server.pid.as_process().is_none(), "it is gone");
            assert!(starter.is_alive());
        }
        assert_eq!(starter.expect_down(reference).await.reason, Reason::Killed);
        starter.trap_exits(true);
        make().linked_to(&starter).await.unwrap_err();
        assert!(starter.flush().is_empty());
    }
    assert_eq!(now() - before, ms(0));
}

#[tokio::test]
async fn a_process_that_fails_and_lives_on_is_killed_and_its_starter_gets_the_reason() {
    let lives_on = start_process(|_me: Probe<()>, ack: Ack<()>| async move {
        let _ = ack.fail(Reason::term("no"));
        pending::<()>().await;
    });
    let error = lives_on.await.unwrap_err();
    assert!(matches!(error, StartError::Failed { reason, .. } if reason == Reason::term("no")));
}

#[tokio::test(start_paused = true)]
async fn an_end_says_more_than_the_acknowledgement_it_drops() {
    let ends = start_process(|_me: Probe<()>, ack: Ack<()>| async move {
        drop(ack);
        Err(Reason::term("its own"))
    });
    let error = ends.await.unwrap_err();
    assert!(matches!(error, StartError::Failed { reason, .. } if reason == Reason::term("its own")));

    let mut shell = Probe::<ProcessRef>::new();
    let tell = shell.sender();
    let waits = start_process(move |me: Probe<()>, ack: Ack<()>| async move {
        let _ack = ack;
        let _ = tell.send(me.process_ref());
        pending::<()>().await;
    });
    let kill = async { shell.expect_message().await.exit(Reason::Shutdown) };
    let (started, ()) = futures::join!(waits, kill);
    assert!(matches!(started.unwrap_err(), StartError::Failed { reason: Reason::Shutdown, .. }));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_start_process_leaves_nothing() {
    let mut starter = Probe::<()>::new();
    starter.trap_exits(true);
    let alive = Arc::new(());
    let held = Arc::clone(&alive);
    let mut start = start_process(move |_me: Probe<()>, ack: Ack<()>| async move {
        let _held = (held, ack);
        pending::<()>().await;
    })
    .linked_to(&starter);
    assert!(poll_immediate(&mut start).await.is_none());
    drop(start);
    starter.expect_none(ms(20)).await;
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[tokio::test(start_paused = true)]
async fn a_plain_process_hears_of_an_order_to_stop_if_it_traps_exits() {
    let node = Node::new();
    let mut outside = Probe::<Reason>::new();
    let tell = outside.sender();
    let on_node = Probe::<()>::on(&node);
    let function = move |mut me: Probe<()>| async move {
        me.trap_exits(true);
        let _ = tell.send(Reason::Normal);
        if let Ok(Letter::Exit(exit)) = me.recv().await {
            let _ = tell.send(exit.reason);
        }
    };
    let spawned = on_node.spawn_link(function).unwrap();
    assert_eq!(outside.expect_message().await, Reason::Normal);
    node.shutdown(ms(10_000)).await;
    assert!(!spawned.is_alive());
    assert_eq!(outside.expect_message().await, Reason::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn a_function_linked_or_monitored_at_its_start_runs_in_the_node_of_that_process() {
    let node = Node::new();
    let mut probe = Probe::<()>::on(&node);
    let linked = probe.spawn_link(|_: Probe<()>| pending::<()>()).unwrap();
    let (watched, _) = probe.spawn_monitor(|_: Probe<()>| pending::<()>()).unwrap();
    node.shutdown(ms(1000)).await;
    assert!(!linked.is_alive());
    assert!(!watched.is_alive());
}

#[tokio::test(start_paused = true)]
async fn a_probe_waits_for_the_letter_it_wants_and_leaves_the_others() {
    let mut probe = Probe::<u32>::new();
    let sender = probe.sender();
    for number in [1, 2, 3] {
        sender.send(number).unwrap();
    }
    assert_eq!(probe.expect(|letter| *letter == Letter::Message(2)).await, Letter::Message(2));
    assert_eq!(probe.flush(), [Letter::Message(1), Letter::Message(3)]);
    sender.kill();
    assert_eq!(probe.recv().await, Err(Reason::Killed));
    let polled = poll_fn(|cx| Poll::Ready(std::pin::pin!(probe.recv()).poll(cx))).await;
    assert_eq!(polled, Poll::Ready(Err(Reason::Killed)));
}

#[tokio::test(start_paused = true)]
async fn a_probe_waits_for_a_letter_as_long_as_the_run_of_tests_allows() {
    let limit = std::env::var("GENSERVER_EXPECT_WITHIN_MS").map_or(EXPECT_WITHIN, |limit| ms(limit.parse().unwrap()));
    let mut probe = Probe::<u32>::new();
    probe.sender().send(1).unwrap();
    let begun = now();
    let waited = AssertUnwindSafe(probe.expect(|letter| *letter == Letter::Message(2))).catch_unwind().await;
    assert_eq!(now() - begun, limit);
    let said = *waited.unwrap_err().downcast::<String>().unwrap();
    assert_eq!(said, format!("no such letter within {limit:?}; in the mailbox: [\"Message(1)\"]"));
    assert_eq!(probe.flush(), [Letter::Message(1)]);
}

#[expect(clippy::unused_async, reason = "it stands for one that has something to await")]
async fn unreachable() {}

fn breaks(_me: Probe<()>) -> impl Future<Output = ()> {
    slip("before its first await");
    unreachable()
}

#[tokio::test(start_paused = true)]
async fn a_function_that_panics_before_it_is_a_future_ends_its_own_process() {
    let mut shell = Probe::<()>::new();
    shell.trap_exits(true);
    let child = shell.spawn_link(breaks).unwrap();
    let reason = shell.expect_exit(&child).await.reason;
    assert_eq!(reason.to_string(), "panicked: before its first await");
    assert!(!child.is_alive());

    let start = start_process(|me: Probe<()>, _ack: Ack<()>| breaks(me)).linked_to(&shell);
    let error = start.await.unwrap_err();
    assert!(matches!(&error, StartError::Failed { reason: Reason::Panic(_), .. }), "{error}");
    assert!(shell.flush().is_empty());
}
