//! The events of keys: what is told, when, and that no bucket waits for it.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::time::Duration;

use genevent::{AsyncHandler, Handler, HandlerCaller, HandlerCx, HandlerRef, React, Reaction};
use genserver::supervisor::Supervisor;
use genserver::{AsProcess, Never};
use kv_core::KeyEventKind::{Delete, Expire, Put};
use kv_core::{KeyEvent, KeyEventKind, KeyEvents, Operation, Store};

use crate::storage::{Shelf, store};

/// Keeps the events.
#[derive(Default)]
struct Log(Vec<KeyEvent>);

/// Asks for them.
struct All(HandlerCaller<Vec<KeyEvent>>);

impl Handler<KeyEvent> for Log {
    type Call = All;

    fn handle_event(&mut self, event: &KeyEvent, _cx: &mut HandlerCx<KeyEvent>) -> Reaction<KeyEvent> {
        self.0.push(event.clone());
        React::stay()
    }

    fn handle_call(&mut self, All(client): All, _cx: &mut HandlerCx<KeyEvent>) -> Reaction<KeyEvent> {
        React::reply(client, self.0.clone())
    }
}

/// The events so far.
struct Heard {
    events: KeyEvents,
    log: HandlerRef<Log>,
}

impl Heard {
    async fn of(store: &Store) -> Self {
        let events = store.key_events().await.unwrap();
        let log = events.manager().add_handler(Log::default()).await.unwrap();
        Self { events, log }
    }

    /// Everything that was sent before this is in it.
    async fn all(&self) -> Vec<(String, KeyEventKind)> {
        let heard = self.events.manager().call(&self.log, All).await.unwrap();
        assert!(heard.iter().all(|event| event.bucket == "shopping"), "{heard:?}");
        heard.iter().map(|event| (String::from_utf8_lossy(&event.key).into_owned(), event.kind)).collect()
    }
}

fn told(key: &str, kind: KeyEventKind) -> (String, KeyEventKind) {
    (key.to_owned(), kind)
}

async fn changes_are_told_in_order(store: Store) {
    let bucket = store.create("shopping").await.unwrap();
    bucket.put("before", "1").await.unwrap();
    let heard = Heard::of(&store).await;
    bucket.put("milk", "1").await.unwrap();
    bucket.put("milk", "1").await.unwrap();
    bucket.delete("milk").await.unwrap();
    bucket.delete("milk").await.unwrap();
    bucket.get("before").await.unwrap();
    bucket.update("eggs", |value| *value = Some("1".into())).await.unwrap();
    bucket.update("eggs", |value| value.clone()).await.unwrap();
    assert!(bucket.compare_and_set("eggs", None, None).await.is_err());
    bucket.apply(vec![Operation::Put("milk".into(), "1".into()), Operation::Clear]).await.unwrap();
    let expected = [
        told("milk", Put),
        told("milk", Put),
        told("milk", Delete),
        told("eggs", Put),
        told("milk", Put),
        told("before", Delete),
        told("eggs", Delete),
        told("milk", Delete),
    ];
    assert_eq!(heard.all().await, expected);
    store.stop().await.unwrap();
}

#[tokio::test]
async fn each_change_of_a_key_is_told_in_order_and_nothing_else() {
    changes_are_told_in_order(Store::start().await.unwrap()).await;
    changes_are_told_in_order(store(&Shelf::default()).await).await;
}

async fn expiry_is_told(store: Store) {
    let bucket = store.create("shopping").await.unwrap();
    let heard = Heard::of(&store).await;
    let minute = Duration::from_mins(1);
    bucket.put_expiring("milk", "1", minute).await.unwrap();
    bucket.put_expiring("eggs", "1", minute).await.unwrap();
    bucket.put_expiring("kept", "1", minute).await.unwrap();
    bucket.persist("kept").await.unwrap();
    tokio::time::advance(minute).await;
    // It is told before the next event of the key, ...
    bucket.put("milk", "2").await.unwrap();
    // ... and though nobody asks for it.
    genserver::time::sleep(Duration::from_secs(1)).await;
    let mut all = heard.all().await;
    let put = all.iter().rposition(|told| *told == ("milk".to_owned(), Put)).unwrap();
    let expired = all.iter().position(|told| *told == ("milk".to_owned(), Expire)).unwrap();
    assert!(expired < put, "{all:?}");
    all.sort();
    let expected = [
        told("eggs", Put),
        told("eggs", Expire),
        told("kept", Put),
        told("milk", Put),
        told("milk", Put),
        told("milk", Expire),
    ];
    assert_eq!(all, expected);
    store.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn it_is_told_that_a_key_has_expired() {
    expiry_is_told(Store::start().await.unwrap()).await;
    expiry_is_told(store(&Shelf::default()).await).await;
}

#[tokio::test]
async fn what_the_storage_does_not_keep_is_not_told() {
    let shelf = Shelf::default();
    let store = store(&shelf).await;
    let bucket = store.create("shopping").await.unwrap();
    let heard = Heard::of(&store).await;
    shelf.fail(true);
    assert!(bucket.put("milk", "1").await.is_err());
    shelf.fail(false);
    bucket.put("milk", "2").await.unwrap();
    assert_eq!(heard.all().await, [told("milk", Put)]);
    store.stop().await.unwrap();
}

#[tokio::test]
async fn nothing_is_told_once_nobody_listens() {
    let store = Store::start().await.unwrap();
    let bucket = store.create("shopping").await.unwrap();
    let heard = Heard::of(&store).await;
    let manager = heard.events.manager().clone();
    let another = heard.events.clone();
    drop(heard.events);
    bucket.put("milk", "1").await.unwrap();
    drop(another);
    bucket.put("eggs", "1").await.unwrap();
    assert_eq!(manager.call(&heard.log, All).await.unwrap().len(), 1);
    store.stop().await.unwrap();
}

#[tokio::test]
async fn a_store_that_its_supervisor_has_started_again_tells_of_keys() {
    let (spec, store) = Store::options().child_spec("store");
    let application = Supervisor::one_for_one().child(spec).start().await.unwrap();
    for _ in 0..2 {
        let heard = Heard::of(&store).await;
        store.create("shopping").await.unwrap().put("milk", "1").await.unwrap();
        assert_eq!(heard.all().await, [told("milk", Put)]);
        store.as_process().unwrap().kill();
        // Waits for the restart.
        store.events().await.unwrap();
    }
    application.stop().await.unwrap();
}

/// Is never done with an event.
struct Stuck;

impl AsyncHandler<KeyEvent> for Stuck {
    type Call = Never;

    async fn handle_event(&mut self, _event: &KeyEvent, _cx: &mut HandlerCx<KeyEvent>) -> Reaction<KeyEvent> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_handler_that_is_stuck_holds_up_no_bucket_and_what_is_too_much_is_counted() {
    let store = Store::start().await.unwrap();
    let bucket = store.create("shopping").await.unwrap();
    let events = store.key_events().await.unwrap();
    events.manager().add_async_handler(Stuck).await.unwrap();
    for _ in 0..16_384 + 100 {
        bucket.put("milk", "1").await.unwrap();
    }
    // The manager may have taken one.
    assert!((99..=100).contains(&events.lost()), "{} are lost", events.lost());
    events.manager().process_ref().kill();
    events.manager().process_ref().ended().await;
    let again = Heard::of(&store).await;
    bucket.put("milk", "1").await.unwrap();
    assert_eq!(again.all().await, [told("milk", Put)]);
    store.stop().await.unwrap();
}
