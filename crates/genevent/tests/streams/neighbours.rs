//! Several streams of one manager: what one consumer does does not affect the others.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::disallowed_methods, reason = "a test's time and tasks are the runtime's own")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::support::stream;
use futures::{FutureExt, StreamExt};
use genevent::{EventStream, LagPolicy, Manager, NotifyMode, StreamError};
use genserver::Reason;

type Counted = Arc<()>;

async fn with<E: genevent::Event + Clone>(manager: &Manager<E>, buffer: usize, lag: LagPolicy) -> EventStream<E> {
    let mut stream = manager.stream().buffer(buffer).lag(lag);
    stream.subscribe().await.unwrap();
    stream
}

/// Sends so many events, and waits until the manager has taken them.
async fn send(manager: &Manager<Counted>, events: u32, event: &Counted) {
    for _ in 0..events {
        manager.notify(Arc::clone(event)).unwrap();
    }
    manager.which_handlers().await.unwrap();
}

/// How many events are alive.
fn alive(event: &Counted) -> usize {
    Arc::strong_count(event) - 1
}

#[tokio::test]
async fn an_event_is_kept_once_for_all_streams() {
    let manager = Manager::start().await.unwrap();
    let event = Counted::default();
    let mut streams = Vec::new();
    for _ in 0..10 {
        streams.push(stream(&manager).await);
    }
    send(&manager, 5, &event).await;
    assert_eq!(alive(&event), 5);
    for stream in &mut streams {
        drop(stream.next().await);
        drop(stream.next().await);
    }
    assert_eq!(alive(&event), 3, "everybody has taken two");
    streams.truncate(1);
    assert_eq!(alive(&event), 3);
    drop(streams);
    assert_eq!(alive(&event), 0);
}

#[tokio::test]
async fn a_stuck_consumer_keeps_nothing_alive_beyond_its_bound() {
    for (lag, kept) in [(LagPolicy::DropOldest, 3), (LagPolicy::End, 3)] {
        let manager = Manager::start().await.unwrap();
        let event = Counted::default();
        let mut stuck = with(&manager, 3, lag).await;
        let mut quick = stream(&manager).await;
        for round in 0..50 {
            send(&manager, 100, &event).await;
            for _ in 0..100 {
                assert!(quick.next().await.unwrap().is_ok());
            }
            assert_eq!(alive(&event), kept, "{lag:?}, {round}");
        }
        match lag {
            LagPolicy::End => {
                let seen: Vec<_> = stuck.by_ref().map(|event| event.map(drop)).collect().await;
                assert_eq!(seen, [Ok(()), Ok(()), Ok(()), Err(StreamError::TooSlow)]);
            }
            _ => assert_eq!(stuck.next().await, Some(Err(StreamError::Lagged { missed: 4_997 }))),
        }
        drop(stuck);
        assert_eq!(alive(&event), 0);
    }
}

#[tokio::test]
async fn every_buffer_has_its_own_bound() {
    let manager = Manager::start().await.unwrap();
    let mut streams = Vec::new();
    for buffer in [1, 3, 31, 32, 33, 100, 499, 500, 1_000] {
        streams.push((buffer, with(&manager, buffer, LagPolicy::DropOldest).await));
    }
    for event in 0..500_u64 {
        manager.notify(event).unwrap();
    }
    manager.which_handlers().await.unwrap();
    for (buffer, stream) in &mut streams {
        let missed = 500_u64.saturating_sub(*buffer as u64);
        if missed > 0 {
            assert_eq!(stream.next().await, Some(Err(StreamError::Lagged { missed })), "{buffer}");
        }
        for event in missed..500 {
            assert_eq!(stream.next().await, Some(Ok(event)), "{buffer}");
        }
        assert!(stream.next().now_or_never().is_none());
    }
}

/// A larger one counts what its consumer has in hand: it is emptied in batches.
#[tokio::test]
async fn a_small_buffer_has_space_for_another_event_as_soon_as_one_is_taken() {
    for buffer in [2, 33, 63] {
        let manager = Manager::start().await.unwrap();
        let mut stream = with(&manager, buffer, LagPolicy::DropOldest).await;
        for event in 0..buffer {
            manager.notify(event).unwrap();
        }
        manager.which_handlers().await.unwrap();
        for event in 0..buffer - 1 {
            assert_eq!(stream.next().await, Some(Ok(event)), "{buffer}");
            manager.notify(buffer + event).unwrap();
            manager.which_handlers().await.unwrap();
        }
        for event in buffer - 1..2 * buffer - 1 {
            assert_eq!(stream.next().await, Some(Ok(event)), "{buffer}");
        }
    }
}

/// The manager waits for the one, and for its handlers all have to wait; but the other streams have the event.
#[tokio::test]
async fn a_consumer_without_space_keeps_the_event_from_no_other_stream() {
    let manager = Manager::start().await.unwrap();
    let mut before = stream(&manager).await;
    let mut full = with(&manager, 1, LagPolicy::Wait).await;
    let mut after = stream(&manager).await;
    for event in 1..=3 {
        manager.notify(event).unwrap();
    }
    for event in 1..=2 {
        assert_eq!(before.next().await, Some(Ok(event)));
        assert_eq!(after.next().await, Some(Ok(event)));
    }
    assert!(before.next().now_or_never().is_none(), "the manager waits for space");
    assert_eq!(full.next().await, Some(Ok(1)));
    assert_eq!(before.next().await, Some(Ok(3)));
}

#[tokio::test]
async fn a_stream_that_is_cancelled_without_space_ends_after_its_buffer() {
    let manager = Manager::start().await.unwrap();
    let event = Counted::default();
    let mut full = with(&manager, 2, LagPolicy::Wait).await;
    let canceller = full.canceller().unwrap();
    for _ in 0..3 {
        manager.notify(Arc::clone(&event)).unwrap();
    }
    assert!(manager.which_handlers().now_or_never().is_none(), "the manager waits for space");
    canceller.cancel();
    assert_eq!(manager.which_handlers().await.unwrap(), []);
    assert_eq!(alive(&event), 2, "the third was for nobody");
    assert_eq!(full.by_ref().count().await, 2);
    assert_eq!(alive(&event), 0);
}

/// Panics at one of its clones.
#[derive(Debug)]
struct Fragile {
    clones: Arc<AtomicU32>,
    /// The number of the clone that panics.
    bad: u32,
}

impl Clone for Fragile {
    fn clone(&self) -> Self {
        let number = self.clones.fetch_add(1, Ordering::SeqCst) + 1;
        assert!(number != self.bad, "no copy");
        Self { clones: Arc::clone(&self.clones), bad: self.bad }
    }
}

#[tokio::test]
async fn a_clone_that_panics_ends_the_one_stream_that_lacks_it() {
    // The first is the manager's, the second and third are those of all consumers but the last.
    for bad in 1..=4 {
        let manager = Manager::start().await.unwrap();
        let mut streams = Vec::new();
        for _ in 0..3 {
            streams.push(with(&manager, 8, LagPolicy::End).await);
        }
        let clones = Arc::new(AtomicU32::new(0));
        manager.notify(Fragile { clones: Arc::clone(&clones), bad }).unwrap();
        manager.which_handlers().await.unwrap();
        let mut ended = Vec::new();
        for (number, stream) in streams.iter_mut().enumerate() {
            match stream.next().await {
                Some(Ok(_)) => {}
                Some(Err(StreamError::Uncopied { reason: Reason::Panic(panic) })) => {
                    assert_eq!(panic.message(), "no copy");
                    assert!(stream.next().await.is_none());
                    ended.push(number);
                }
                other => panic!("{other:?}"),
            }
        }
        let expected: &[usize] = match bad {
            1 | 2 => &[0],
            3 => &[1],
            _ => &[],
        };
        assert_eq!(ended, expected, "{bad}");
        assert_eq!(manager.which_handlers().await.unwrap().len(), 3 - expected.len());
        assert_eq!(Arc::strong_count(&clones), 1);
    }
}

/// An event larger than what a segment of the log shall take.
#[tokio::test]
async fn large_events_go_through_streams_too() {
    let manager = Manager::<[u8; 3_000]>::start().await.unwrap();
    let (mut one, mut other) = (stream(&manager).await, stream(&manager).await);
    for number in 0..5 {
        manager.notify([number; 3_000]).unwrap();
    }
    manager.stop().await.unwrap();
    for stream in [&mut one, &mut other] {
        for number in 0..5 {
            assert_eq!(stream.next().await, Some(Ok([number; 3_000])));
        }
        assert_eq!(stream.next().await, None);
    }
}

#[tokio::test]
async fn a_consumer_that_no_sender_waits_for_holds_up_none_of_the_others() {
    let manager = Manager::start().await.unwrap();
    let mut idle = manager.stream().mode(NotifyMode::Async);
    idle.subscribe().await.unwrap();
    let mut quick = stream(&manager).await;
    let consumer = tokio::spawn(async move { quick.by_ref().count().await });
    for event in 0..100 {
        manager.sync_notify(event).await.unwrap();
    }
    manager.stop().await.unwrap();
    assert_eq!(consumer.await.unwrap(), 100);
    assert_eq!(idle.count().await, 100);
}
