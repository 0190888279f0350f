//! Managers, handlers and streams in many orders of events, and with a consumer that is killed.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use futures::StreamExt;
use genevent::{Handler, HandlerCaller, HandlerCx, LagPolicy, Manager, React, Reaction};
use genserver::sim::{self, Sim};
use genserver::task::Task;

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
