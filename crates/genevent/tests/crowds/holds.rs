//! Handlers that finish an event after their callback has returned.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use genevent::NotifyError;
use genevent::{AsyncHandler, Handler, HandlerCx, Hold, Manager, NotifyMode, React, Reaction};
use genserver::{CallError, Never, time};
use parking_lot::Mutex;

type Shelf = Arc<Mutex<Vec<Hold>>>;

/// Holds whatever it is handed.
struct Holds(Shelf);

impl Handler<u8> for Holds {
    type Call = Never;

    fn handle_event(&mut self, _event: &u8, cx: &mut HandlerCx<u8>) -> Reaction<u8> {
        self.0.lock().push(cx.hold());
        React::stay()
    }
}

/// The same, for a handler that awaits.
struct HoldsLater(Shelf);

impl AsyncHandler<u8> for HoldsLater {
    type Call = Never;

    async fn handle_event(&mut self, _event: &u8, cx: &mut HandlerCx<u8>) -> Reaction<u8> {
        time::sleep(Duration::from_millis(1)).await;
        self.0.lock().push(cx.hold());
        React::stay()
    }
}

async fn manager() -> (Manager<u8>, Shelf) {
    let (manager, shelf) = (Manager::start().await.expect("it starts"), Shelf::default());
    manager.add_handler(Holds(Arc::clone(&shelf))).await.expect("it is the first");
    (manager, shelf)
}

#[tokio::test]
async fn a_sender_waits_for_a_hold_and_the_manager_does_not() {
    let (manager, shelf) = manager().await;
    let mut first = Box::pin(async { manager.sync_notify(1).await });
    assert!((&mut first).now_or_never().is_none());
    let mut second = Box::pin(async { manager.sync_notify(2).await });
    assert!((&mut second).now_or_never().is_none());
    assert_eq!(shelf.lock().len(), 2, "the manager went on to the second event");
    let hold = shelf.lock().pop().unwrap();
    hold.done();
    second.await.unwrap();
    assert!((&mut first).now_or_never().is_none(), "the other event is still held");
    shelf.lock().drain(..).for_each(Hold::done);
    first.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_sender_waits_for_the_holds_of_all_handlers() {
    let (manager, shelf) = manager().await;
    manager.add_async_handler(HoldsLater(Arc::clone(&shelf))).await.unwrap();
    manager.add_handler(Holds(Arc::clone(&shelf))).id("second").await.unwrap();
    let mut sent = Box::pin(async { manager.sync_notify(1).await });
    while shelf.lock().len() < 3 {
        assert!((&mut sent).now_or_never().is_none());
        time::sleep(Duration::from_millis(1)).await;
    }
    for _ in 0..3 {
        time::sleep(Duration::from_millis(10)).await;
        assert!((&mut sent).now_or_never().is_none());
        let hold = shelf.lock().remove(0);
        hold.done();
    }
    sent.await.unwrap();
}

#[tokio::test]
async fn a_hold_that_is_dropped_does_not_answer_its_sender() {
    let (manager, shelf) = manager().await;
    let mut sent = Box::pin(async { manager.sync_notify(1).await });
    assert!((&mut sent).now_or_never().is_none());
    shelf.lock().clear();
    assert!(matches!(sent.await, Err(NotifyError::Manager(CallError::NoReply { .. }))));
    manager.notify(2).unwrap();
    manager.ack_notify(3).await.unwrap();
}

#[tokio::test]
async fn a_hold_that_is_done_within_the_callback_costs_the_sender_nothing() {
    struct AtOnce;
    impl Handler<u8> for AtOnce {
        type Call = Never;

        fn handle_event(&mut self, _event: &u8, cx: &mut HandlerCx<u8>) -> Reaction<u8> {
            assert_eq!(cx.mode(), NotifyMode::Sync);
            cx.hold().done();
            cx.hold().done();
            React::stay()
        }
    }
    let manager = Manager::start().await.unwrap();
    manager.add_handler(AtOnce).await.unwrap();
    assert_eq!(manager.sync_notify(1).now_or_never(), Some(Ok(())));
}

#[tokio::test]
async fn a_handler_that_goes_with_a_hold_leaves_its_sender_an_error() {
    struct Fails;
    impl Handler<u8> for Fails {
        type Call = Never;

        fn handle_event(&mut self, _event: &u8, cx: &mut HandlerCx<u8>) -> Reaction<u8> {
            let _dropped = cx.hold();
            Err(genserver::Reason::term("full"))
        }
    }
    let manager = Manager::start().await.unwrap();
    manager.add_handler(Fails).await.unwrap();
    assert!(matches!(manager.sync_notify(1).await, Err(NotifyError::Manager(CallError::NoReply { .. }))));
}
