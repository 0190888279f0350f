//! Order and bounds: what senders may rely on when there are many of them, and when the mailbox is full.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::disallowed_methods, reason = "a test's time is the runtime's own")]

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::{BoxFuture, join, join_all};
use futures::task::noop_waker;
use genserver::report::Report;
use genserver::{
    CallError, Caller, CastError, Cx, GenServer, Init, Next, Node, Outcome, Overflow, Probe, Reason, ServerRef, start,
};
use tokio::sync::oneshot;
use tokio::task::yield_now;

use crate::puppet::{self, Act, Log, Puppet, act, answer, note, slow, waiting};

/// Checks that what each sender sends arrives in the order it was sent.
struct Judge(Vec<u64>);

struct From {
    sender: usize,
    number: u64,
}

impl GenServer for Judge {
    type Args = usize;
    type Call = (From, genserver::Caller<u64>);
    type Cast = From;
    type Info = From;

    async fn init(senders: usize, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Judge(vec![0; senders]))
    }

    async fn handle_call(&mut self, (from, caller): Self::Call, cx: &mut Cx<Self>) -> Outcome<Self> {
        let number = from.number;
        let _ = self.handle_cast(from, cx).await?;
        Next::reply(caller, number)
    }

    async fn handle_cast(&mut self, From { sender, number }: From, _cx: &mut Cx<Self>) -> Outcome<Self> {
        assert_eq!(self.0[sender] + 1, number, "a message of sender {sender} overtook another");
        self.0[sender] = number;
        if number % 97 == 0 {
            yield_now().await;
        }
        Next::wait()
    }

    async fn handle_info(&mut self, from: From, cx: &mut Cx<Self>) -> Outcome<Self> {
        self.handle_cast(from, cx).await
    }
}

/// One sender, which uses every way to send.
async fn send_in_order(judge: ServerRef<Judge>, sender: usize) {
    for number in 1..=2000 {
        let from = From { sender, number };
        match number % 4 {
            0 => assert_eq!(judge.call(|caller| (from, caller)).await, Ok(number)),
            1 => judge.cast_wait(from).await.unwrap(),
            2 => while_full(judge.send(from), |from| judge.send(from)).await,
            _ => while_full(judge.cast(from), |from| judge.cast(from)).await,
        }
    }
}

/// Sends again as long as the mailbox is full.
async fn while_full<M>(
    mut sent: Result<(), genserver::CastError<M>>,
    send: impl Fn(M) -> Result<(), genserver::CastError<M>>,
) {
    while let Err(refused) = sent {
        assert!(refused.is_full());
        yield_now().await;
        sent = send(refused.into_inner());
    }
}

async fn the_order_of_sixteen_senders_is_kept() {
    for bound in [3, 65_536] {
        let judge = start::<Judge>(16).mailbox(bound).await.unwrap();
        #[expect(clippy::disallowed_methods, reason = "senders on the runtime's own threads")]
        let senders: Vec<_> = (0..16).map(|sender| tokio::spawn(send_in_order(judge.clone(), sender))).collect();
        for sender in senders {
            sender.await.unwrap();
        }
        assert_eq!(judge.stop().await, Ok(()));
    }
}

#[tokio::test]
async fn the_order_of_each_sender_is_kept_on_one_thread() {
    the_order_of_sixteen_senders_is_kept().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_order_of_each_sender_is_kept_on_two_threads() {
    the_order_of_sixteen_senders_is_kept().await;
}

/// A server whose mailbox holds this many, busy until the sender is dropped or used.
async fn busy(bound: u32) -> (ServerRef<Puppet>, Log, oneshot::Sender<()>) {
    busy_with(bound, Overflow::GiveBack).await
}

/// The same, with an overflow policy.
async fn busy_with(bound: u32, overflow: Overflow) -> (ServerRef<Puppet>, Log, oneshot::Sender<()>) {
    let log = Log::default();
    let server = start::<Puppet>(waiting(&log)).mailbox(bound).overflow(overflow).await.unwrap();
    let (go, gone) = oneshot::channel();
    server.cast(until(gone)).unwrap();
    while server.info().mailbox > 0 {
        yield_now().await;
    }
    (server, log, go)
}

fn until(gone: oneshot::Receiver<()>) -> Act {
    slow(|_, _| {
        Box::pin(async {
            let _ = gone.await;
            Next::wait()
        })
    })
}

/// Polls once, so that a waiting future joins its queue.
fn poll_once<F: Future + ?Sized>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&noop_waker()))
}

#[tokio::test]
async fn a_full_mailbox_gives_the_message_back() {
    let (server, log, go) = busy(2).await;
    server.cast(note("one")).unwrap();
    server.send(puppet::Told::Note("two")).unwrap();
    assert!(server.cast(note("three")).unwrap_err().is_full());
    let refused = server.send(puppet::Told::Note("three")).unwrap_err();
    assert!(matches!(refused.into_inner(), puppet::Told::Note("three")));
    let info = server.info();
    assert_eq!((info.mailbox, info.refused, info.dropped), (2, 2, 0));
    assert!(info.to_string().contains("2 in the mailbox, ") && info.to_string().ends_with(", 2 refused"), "{info}");
    go.send(()).unwrap();
    server.call(|caller| answer(caller, ())).await.unwrap();
    assert_eq!(log.take(), ["one", "two"]);
}

#[tokio::test(start_paused = true)]
async fn signals_and_stops_are_never_refused() {
    let (server, log, go) = busy(1).await;
    server.cast(note("one")).unwrap();
    let mut probe = Probe::<()>::new();
    let down = probe.monitor(&server);
    let stop = server.stop();
    let (stopped, ()) = join(stop, async {
        yield_now().await;
        go.send(()).unwrap();
    })
    .await;
    assert_eq!(stopped, Ok(()));
    assert_eq!(log.take(), ["one", "terminate normal"]);
    probe.expect_down(down).await;
}

#[tokio::test]
async fn the_bound_counts_a_batch_that_was_taken_out() {
    let log = Log::default();
    let server = start::<Puppet>(waiting(&log)).mailbox(4).await.unwrap();
    let (go, gone) = oneshot::channel();
    server.cast(until(gone)).unwrap();
    for _ in 0..3 {
        server.cast(note("batch")).unwrap();
    }
    // The task takes all four out at once and parks in the first.
    while server.info().mailbox == 4 {
        yield_now().await;
    }
    assert_eq!(server.info().mailbox, 3);
    server.cast(note("fits")).unwrap();
    assert!(server.cast(note("does not")).unwrap_err().is_full());
    go.send(()).unwrap();
    server.call(|caller| answer(caller, ())).await.unwrap();
    assert_eq!(log.take(), ["batch", "batch", "batch", "fits"]);
}

#[tokio::test]
async fn senders_that_wait_for_space_get_it_in_their_order() {
    let (server, log, go) = busy(1).await;
    server.cast(note("first")).unwrap();
    let waits = join_all(["second", "third", "fourth", "fifth"].map(|what| {
        let server = &server;
        async move { server.cast_wait(note(what)).await }
    }));
    let call = server.call(|caller| {
        act(|puppet, _| {
            puppet.log.note("call");
            Next::reply(caller, ())
        })
    });
    let release = async {
        yield_now().await;
        go.send(()).unwrap();
    };
    let ((sent, called), ()) = join(join(waits, call), release).await;
    assert!(sent.iter().all(Result::is_ok));
    called.unwrap();
    assert_eq!(log.take(), ["first", "second", "third", "fourth", "fifth", "call"]);
}

#[tokio::test]
async fn a_sender_gets_the_place_of_a_message_as_soon_as_that_is_handled() {
    let server = start::<Puppet>(waiting(&Log::default())).mailbox(1).await.unwrap();
    let (go, gone) = oneshot::channel();
    server.cast(until(gone)).unwrap();
    let mut waits = pin!(server.cast_wait(note("second")));
    assert!(poll_once(waits.as_mut()).is_pending());
    while server.info().mailbox > 0 {
        yield_now().await;
    }
    assert!(poll_once(waits).is_ready(), "the callback of the first still waits");
    go.send(()).unwrap();
}

#[tokio::test]
async fn no_sender_overtakes_one_that_waits_for_space() {
    let (server, _, go) = busy(1).await;
    server.cast(note("first")).unwrap();
    let mut waits = pin!(server.cast_wait(note("second")));
    assert!(poll_once(waits.as_mut()).is_pending());
    go.send(()).unwrap();
    while server.info().mailbox > 0 {
        yield_now().await;
    }
    assert!(server.cast(note("pushes in")).unwrap_err().is_full(), "the place is promised");
    assert!(poll_once(waits).is_ready());
    server.call(|caller| answer(caller, ())).await.unwrap();
}

#[tokio::test]
async fn a_promised_place_that_is_given_up_goes_to_the_next() {
    let (server, log, go) = busy(1).await;
    server.cast(note("first")).unwrap();
    {
        let mut gives_up_late = Box::pin(server.cast_wait(note("gives up late")));
        let mut gives_up_early = Box::pin(server.cast_wait(note("gives up early")));
        assert!(poll_once(gives_up_late.as_mut()).is_pending());
        assert!(poll_once(gives_up_early.as_mut()).is_pending());
        drop(gives_up_early);
        let waits = server.cast_wait(note("waits"));
        let release = async {
            yield_now().await;
            go.send(()).unwrap();
            while server.info().mailbox > 0 {
                yield_now().await;
            }
            // It has the promise now.
            drop(gives_up_late);
        };
        let (sent, ()) = join(waits, release).await;
        sent.unwrap();
    }
    server.call(|caller| answer(caller, ())).await.unwrap();
    assert_eq!(log.take(), ["first", "waits"]);
    server.cast(note("the bound is what it was")).unwrap();
    assert!(server.cast(note("one too many")).unwrap_err().is_full());
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_space_within_its_timeout() {
    let (server, _, go) = busy(1).await;
    server.cast(note("first")).unwrap();
    let before = tokio::time::Instant::now();
    let called = server.call(|caller| answer(caller, ())).timeout(Duration::from_secs(2)).await;
    assert!(
        matches!(called, Err(CallError::Overloaded { after, .. }) if after == Duration::from_secs(2)),
        "{called:?}"
    );
    assert_eq!(before.elapsed().as_secs(), 2);
    let patient = server.call(|caller| answer(caller, "there was space")).timeout(Duration::from_secs(2));
    let release = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        go.send(()).unwrap();
    };
    let (called, ()) = join(patient, release).await;
    assert_eq!(called, Ok("there was space"));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_got_space_still_keeps_its_deadline() {
    let (server, _, go) = busy(1).await;
    server.cast(slow(|_, _| Box::pin(std::future::pending()))).unwrap();
    let before = tokio::time::Instant::now();
    let call = server.call(|caller| answer(caller, ())).timeout(Duration::from_secs(3));
    let release = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        go.send(()).unwrap();
    };
    let (called, ()) = join(call, release).await;
    assert!(matches!(called, Err(CallError::Timeout { .. })), "{called:?}");
    assert_eq!(before.elapsed().as_secs(), 3);
}

#[tokio::test]
async fn a_sender_that_waits_for_space_hears_of_the_end() {
    let (server, _, _go) = busy(1).await;
    server.cast(note("first")).unwrap();
    let call = server.call(|caller| answer(caller, ()));
    let cast = server.cast_wait(note("never"));
    let kill = async {
        yield_now().await;
        server.kill();
    };
    let ((called, cast), ()) = join(join(call, cast), kill).await;
    assert!(matches!(&called, Err(CallError::Exit { reason: genserver::Reason::Killed, .. })), "{called:?}");
    assert!(!cast.unwrap_err().is_full());
}

#[tokio::test]
async fn a_caller_that_was_given_its_place_hears_of_the_kill_while_the_callback_still_runs() {
    let (server, _, go) = busy(1).await;
    let killed = server.clone();
    let (give, given) = oneshot::channel::<BoxFuture<'static, Result<(), CallError>>>();
    let (tell, told) = oneshot::channel();
    let kills = slow(move |_, _| {
        Box::pin(async move {
            let mut call = given.await.unwrap();
            killed.kill();
            // On a thread of its own: what this process polls is cut off with it.
            let polled = std::thread::scope(|scope| scope.spawn(|| poll_once(call.as_mut())).join());
            tell.send(polled.unwrap()).unwrap();
            Next::wait()
        })
    });
    server.cast(kills).unwrap();
    let waits = server.clone();
    let mut call = Box::pin(async move { waits.call(|caller| answer(caller, ())).await });
    assert!(poll_once(call.as_mut()).is_pending(), "the mailbox is full");
    go.send(()).unwrap();
    // Until the second callback runs. Its place is the caller's, who has not been polled since.
    while server.info().mailbox > 0 {
        yield_now().await;
    }
    assert!(give.send(call).is_ok());
    let called = told.await.unwrap();
    let Poll::Ready(Err(CallError::Exit { reason, .. })) = called else { panic!("{called:?}") };
    assert_eq!(reason, Reason::Killed);
}

/// Many more senders than places, some of which give up: all others get through, and the bound is unchanged.
async fn a_crowd_gets_through_a_narrow_door() {
    const SENDERS: usize = 8;
    const EACH: usize = 1000;
    let log = Log::default();
    let server = start::<Puppet>(waiting(&log)).mailbox(3).await.unwrap();
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let server = server.clone();
            let task = async move {
                let mut sent = 0;
                for number in 0..EACH {
                    if (number + sender) % 3 == 0 {
                        let mut gives_up = Box::pin(server.cast_wait(note("x")));
                        let polled = futures::future::poll_fn(|cx| Poll::Ready(gives_up.as_mut().poll(cx))).await;
                        if polled.is_pending() && number % 2 == 0 {
                            yield_now().await;
                        }
                        sent += usize::from(polled.is_ready());
                    } else if number % 7 == 0 {
                        server.call(|caller| answer(caller, ())).await.unwrap();
                    } else {
                        server.cast_wait(note("x")).await.unwrap();
                        sent += 1;
                    }
                }
                sent
            };
            #[expect(clippy::disallowed_methods, reason = "senders on the runtime's own threads")]
            tokio::spawn(task)
        })
        .collect();
    let mut sent = 0;
    for sender in senders {
        sent += sender.await.unwrap();
    }
    server.call(|caller| answer(caller, ())).await.unwrap();
    assert_eq!(log.take().len(), sent);
    let (_go, gone) = oneshot::channel();
    server.cast(until(gone)).unwrap();
    while server.info().mailbox > 0 {
        yield_now().await;
    }
    for _ in 0..3 {
        server.cast(note("place")).unwrap();
    }
    assert!(server.cast(note("one too many")).unwrap_err().is_full());
    server.kill();
}

#[tokio::test]
async fn a_crowd_gets_through_on_one_thread() {
    a_crowd_gets_through_a_narrow_door().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_gets_through_on_two_threads() {
    a_crowd_gets_through_a_narrow_door().await;
}

#[tokio::test]
async fn the_oldest_casts_and_infos_make_space_for_the_newest() {
    let (server, log, go) = busy_with(3, Overflow::DropOldest).await;
    server.cast(note("one")).unwrap();
    server.send(puppet::Told::Note("two")).unwrap();
    server.recipient(note).send("three").unwrap();
    server.cast(note("four")).unwrap();
    server.recipient(note).send("five").unwrap();
    server.send(puppet::Told::Note("six")).unwrap();
    server.cast(note("seven")).unwrap();
    let info = server.info();
    assert_eq!((info.mailbox, info.refused, info.dropped), (3, 0, 4));
    assert!(info.to_string().contains("3 in the mailbox, ") && info.to_string().ends_with(", 4 dropped"), "{info}");
    go.send(()).unwrap();
    server.call(|caller| answer(caller, ())).await.unwrap();
    assert_eq!(log.take(), ["five", "six", "seven"]);
}

#[tokio::test]
async fn a_server_that_is_slow_with_each_message_finds_the_newest() {
    let log = Log::default();
    let server = start::<Puppet>(waiting(&log)).mailbox(4).overflow(Overflow::DropOldest).await.unwrap();
    let (go, gone) = oneshot::channel();
    server.cast(until(gone)).unwrap();
    for what in ["one", "two", "three"] {
        server.cast(note(what)).unwrap();
    }
    // It has begun with the first, and everything that waits behind it can be replaced.
    while server.info().mailbox == 4 {
        yield_now().await;
    }
    for what in ["four", "five", "six", "seven"] {
        server.cast(note(what)).unwrap();
    }
    go.send(()).unwrap();
    server.call(|caller| answer(caller, ())).await.unwrap();
    assert_eq!(log.take(), ["four", "five", "six", "seven"]);
}

#[tokio::test]
async fn a_call_is_never_dropped() {
    let (server, log, go) = busy_with(2, Overflow::DropOldest).await;
    let mut first = pin!(server.call(|caller| answer(caller, "first")));
    let mut second = server.send_request(|caller| answer(caller, "second"));
    assert!(poll_once(first.as_mut()).is_pending());
    assert!(server.cast(note("nothing but calls waits")).unwrap_err().is_full());
    assert_eq!((server.info().refused, server.info().dropped), (1, 0));
    // A call does not replace anything either: it waits for space, like every other.
    let mut third = pin!(server.call(|caller| answer(caller, "third")));
    assert!(poll_once(third.as_mut()).is_pending());
    assert_eq!(server.info().mailbox, 2);
    go.send(()).unwrap();
    assert_eq!(first.await, Ok("first"));
    assert_eq!((&mut second).await, Ok("second"));
    assert_eq!(third.await, Ok("third"));
    assert_eq!(log.take(), Vec::<String>::new());
}

#[tokio::test]
async fn a_cast_behind_calls_is_the_oldest_that_may_go() {
    let (server, log, go) = busy_with(3, Overflow::DropOldest).await;
    let called = server.send_request(|caller| answer(caller, "called"));
    server.cast(note("one")).unwrap();
    server.cast(note("two")).unwrap();
    server.cast(note("three")).unwrap();
    go.send(()).unwrap();
    assert_eq!(called.await, Ok("called"));
    server.call(|caller| answer(caller, ())).await.unwrap();
    assert_eq!(log.take(), ["two", "three"]);
}

#[tokio::test]
async fn a_caller_inside_a_dropped_cast_is_told() {
    let (server, _, _go) = busy_with(1, Overflow::DropOldest).await;
    let log = Log::default();
    let front = start::<Puppet>(waiting(&log)).await.unwrap();
    let behind = server.clone();
    let called = front.send_request(move |caller: Caller<u32>| {
        act(move |_, _| {
            // Handed on: the one behind is to answer.
            let handed_on = behind.cast(act(move |_, _| Next::reply(caller, 1)));
            assert!(handed_on.is_ok());
            Next::wait()
        })
    });
    while server.info().mailbox == 0 {
        yield_now().await;
    }
    server.cast(note("takes its place")).unwrap();
    assert!(matches!(called.await, Err(CallError::NoReply { .. })));
}

#[tokio::test]
async fn a_sender_that_waits_for_space_replaces_no_message() {
    let (server, log, go) = busy_with(1, Overflow::DropOldest).await;
    server.cast(note("one")).unwrap();
    let mut waits = pin!(server.cast_wait(note("two")));
    assert!(poll_once(waits.as_mut()).is_pending());
    assert_eq!(server.info().dropped, 0);
    server.cast(note("three")).unwrap();
    go.send(()).unwrap();
    waits.await.unwrap();
    server.call(|caller| answer(caller, ())).await.unwrap();
    assert_eq!(log.take(), ["three", "two"]);
    assert_eq!(server.info().dropped, 1);
}

#[tokio::test]
async fn what_is_dropped_may_do_in_its_drop_what_it_likes() {
    struct Bomb(Option<ServerRef<Puppet>>);
    impl Drop for Bomb {
        fn drop(&mut self) {
            if let Some(server) = self.0.take() {
                server.cast(note("sent by the drop")).unwrap();
            } else {
                panic!("a drop that panics");
            }
        }
    }
    let (server, log, go) = busy_with(2, Overflow::DropOldest).await;
    for bomb in [Bomb(Some(server.clone())), Bomb(None)] {
        server
            .cast(act(move |_, _| {
                drop(bomb);
                Next::wait()
            }))
            .unwrap();
    }
    // The first is dropped, and sends; the second is dropped, and panics; neither harms the sender.
    server.cast(note("one")).unwrap();
    server.cast(note("two")).unwrap();
    assert_eq!(server.info().dropped, 3);
    go.send(()).unwrap();
    server.call(|caller| answer(caller, ())).await.unwrap();
    assert_eq!(log.take(), ["sent by the drop", "two"]);
}

#[tokio::test]
async fn a_flood_makes_few_reports() {
    let node = Node::new();
    let mut reports = node.reports();
    let log = Log::default();
    let server =
        node.start::<Puppet>(waiting(&log)).mailbox(1).overflow(Overflow::DropOldest).name("flooded").await.unwrap();
    for _ in 0..=1000 {
        server.cast(note("x")).unwrap();
    }
    let mut dropped = Vec::new();
    while let Some(report) = reports.try_next() {
        assert!(report.to_string().starts_with("Mailbox of flooded <1> overflowed\n"), "{report}");
        let Report::Overflowed(report) = report else { panic!("{report:?}") };
        assert!(!report.ends);
        dropped.push(report.dropped);
    }
    assert_eq!(dropped, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
    assert_eq!(server.info().dropped, 1000);
}

#[tokio::test(start_paused = true)]
async fn a_server_may_end_when_it_is_flooded() {
    let node = Node::new();
    let mut reports = node.reports();
    let log = Log::default();
    let server = node.start::<Puppet>(waiting(&log)).mailbox(2).overflow(Overflow::Stop).await.unwrap();
    let mut probe = Probe::<()>::on(&node);
    let down = probe.monitor(&server);
    let called = server.send_request(|caller| answer(caller, ()));
    server.cast(note("one")).unwrap();
    let refused = server.cast(note("two"));
    assert!(matches!(refused, Err(CastError::NoProc { .. })));
    assert_eq!(probe.expect_down(down).await.reason, Reason::Overloaded);
    assert!(matches!(called.await, Err(CallError::Exit { reason: Reason::Overloaded, .. })));
    assert_eq!(log.take(), Vec::<String>::new(), "terminate does not run");
    let Some(Report::Overflowed(report)) = reports.try_next() else { panic!("it is reported") };
    assert_eq!((report.dropped, report.ends), (2, true));
    assert_eq!(reports.try_next(), None);
}

#[tokio::test]
async fn calls_do_not_end_a_server_that_ends_when_it_is_flooded() {
    let (server, _, go) = busy_with(1, Overflow::Stop).await;
    let calls = join_all((0..8).map(|_| server.call(|caller| answer(caller, ()))));
    let release = async {
        yield_now().await;
        go.send(()).unwrap();
    };
    let (answers, ()) = join(calls, release).await;
    assert!(answers.iter().all(Result::is_ok));
    assert!(server.is_alive());
}

/// Eight senders flood a narrow mailbox: each message is handled or counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_dropped_is_counted_exactly() {
    const SENDERS: usize = 8;
    const EACH: usize = 2000;
    let log = Log::default();
    let server = start::<Puppet>(waiting(&log)).mailbox(3).overflow(Overflow::DropOldest).await.unwrap();
    let senders: Vec<_> = (0..SENDERS)
        .map(|_| {
            let server = server.clone();
            let task = async move {
                for number in 0..EACH {
                    if number % 5 == 0 {
                        server.call(|caller| answer(caller, ())).await.unwrap();
                    }
                    while server.cast(note("x")).is_err() {
                        yield_now().await;
                    }
                }
            };
            #[expect(clippy::disallowed_methods, reason = "senders on the runtime's own threads")]
            tokio::spawn(task)
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    server.call(|caller| answer(caller, ())).await.unwrap();
    let dropped = usize::try_from(server.info().dropped).unwrap();
    assert_eq!(log.take().len() + dropped, SENDERS * EACH);
    assert_eq!(server.info().mailbox, 0);
}
