//! Streams under each of the three ways to tell: `notify`, `ack_notify` and `sync_notify`.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::disallowed_methods, reason = "a test's time and tasks are the runtime's own")]

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use crate::support::{manager, ms, stream};
use futures::{FutureExt, StreamExt, TryStreamExt};
use genevent::{AsyncHandler, EventStream, HandlerCx, LoggerHandler, Manager, NotifyMode, React, Reaction};
use genserver::Never;
use genserver::registry::UniqueRegistry;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

const MODES: [NotifyMode; 3] = [NotifyMode::Async, NotifyMode::Ack, NotifyMode::Sync];

async fn tell<E: genevent::Event>(manager: &Manager<E>, mode: NotifyMode, event: E) {
    match mode {
        NotifyMode::Async => manager.notify(event).map_err(|_event| "the manager is there").unwrap(),
        NotifyMode::Ack => manager.ack_notify(event).no_timeout().await.unwrap(),
        NotifyMode::Sync => manager.sync_notify(event).no_timeout().await.unwrap(),
    }
}

/// A task that takes so many events, or fewer if the stream ends.
fn taker(stream: EventStream<u32>, events: usize) -> JoinHandle<Vec<u32>> {
    tokio::spawn(async move { stream.take(events).try_collect().await.unwrap() })
}

#[tokio::test]
async fn ge_132_every_consumer_gets_its_events_in_order() {
    for mode in MODES {
        let manager = manager().await;
        let three = taker(stream(&manager).await, 3);
        let five = taker(stream(&manager).await, 5);
        for event in 1..=5 {
            tell(&manager, mode, event).await;
        }
        assert_eq!(three.await.unwrap(), [1, 2, 3], "{mode:?}");
        assert_eq!(five.await.unwrap(), [1, 2, 3, 4, 5], "{mode:?}");
        assert_eq!(manager.which_handlers().await.unwrap(), []);
    }
}

#[tokio::test]
async fn ge_133_the_end_of_the_manager_ends_a_stream_after_what_was_sent() {
    for mode in MODES {
        let manager = manager().await;
        let taken = taker(stream(&manager).await, 5);
        for event in 1..=3 {
            tell(&manager, mode, event).await;
        }
        manager.stop().await.unwrap();
        assert_eq!(taken.await.unwrap(), [1, 2, 3], "{mode:?}");
    }
}

#[tokio::test]
async fn ge_134_a_stream_that_gives_way_to_a_handler_ends_with_what_it_had() {
    for mode in MODES {
        let manager = manager().await;
        let stream = stream(&manager).await;
        let canceller = stream.canceller().unwrap();
        let taken = taker(stream, 5);
        for event in 1..=3 {
            tell(&manager, mode, event).await;
        }
        let logger = manager.add_handler(LoggerHandler::new()).await.unwrap();
        canceller.cancel();
        tell(&manager, mode, 4).await;
        assert_eq!(taken.await.unwrap(), [1, 2, 3], "{mode:?}");
        assert_eq!(manager.which_handlers().await.unwrap(), [logger.id()]);
        assert_eq!(manager.remove_handler(&logger).await.unwrap().into_messages(), ["4"]);
    }
}

#[tokio::test]
async fn ge_135_a_stream_outlives_the_name_of_its_manager() {
    for mode in MODES {
        let registry = UniqueRegistry::<String>::unique();
        registry.start().await.unwrap();
        let manager = Manager::start().name(registry.via("events".to_owned(), ())).await.unwrap();
        let taken = taker(stream(&manager).await, 5);
        for event in 1..=5 {
            tell(&manager, mode, event).await;
            assert_eq!(registry.of(&manager).unregister("events"), event == 1);
        }
        assert_eq!(taken.await.unwrap(), [1, 2, 3, 4, 5], "{mode:?}");
    }
}

/// Waits a while over every event.
struct Slow;

impl AsyncHandler<Arc<str>> for Slow {
    type Call = Never;

    async fn handle_event(&mut self, _: &Arc<str>, _cx: &mut HandlerCx<Arc<str>>) -> Reaction<Arc<str>> {
        sleep(ms(20)).await;
        React::stay()
    }
}

#[tokio::test(start_paused = true)]
async fn ge_136_a_consumer_that_panics_leaves_no_event_behind() {
    for mode in MODES {
        let manager = Manager::start().await.unwrap();
        manager.add_async_handler(Slow).await.unwrap();
        let mut stream = stream(&manager).await;
        let consumer = tokio::spawn(async move {
            let _event = stream.next().await.unwrap().unwrap();
            sleep(ms(50)).await;
            panic!("at the first event");
        });
        let event: Arc<str> = "an event".into();
        for _ in 0..3 {
            tell(&manager, mode, Arc::clone(&event)).await;
        }
        assert!(consumer.await.unwrap_err().is_panic());
        assert_eq!(manager.which_handlers().await.unwrap().len(), 1, "the slow handler: {mode:?}");
        assert_eq!(Arc::strong_count(&event), 1, "{mode:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn ge_138_a_sender_is_held_up_as_long_as_its_way_to_tell_says() {
    for (mode, held_up) in
        [(NotifyMode::Async, [0, 0, 0]), (NotifyMode::Ack, [0, 0, 200]), (NotifyMode::Sync, [200, 200, 200])]
    {
        let manager = manager().await;
        let mut stream = stream(&manager).await;
        let consumer = tokio::spawn(async move {
            while let Some(Ok(_)) = stream.next().await {
                sleep(ms(200)).await;
            }
        });
        for (event, expected) in (1..).zip(held_up) {
            let begun = Instant::now();
            tell(&manager, mode, event).await;
            assert_eq!(begun.elapsed(), ms(expected), "{mode:?} {event}");
        }
        manager.stop().await.unwrap();
        consumer.await.unwrap();
    }
}

#[tokio::test]
async fn ge_139_a_consumer_that_ends_over_an_event_is_waited_for_no_longer() {
    let manager = manager().await;
    let mut stream = stream(&manager).await;
    let consumer = tokio::spawn(async move {
        stream.next().await.unwrap().unwrap();
        tokio::task::yield_now().await;
    });
    manager.sync_notify(1).await.unwrap();
    consumer.await.unwrap();
    assert_eq!(manager.which_handlers().await.unwrap(), []);
}

#[tokio::test]
async fn ge_140_a_panic_over_an_event_that_is_caught_outside_is_the_end_of_the_stream_alone() {
    let manager = Manager::start().await.unwrap();
    let mut stream = stream(&manager).await;
    let consumer = tokio::spawn(async move {
        let body = AssertUnwindSafe(async move {
            let _event = stream.next().await.unwrap().unwrap();
            panic!("in the body");
        });
        body.catch_unwind().await.is_err()
    });
    let event = Arc::new(());
    manager.sync_notify(Arc::clone(&event)).await.unwrap();
    assert!(consumer.await.unwrap());
    assert_eq!(manager.which_handlers().await.unwrap(), []);
    assert_eq!(Arc::strong_count(&event), 1);
}

#[tokio::test]
async fn ge_145_a_stream_that_takes_one_of_five_drops_the_others() {
    let manager = Manager::start().await.unwrap();
    let mut stream = stream(&manager).await;
    let event = Arc::new(());
    for _ in 0..5 {
        tell(&manager, NotifyMode::Async, Arc::clone(&event)).await;
    }
    manager.which_handlers().await.unwrap();
    assert_eq!(Arc::strong_count(&event), 6);
    drop(stream.next().await);
    drop(stream);
    assert_eq!(Arc::strong_count(&event), 1);
}

/// What a sender, or the next one, waits for: what was asked for, and no more than the consumer allows.
#[tokio::test(start_paused = true)]
async fn a_consumer_is_waited_for_no_further_than_it_says() {
    for asked in MODES {
        for allowed in MODES {
            let manager = manager().await;
            let mut consumer = Manager::stream(&manager).mode(allowed);
            consumer.subscribe().await.unwrap();
            let teller = manager.clone();
            let teller = tokio::spawn(async move {
                tell(&teller, asked, 7).await;
                // After `ack_notify` it is the next one who waits.
                teller.which_handlers().await.unwrap();
            });
            sleep(ms(1)).await;
            assert_eq!(
                teller.is_finished(),
                asked.min(allowed) == NotifyMode::Async,
                "{asked:?} {allowed:?}: not received"
            );
            assert_eq!(consumer.try_next().await.unwrap(), Some(7));
            sleep(ms(1)).await;
            assert_eq!(teller.is_finished(), asked.min(allowed) <= NotifyMode::Ack, "{asked:?} {allowed:?}: received");
            drop(consumer);
            teller.await.unwrap();
        }
    }
}
