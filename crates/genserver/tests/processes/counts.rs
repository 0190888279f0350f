//! What a process counts: messages handled, the most that have waited, restarts of its place.
use std::time::Duration;

use genserver::supervisor::{Child, ChildSpec, Supervisor};
use genserver::{
    Caller, CastError, Cx, Down, GenServer, Init, Next, Node, Outcome, Overflow, Probe, Reason, ServerRef, Start, sys,
};

use crate::puppet::sleep;

/// Takes everything, and does nothing.
struct Sink;

enum Ask {
    Nothing(Caller<()>),
    Yield(Caller<()>),
    Watch(genserver::ProcessRef, Caller<()>),
    TimerIn(Duration, Caller<()>),
    ContinueAfter(Caller<()>),
    Crash(Caller<()>),
}

enum Told {
    Something,
    Down,
}

impl GenServer for Sink {
    type Args = ();
    type Call = Ask;
    type Cast = u32;
    type Info = Told;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self)
    }

    async fn handle_call(&mut self, ask: Ask, cx: &mut Cx<Self>) -> Outcome<Self> {
        match ask {
            Ask::Nothing(caller) => Next::reply(caller, ()),
            Ask::Yield(caller) => {
                tokio::task::yield_now().await;
                Next::reply(caller, ())
            }
            Ask::Watch(process, caller) => {
                cx.monitor(&process, |_: Down| Told::Down);
                Next::reply(caller, ())
            }
            Ask::TimerIn(delay, caller) => {
                cx.send_after(delay, Told::Something);
                Next::reply(caller, ())
            }
            Ask::ContinueAfter(caller) => Next::reply_then(caller, (), Told::Something),
            Ask::Crash(_caller) => Next::stop(Reason::term("asked to")),
        }
    }

    async fn handle_cast(&mut self, _number: u32, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::wait()
    }

    async fn handle_info(&mut self, _told: Told, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::wait()
    }
}

fn sink() -> Start<Sink> {
    Node::new().start::<Sink>(())
}

fn counts(server: &ServerRef<Sink>) -> (u64, usize) {
    let info = server.info();
    (info.handled, info.mailbox_peak)
}

#[tokio::test]
async fn a_call_that_its_caller_runs_is_handled_and_never_waits() {
    let server = sink().await.unwrap();
    assert_eq!(counts(&server), (0, 0), "init does not handle a message");
    for _ in 0..200 {
        server.call(Ask::Nothing).await.unwrap();
    }
    assert_eq!(counts(&server), (200, 0));
    server.call(Ask::Yield).await.unwrap();
    assert_eq!(server.info().handled, 201);
}

#[tokio::test]
async fn every_message_of_a_batch_is_counted() {
    for overflow in [Overflow::GiveBack, Overflow::DropOldest] {
        let server = sink().overflow(overflow).await.unwrap();
        for number in 0..300 {
            server.cast(number).unwrap();
            if number % 3 == 0 {
                server.send(Told::Something).unwrap();
            }
        }
        assert_eq!(counts(&server), (0, 400), "all of them wait");
        server.call(Ask::Nothing).await.unwrap();
        assert_eq!(counts(&server), (401, 401), "the call waited, too");
        server.cast(1).unwrap();
        server.call(Ask::Nothing).await.unwrap();
        assert_eq!(counts(&server), (403, 401), "the peak stays");
    }
}

#[tokio::test]
async fn queued_calls_are_counted() {
    let server = sink().inline(false).await.unwrap();
    for _ in 0..20 {
        server.call(Ask::Nothing).await.unwrap();
    }
    assert_eq!(counts(&server), (20, 1));
}

#[tokio::test]
async fn what_was_dropped_or_given_back_is_not_handled() {
    let server = sink().mailbox(4).overflow(Overflow::DropOldest).await.unwrap();
    for number in 0..10 {
        server.cast(number).unwrap();
    }
    server.call(Ask::Nothing).await.unwrap();
    assert_eq!(server.info().dropped, 6);
    assert_eq!(counts(&server), (5, 4));

    let server = sink().mailbox(2).await.unwrap();
    server.cast(1).unwrap();
    server.cast(2).unwrap();
    assert!(matches!(server.cast(3), Err(CastError::Full { .. })));
    server.call(Ask::Nothing).await.unwrap();
    assert_eq!(counts(&server), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn downs_and_timers_are_messages_and_continues_and_requests_of_sys_are_not() {
    let server = sink().await.unwrap();
    let watched = Node::new().start::<Sink>(()).await.unwrap();
    server.call(|caller| Ask::Watch(watched.process_ref(), caller)).await.unwrap();
    watched.stop().await.unwrap();
    server.call(|caller| Ask::TimerIn(Duration::from_secs(1), caller)).await.unwrap();
    sleep(Duration::from_secs(2)).await;
    assert_eq!(server.info().handled, 4, "two calls, a `Down` and a timer");

    server.call(Ask::ContinueAfter).await.unwrap();
    sys::with_state(&server, |_| ()).await.unwrap();
    sys::suspend(&server).await.unwrap();
    server.cast(1).unwrap();
    sys::with_state(&server, |_| ()).await.unwrap();
    assert_eq!(server.info().handled, 5, "what is held back is not handled");
    sys::resume(&server).await.unwrap();
    server.call(Ask::Nothing).await.unwrap();
    assert_eq!(server.info().handled, 7);
}

#[tokio::test]
async fn a_process_without_a_server_counts_its_letters() {
    let mut probe = Probe::<u32>::new();
    for number in 0..5 {
        probe.sender().send(number).unwrap();
    }
    assert_eq!((probe.process_ref().info().handled, probe.process_ref().info().mailbox_peak), (0, 5));
    for _ in 0..5 {
        probe.expect_message().await;
    }
    let info = probe.process_ref().info();
    assert_eq!((info.handled, info.mailbox, info.mailbox_peak), (5, 0, 5));
}

#[tokio::test]
async fn a_child_that_was_restarted_says_how_often() {
    let node = Node::new();
    let spec = ChildSpec::server("sink", || genserver::start_link::<Sink>(()));
    let sink = spec.reference();
    let supervisor = Supervisor::one_for_one().child(spec).start().on(&node).await.unwrap();
    for restarts in 0..3 {
        let server = sink.waiting().current().await.unwrap();
        assert_eq!(server.info().restarts, restarts);
        server.call(Ask::Crash).await.unwrap_err();
    }
    assert!(sink.waiting().current().await.unwrap().info().to_string().contains("restarted 3 times"));
    supervisor.stop().await.unwrap();
}

#[tokio::test]
async fn a_child_without_a_server_says_how_often_it_was_restarted() {
    let mut supervisor = Probe::<()>::new();
    supervisor.trap_exits(true);
    let mut child =
        Child::new(ChildSpec::process("waits", |mut me: Probe<()>| async move { me.recv().await.map(drop) }).untyped());
    for restarts in 0..2 {
        let process = supervisor.scope(async { child.start().await }).await.unwrap();
        assert_eq!(process.info().restarts, restarts);
        supervisor.scope(async { child.shut_down().await }).await;
    }
}

#[tokio::test]
async fn the_line_of_a_process_shows_what_it_has_counted() {
    let server = sink().mailbox(1).await.unwrap();
    let name = std::any::type_name::<Sink>();
    assert_eq!(server.info().to_string(), format!("<1> {name}: waiting, 0 in the mailbox"));
    server.cast(1).unwrap();
    server.cast(2).unwrap_err();
    server.call(Ask::Nothing).await.unwrap();
    let line = format!("<1> {name}: waiting, 0 in the mailbox (1 at most), 2 handled, 1 refused");
    assert_eq!(server.info().to_string(), line);
    server.process_ref().set_restarts(1);
    assert_eq!(server.info().to_string(), format!("{line}, restarted once"));
}
