//! Many senders on several threads, while handlers come, fail, go and are swapped: what is whole stays whole.
#![expect(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test, with its line")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use genevent::{AsyncHandler, Handler, HandlerCx, HandlerRef, Manager, React, Reaction};
use genserver::Never;

const SENDERS: usize = 4;
const EACH: u32 = 300;

/// An event: who has sent it, and its number.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sent(usize, u32);

/// Keeps what it sees, and shows how far it is.
#[derive(Default)]
struct Recorder {
    seen: Vec<Sent>,
    last: Arc<[AtomicU32; SENDERS]>,
}

impl Recorder {
    fn record(&mut self, sent: Sent) {
        self.seen.push(sent);
        self.last[sent.0].store(sent.1, Ordering::Relaxed);
    }
}

impl Handler<Sent> for Recorder {
    type Call = Never;

    fn handle_event(&mut self, sent: &Sent, _cx: &mut HandlerCx<Sent>) -> Reaction<Sent> {
        self.record(*sent);
        React::stay()
    }
}

impl AsyncHandler<Sent> for Recorder {
    type Call = Never;

    async fn handle_event(&mut self, sent: &Sent, _cx: &mut HandlerCx<Sent>) -> Reaction<Sent> {
        if sent.1.is_multiple_of(8) {
            tokio::task::yield_now().await;
        }
        self.record(*sent);
        React::stay()
    }
}

/// Panics at its third event; or fails, or leaves.
struct Fragile(u8, usize);

impl Handler<Sent> for Fragile {
    type Call = Never;

    fn handle_event(&mut self, _sent: &Sent, _cx: &mut HandlerCx<Sent>) -> Reaction<Sent> {
        self.0 += 1;
        match (self.0, self.1 % 3) {
            (3, 0) => panic!("the third event"),
            (3, 1) => Err("the third event".parse::<u8>().unwrap_err().into()),
            (3, _) => React::leave(),
            _ => React::stay(),
        }
    }
}

/// Sends all events of one sender, each in another way; what is waited for has been seen when it returns.
async fn send(manager: Manager<Sent>, sender: usize, watched: Vec<Arc<[AtomicU32; SENDERS]>>) {
    for number in 1..=EACH {
        let sent = Sent(sender, number);
        match number % 3 {
            0 => {
                manager.sync_notify(sent).no_timeout().await.unwrap();
                for last in &watched {
                    assert_eq!(last[sender].load(Ordering::Relaxed), number, "it returns when every handler is done");
                }
            }
            1 => manager.notify(sent).unwrap(),
            _ => manager.ack_notify(sent).no_timeout().await.unwrap(),
        }
    }
}

/// What every sender has sent is there once, in its order.
#[track_caller]
fn is_whole(seen: &[Sent]) {
    assert_eq!(seen.len(), SENDERS * EACH as usize);
    for sender in 0..SENDERS {
        let numbers = seen.iter().filter(|sent| sent.0 == sender).map(|sent| sent.1);
        assert!(numbers.eq(1..=EACH), "the events of one sender in its order");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn healthy_handlers_see_every_event_once_and_all_in_one_order() {
    let manager = Manager::start().await.unwrap();
    let (plain, awaiting) = (Recorder::default(), Recorder::default());
    let watched = vec![Arc::clone(&plain.last), Arc::clone(&awaiting.last)];
    let plain = manager.add_handler(plain).id("plain").await.unwrap();
    let awaiting = manager.add_async_handler(awaiting).id("awaiting").await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for sender in 0..SENDERS {
        tasks.spawn(send(manager.clone(), sender, watched.clone()));
    }
    tasks.spawn({
        let manager = manager.clone();
        async move {
            for round in 0..60 {
                manager.add_handler(Fragile(0, round)).id(round as u64).await.unwrap();
                if round % 4 == 3 {
                    // Or it has gone by itself.
                    let _ = manager.remove_handler(&HandlerRef::<Fragile>::with_id(round as u64)).await;
                }
            }
        }
    });
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let plain = manager.remove_handler(&plain).await.unwrap();
    let awaiting = manager.remove_handler(&awaiting).await.unwrap();
    is_whole(&plain.seen);
    assert_eq!(plain.seen, awaiting.seen);
    manager.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_between_a_handler_and_its_successor() {
    let manager = Manager::start().await.unwrap();
    let mut recorder = manager.add_handler(Recorder::default()).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for sender in 0..SENDERS {
        tasks.spawn(send(manager.clone(), sender, Vec::new()));
    }
    for round in 0..100_u64 {
        let swap = |old: Result<Recorder, _>| old.unwrap();
        recorder = if round % 2 == 0 {
            manager.swap_async_handler(&recorder, swap).id(round).await.unwrap()
        } else {
            manager.swap_handler(&recorder, swap).id(round).await.unwrap()
        };
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    is_whole(&manager.remove_handler(&recorder).await.unwrap().seen);
}
