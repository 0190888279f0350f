//! Managers, handlers and streams in many orders of events, and with a consumer that is killed.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::cell::Cell;
use std::task::Poll;

use futures::StreamExt;
use genevent::{
    GoneReason, Handler, HandlerCaller, HandlerCx, HandlerGone, LagPolicy, Manager, NotifyMode, React, Reaction,
    StreamError,
};
use genserver::sim::{self, Faults, Sim};
use genserver::task::Task;
use genserver::{Cx, GenServer, Init, Letter, Never, Probe, Reason};

/// Remembers what it was told.
struct Log(Vec<u64>);

impl Handler<u64> for Log {
    type Call = HandlerCaller<Vec<u64>>;

    fn handle_event(&mut self, event: &u64, _cx: &mut HandlerCx<u64>) -> Reaction<u64> {
        self.0.push(*event);
        React::stay()
    }

    fn handle_call(&mut self, caller: Self::Call, _cx: &mut HandlerCx<u64>) -> Reaction<u64> {
        React::reply(caller, self.0.clone())
    }
}

/// Sends five events in all three ways.
async fn send_five(manager: Manager<u64>, sender: u64) {
    for number in 0..5 {
        let event = sender * 100 + number;
        match number % 3 {
            0 => manager.notify(event).unwrap(),
            1 => manager.sync_notify(event).await.unwrap(),
            _ => manager.ack_notify(event).await.unwrap(),
        }
    }
}

/// A consumer that takes what there is, until the manager ends. It loses nothing, whatever its buffer.
async fn consumer(manager: &Manager<u64>, buffer: usize) -> Task<Vec<u64>> {
    let mut events = manager.stream().lag(LagPolicy::Wait).buffer(buffer);
    events.subscribe().await.unwrap();
    Task::spawn(async move {
        let mut seen = Vec::new();
        while let Some(event) = events.next().await {
            seen.push(event.unwrap());
        }
        seen
    })
}

async fn all_see_one_order(sim: &Sim<'_>) {
    let manager = sim.start_supervised(Manager::<u64>::start_link()).await;
    let log = manager.add_handler(Log(Vec::new())).await.unwrap();
    let mut consumers = Vec::new();
    for buffer in 1..=3 {
        consumers.push(consumer(&manager, buffer).await);
    }
    // One that ends in the middle holds up nobody.
    let mut killed = manager.stream().lag(LagPolicy::Wait).buffer(1);
    killed.subscribe().await.unwrap();
    let killed = Task::start(async move { while killed.next().await.is_some() {} }).unwrap();

    let senders = [0, 1].map(|sender| Task::spawn(send_five(manager.clone(), sender)));
    for _ in 0..sim.draw(0..10) {
        manager.which_handlers().await.unwrap();
    }
    killed.kill();
    for sender in senders {
        sender.await.unwrap();
    }
    let logged = manager.call(&log, |caller| caller).await.unwrap();
    assert_eq!(logged.len(), 10, "{logged:?}");
    for sender in 0..2 {
        let own: Vec<u64> = logged.iter().copied().filter(|event| event / 100 == sender).collect();
        assert!(own.is_sorted(), "a sender's events keep their order: {logged:?}");
    }
    manager.stop().await.unwrap();
    for consumer in consumers {
        assert_eq!(consumer.await.unwrap(), logged, "a stream sees what the handler sees, in its order");
    }
}

#[test]
fn handlers_and_streams_see_all_events_in_one_order() {
    sim::check(all_see_one_order);
}

/// Fails at this event, by a panic or by an error.
struct Fails {
    at: u64,
    panics: bool,
}

impl Handler<u64> for Fails {
    type Call = Never;

    fn handle_event(&mut self, event: &u64, _cx: &mut HandlerCx<u64>) -> Reaction<u64> {
        match self.panics {
            _ if *event != self.at => React::stay(),
            // Without the hook, which would print it.
            true => std::panic::resume_unwind(Box::new("failed")),
            false => Err(Reason::term("failed")),
        }
    }
}

/// Does nothing but live, until it is killed: a handler that is bound to it goes with it.
struct Owner;

impl GenServer for Owner {
    type Args = ();
    type Call = Never;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self)
    }
}

/// Lets everything else go on, so many times.
async fn steps(count: u64) {
    for _ in 0..count {
        let mut has_waited = false;
        std::future::poll_fn(|cx| {
            if std::mem::replace(&mut has_waited, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

/// Takes events now and then. Returns them, and how many it was told that it missed.
async fn slow_consumer(manager: &Manager<u64>, pause: u64) -> Task<(Vec<u64>, u64)> {
    let mut events = manager.stream().buffer(1).mode(NotifyMode::Async);
    events.subscribe().await.unwrap();
    Task::spawn(async move {
        let (mut seen, mut missed) = (Vec::new(), 0);
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => seen.push(event),
                Err(StreamError::Lagged { missed: more }) => missed += more,
                Err(other) => panic!("{other}"),
            }
            steps(pause).await;
        }
        (seen, missed)
    })
}

/// Promise 9 of docs/ARCHITECTURE.md.
async fn one_fails_and_the_others_see_all(sim: &Sim<'_>, lagged: &Cell<u64>) {
    let manager = sim.start_supervised(Manager::<u64>::start_link()).await;
    let log = manager.add_handler(Log(Vec::new())).await.unwrap();
    let mut owner = Probe::<HandlerGone>::new();
    let panics = sim.draw(0..2) == 0;
    let at = 100 * sim.draw(0..2) + sim.draw(0..5);
    let fails = manager.add_handler(Fails { at, panics }).owned_by(owner.sender()).await.unwrap();
    let bound_to = sim.start_supervised(genserver::start_link::<Owner>(())).await;
    let bound = manager.add_handler(Fails { at: u64::MAX, panics }).id("bound").bound_to(&bound_to).await.unwrap();
    let slow = slow_consumer(&manager, sim.draw(0..4)).await;
    sim.faults(Faults::new().kill::<Owner>().at_most(1));
    let senders = [0, 1].map(|sender| Task::spawn(send_five(manager.clone(), sender)));
    for sender in senders {
        sender.await.unwrap();
    }
    bound_to.kill();
    assert_eq!(bound_to.ended().await, Reason::Killed);
    sim.heal();

    let logged = manager.call(&log, |caller| caller).await.unwrap();
    let mut once = logged.clone();
    once.sort_unstable();
    assert_eq!(once, [0, 1, 2, 3, 4, 100, 101, 102, 103, 104], "each event, once");
    let left = manager.which_handlers().await.unwrap();
    assert!(left.contains(&log.id()) && !left.contains(&fails.id()) && !left.contains(&bound.id()), "{left:?}");
    let told = owner.flush();
    let [Letter::Message(gone)] = &told[..] else { panic!("its owner is told, once: {told:?}") };
    let reason = if panics { Reason::caught(Box::new("failed")) } else { Reason::term("failed") };
    assert_eq!((&gone.handler, &gone.why), (&fails.id(), &GoneReason::Failed(reason)));

    manager.stop().await.unwrap();
    let (seen, missed) = slow.await.unwrap();
    assert_eq!(seen.len() as u64 + missed, 10, "it sees each event, or is told that it missed it: {seen:?}");
    let mut rest = logged.iter();
    assert!(seen.iter().all(|event| rest.any(|logged| logged == event)), "{seen:?} is not in the order of {logged:?}");
    lagged.set(lagged.get() + missed);
}

#[test]
fn a_handler_that_fails_goes_alone_and_everybody_else_sees_each_event() {
    let lagged = Cell::new(0);
    sim::check(async |sim| one_fails_and_the_others_see_all(sim, &lagged).await);
    assert!(lagged.get() > 0, "a stream misses events in some runs");
}
