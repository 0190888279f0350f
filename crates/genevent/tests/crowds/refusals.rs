//! Handlers that refuse events, and who hears of it.

use std::sync::Arc;

use futures::FutureExt;
use genevent::{
    AsyncHandler, ForwardToManager, Handler, HandlerCx, HandlerRef, Hold, LoggerHandler, Manager, NotifyError,
    NotifyMode, React, Reaction,
};
use genserver::{Never, Node, Reason};
use parking_lot::Mutex;

/// Takes even numbers only.
#[derive(Default)]
struct Even(Vec<NotifyMode>);

impl Handler<u8> for Even {
    type Call = Never;

    fn handle_event(&mut self, event: &u8, cx: &mut HandlerCx<u8>) -> Reaction<u8> {
        self.0.push(cx.mode());
        if event.is_multiple_of(2) { React::stay() } else { React::refuse(Reason::term(*event)) }
    }
}

/// The same, for a handler that awaits.
struct EvenLater;

impl AsyncHandler<u8> for EvenLater {
    type Call = Never;

    async fn handle_event(&mut self, event: &u8, _cx: &mut HandlerCx<u8>) -> Reaction<u8> {
        genserver::yield_now().await;
        if event.is_multiple_of(2) { React::stay() } else { React::refuse(Reason::term(*event)) }
    }
}

/// Holds whatever it is handed.
struct Holds(Arc<Mutex<Vec<Hold>>>);

impl AsyncHandler<u8> for Holds {
    type Call = Never;

    async fn handle_event(&mut self, _event: &u8, cx: &mut HandlerCx<u8>) -> Reaction<u8> {
        self.0.lock().push(cx.hold());
        React::stay()
    }
}

#[track_caller]
fn check<H: 'static>(told: Result<(), NotifyError>, by: &HandlerRef<H>, event: u8) {
    let Err(NotifyError::Refused { handler, reason, .. }) = told else { panic!("{told:?}") };
    assert_eq!((handler, reason), (Some(by.id()), Reason::term(event)));
}

#[tokio::test]
async fn a_sender_that_waits_hears_who_refused_and_why_and_the_others_see_the_event() {
    let manager = Manager::start().await.unwrap();
    let even = manager.add_handler(Even::default()).id("first").await.unwrap();
    let logger = manager.add_handler(LoggerHandler::new()).await.unwrap();
    check(manager.sync_notify(1).await, &even, 1);
    manager.sync_notify(2).await.unwrap();
    manager.remove_handler(&even).await.unwrap();
    let later = manager.add_async_handler(EvenLater).await.unwrap();
    check(manager.sync_notify(3).await, &later, 3);
    assert_eq!(manager.remove_handler(&logger).await.unwrap().into_messages(), ["1", "2", "3"]);
}

#[tokio::test]
async fn a_refusal_that_nobody_waits_for_is_reported() {
    let node = Node::new();
    let mut reports = node.reports();
    let manager = Manager::start().on(&node).await.unwrap();
    manager.add_handler(Even::default()).await.unwrap();
    manager.notify(1).unwrap();
    let told = reports.next().await.unwrap();
    assert_eq!(told.reason(), Some(&Reason::term(1_u8)));
    assert!(told.to_string().contains("refuses"), "{told}");
}

#[tokio::test]
async fn an_ack_waits_for_the_handlers_while_one_of_them_refuses() {
    let manager = Manager::start().await.unwrap();
    let even = manager.add_handler(Even::default()).await.unwrap();
    manager.ack_notify(1).await.unwrap();
    check(manager.ack_notify(3).await, &even, 3);
    manager.notify(4).unwrap();
    manager.ack_notify(6).await.unwrap();
    manager.ack_notify(7).await.unwrap();
    let modes = manager.remove_handler(&even).await.unwrap().0;
    assert_eq!(modes, [NotifyMode::Ack, NotifyMode::Sync, NotifyMode::Async, NotifyMode::Sync, NotifyMode::Ack]);
}

#[tokio::test]
async fn a_hold_refuses_once_the_others_are_gone() {
    let held = Arc::default();
    let manager = Manager::start().await.unwrap();
    let one = manager.add_async_handler(Holds(Arc::clone(&held))).id("one").await.unwrap();
    manager.add_async_handler(Holds(Arc::clone(&held))).id("two").await.unwrap();
    for first in [true, false] {
        let mut sent = Box::pin(manager.sync_notify(5));
        assert!((&mut sent).now_or_never().is_none());
        let [one_holds, two_holds] = <[Hold; 2]>::try_from(std::mem::take(&mut *held.lock())).unwrap();
        if first {
            one_holds.refuse(Reason::term(5_u8));
            assert!((&mut sent).now_or_never().is_none());
            two_holds.done();
        } else {
            // A hold that is dropped says less than a refusal.
            drop(two_holds);
            one_holds.refuse(Reason::term(5_u8));
        }
        check(sent.await, &one, 5);
    }
}

#[tokio::test]
async fn an_event_that_was_taken_before_a_refusal_does_not_end_it() {
    let held = Arc::default();
    let manager = Manager::start().await.unwrap();
    let even = manager.add_handler(Even::default()).await.unwrap();
    manager.add_async_handler(Holds(Arc::clone(&held))).await.unwrap();
    let mut taken = Box::pin(manager.sync_notify(2));
    assert!((&mut taken).now_or_never().is_none());
    manager.notify(3).unwrap();
    // Asking for the handlers waits until the event before is handled.
    manager.which_handlers().await.unwrap();
    held.lock().drain(..).for_each(Hold::done);
    taken.await.unwrap();
    let mut refused = Box::pin(manager.ack_notify(5));
    assert!((&mut refused).now_or_never().is_none());
    held.lock().drain(..).for_each(Hold::done);
    check(refused.await, &even, 5);
}

#[tokio::test]
async fn a_refusal_is_passed_on_by_a_forwarder() {
    let (shop, city) = (Manager::<u8>::start().await.unwrap(), Manager::<u8>::start().await.unwrap());
    shop.add_async_handler(ForwardToManager::new(&city)).await.unwrap();
    city.add_handler(Even::default()).await.unwrap();
    let Err(NotifyError::Refused { reason, .. }) = shop.sync_notify(1).await else { panic!("it is refused there") };
    assert!(matches!(reason.downcast_ref(), Some(NotifyError::Refused { .. })), "{reason}");
    shop.sync_notify(2).await.unwrap();
}
