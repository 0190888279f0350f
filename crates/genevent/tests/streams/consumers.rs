//! Streams: which consumer gets which events, which side waits, and what is left behind.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::disallowed_methods, reason = "a test's time and tasks are the runtime's own")]

use std::future::pending;
use std::time::Duration;

use crate::support::{manager, ms, stream};
use futures::future::join_all;
use futures::stream::FusedStream;
use futures::{StreamExt, TryStreamExt, poll};
use genevent::{LagPolicy, Manager, StreamError};
use genserver::{CallError, FindError, Probe, Reason};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// A task that takes so many events.
async fn taker(manager: &Manager<u32>, events: usize) -> JoinHandle<Vec<u32>> {
    let stream = stream(manager).await;
    tokio::spawn(async move { stream.take(events).try_collect().await.unwrap() })
}

/// A task that takes one event, and never comes back to the stream.
async fn stuck(manager: &Manager<u32>) -> JoinHandle<()> {
    let mut stream = stream(manager).await;
    tokio::spawn(async move {
        stream.next().await.unwrap().unwrap();
        pending::<()>().await;
    })
}

/// Lets every task run that can: the paused clock moves when all of them wait.
async fn settle() {
    sleep(ms(1)).await;
}

#[tokio::test]
async fn ge_123_three_acknowledged_events_are_taken_and_the_stream_is_gone() {
    let manager = manager().await;
    let taken = taker(&manager, 3).await;
    for event in 1..=3 {
        manager.ack_notify(event).await.unwrap();
    }
    assert_eq!(taken.await.unwrap(), [1, 2, 3]);
    assert_eq!(manager.which_handlers().await.unwrap(), []);
}

/// One event is being consumed, one lies in the buffer unreceived, and the others wait.
#[tokio::test(start_paused = true)]
async fn ge_124_a_stuck_consumer_stops_acknowledged_events_at_the_second() {
    let manager = manager().await;
    let consumer = stuck(&manager).await;
    let mut senders = join_all((1..=6).map(|event| manager.ack_notify(event).no_timeout()));
    assert!(poll!(&mut senders).is_pending());
    settle().await;
    assert_eq!(manager.server().info().mailbox, 4);

    consumer.abort();
    assert_eq!(senders.await, vec![Ok(()); 6]);
    assert_eq!(manager.which_handlers().await.unwrap(), []);
}

#[tokio::test]
async fn ge_125_three_synchronous_events_are_taken_and_the_stream_is_gone() {
    let manager = manager().await;
    let taken = taker(&manager, 3).await;
    for event in 1..=3 {
        manager.sync_notify(event).await.unwrap();
    }
    assert_eq!(taken.await.unwrap(), [1, 2, 3]);
    assert_eq!(manager.which_handlers().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn ge_126_a_stuck_consumer_stops_synchronous_events_at_the_first() {
    let manager = manager().await;
    let consumer = stuck(&manager).await;
    let mut senders = join_all((1..=6).map(|event| manager.sync_notify(event).no_timeout()));
    assert!(poll!(&mut senders).is_pending());
    settle().await;
    assert_eq!(manager.server().info().mailbox, 5);

    consumer.abort();
    assert_eq!(senders.await, vec![Ok(()); 6]);
}

#[tokio::test]
async fn ge_127_a_stuck_consumer_holds_up_no_other_as_long_as_nobody_waits_for_it() {
    let manager = manager().await;
    let _stuck = stuck(&manager).await;
    let taken = taker(&manager, 3).await;
    for event in 1..=3 {
        manager.notify(event).unwrap();
    }
    assert_eq!(taken.await.unwrap(), [1, 2, 3]);
    assert_eq!(manager.which_handlers().await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn ge_128_silence_ends_a_stream_with_an_error() {
    let manager = manager().await;
    let mut silent = manager.stream().timeout(ms(50));
    let begun = Instant::now();
    assert_eq!(silent.next().await, Some(Err(StreamError::Timeout { after: ms(50) })));
    assert_eq!(begun.elapsed(), ms(50));
    assert_eq!(silent.next().await, None);
    assert!(silent.is_terminated());
    assert_eq!(manager.which_handlers().await.unwrap(), []);
}

/// It is the silence that counts, and not the time since the beginning, nor the consumer's own.
#[tokio::test(start_paused = true)]
async fn every_event_begins_another_silence() {
    let manager = manager().await;
    let mut heard = manager.stream().timeout(ms(50));
    heard.subscribe().await.unwrap();
    for event in 1..=4 {
        let notify = async {
            sleep(ms(40)).await;
            manager.notify(event).unwrap();
        };
        assert_eq!(futures::join!(heard.next(), notify).0, Some(Ok(event)));
    }
    manager.notify(5).unwrap();
    sleep(ms(500)).await;
    assert_eq!(heard.next().await, Some(Ok(5)), "it was there all the time");
    assert_eq!(heard.next().await, Some(Err(StreamError::Timeout { after: ms(50) })));
}

#[tokio::test(start_paused = true)]
async fn ge_129_a_consumer_that_is_killed_takes_its_stream_along() {
    let manager = manager().await;
    let task = stuck(&manager).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(manager.which_handlers().await.unwrap(), []);

    let mut waiting = stream(&manager).await;
    let mut shell = Probe::<()>::new();
    let (process, reference) = shell
        .spawn_monitor(|_: Probe<()>| async move {
            waiting.next().await;
        })
        .unwrap();
    assert_eq!(manager.which_handlers().await.unwrap().len(), 1);
    process.kill();
    shell.expect_down(reference).await;
    assert_eq!(manager.which_handlers().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn ge_130_a_kill_of_the_manager_is_an_error_of_the_stream_after_what_it_holds() {
    let manager = manager().await;
    let mut events = stream(&manager).await;
    let waiting = stream(&manager).await;
    let waiting = tokio::spawn(waiting.skip(1).collect::<Vec<_>>());
    manager.sync_notify_within(1, Duration::ZERO).await.unwrap_err();
    manager.server().kill();
    let died = StreamError::Died { reason: Reason::Killed };
    assert_eq!(events.next().await, Some(Ok(1)));
    assert_eq!(events.next().await, Some(Err(died.clone())));
    assert_eq!(events.next().await, None);
    assert_eq!(waiting.await.unwrap(), [Err(died)]);
}

#[tokio::test]
async fn ge_131_a_stream_of_no_manager_is_an_error_at_once() {
    let nobody = Manager::<u32>::named("nobody has this name");
    assert!(matches!(nobody.resolve(), Err(FindError::NoProc { .. })));

    let manager = manager().await;
    let mut events = manager.stream();
    manager.stop().await.unwrap();
    assert!(matches!(events.subscribe().await, Err(CallError::NoProc { .. })));
    assert!(matches!(events.subscribe().await, Err(CallError::NoProc { .. })), "as often as it is asked");
    let not_started = events.next().await;
    assert!(matches!(not_started, Some(Err(StreamError::NotStarted(CallError::NoProc { .. })))));
    assert_eq!(events.next().await, None);
    assert!(events.is_terminated());
}

/// What the first release of the stream could not do.
#[tokio::test]
async fn ge_148_one_consumer_draws_several_streams_of_one_manager() {
    let manager = manager().await;
    let (first, second) = (stream(&manager).await, stream(&manager).await);
    for event in 1..=3 {
        manager.notify(event).unwrap();
    }
    let pairs: Vec<_> = first.zip(second.skip(1)).take(2).collect().await;
    assert_eq!(pairs, [(Ok(1), Ok(2)), (Ok(2), Ok(3))]);
}

/// What has been asked of the manager is taken back, though it has not answered yet.
#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_before_it_has_begun_is_waited_for_by_nobody() {
    let manager = manager().await;
    let mut first = stream(&manager).await;
    // The manager waits for the first stream, so the second cannot begin.
    let mut told = Box::pin(manager.sync_notify(1).no_timeout());
    assert!(poll!(&mut told).is_pending());
    let mut second = manager.stream().lag(LagPolicy::Wait).buffer(1);
    assert!(poll!(Box::pin(second.subscribe())).is_pending());
    drop(second);
    assert_eq!(first.next().await, Some(Ok(1)));
    drop(first);
    assert_eq!(told.await, Ok(()));
    for event in 2..=4 {
        assert_eq!(manager.sync_notify(event).await, Ok(()));
    }
    assert_eq!(manager.which_handlers().await.unwrap(), []);
}

#[tokio::test]
async fn a_subscription_that_was_given_up_is_taken_up_again() {
    let manager = manager().await;
    let mut events = manager.stream();
    drop(events.subscribe());
    drop(Box::pin(events.next()));
    let _ = poll!(Box::pin(events.subscribe()));
    events.subscribe().await.unwrap();
    assert_eq!(manager.which_handlers().await.unwrap().len(), 1);
    manager.notify(1).unwrap();
    assert_eq!(events.next().await, Some(Ok(1)));
}

/// The waker that counts is the last one.
#[tokio::test(start_paused = true)]
async fn a_stream_can_move_from_task_to_task() {
    let manager = manager().await;
    let mut events = stream(&manager).await.timeout(ms(50));
    assert!(poll!(events.next()).is_pending());
    let moved = tokio::spawn(async move {
        let event = events.next().await;
        (event, events)
    });
    settle().await;
    manager.notify(1).unwrap();
    let (event, mut events) = moved.await.unwrap();
    assert_eq!(event, Some(Ok(1)));
    assert!(poll!(events.next()).is_pending());
    let silent = tokio::spawn(async move { events.next().await });
    assert_eq!(silent.await.unwrap(), Some(Err(StreamError::Timeout { after: ms(50) })));
}

#[derive(Debug, PartialEq)]
struct Uncopyable(bool);

impl Clone for Uncopyable {
    fn clone(&self) -> Self {
        assert!(self.0, "no copy");
        Self(true)
    }
}

#[tokio::test(start_paused = true)]
async fn a_clone_that_panics_ends_the_stream_and_nothing_else() {
    let manager = Manager::start().await.unwrap();
    let mut events = manager.stream();
    events.subscribe().await.unwrap();
    manager.sync_notify_within(Uncopyable(true), Duration::ZERO).await.unwrap_err();
    manager.sync_notify(Uncopyable(false)).await.unwrap();
    assert_eq!(manager.which_handlers().await.unwrap(), []);
    assert_eq!(events.next().await, Some(Ok(Uncopyable(true))));
    let Some(Err(StreamError::Uncopied { reason: Reason::Panic(panic) })) = events.next().await else {
        panic!("the consumer is told")
    };
    assert_eq!(panic.message(), "no copy");
    assert_eq!(events.next().await, None);
}

/// Streams of events that come and go without an event are swept out.
#[tokio::test]
async fn streams_that_come_and_go_leave_nothing() {
    let manager = manager().await;
    for _ in 0..100 {
        drop(stream(&manager).await);
    }
    assert_eq!(manager.which_handlers().await.unwrap(), []);
}
