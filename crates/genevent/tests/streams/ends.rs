//! How streams end: with their manager, by a canceller, or after a time; and what never reaches them.
#![expect(clippy::disallowed_methods, reason = "a test's time and tasks are the runtime's own")]

use crate::support::{manager, ms, stream};
use futures::stream::FusedStream;
use futures::{StreamExt, TryStreamExt, poll};
use genevent::{Handler, HandlerCx, LagPolicy, Manager, React, Reaction, StreamError};
use genserver::{Never, Reason};
use tokio::time::{Instant, sleep};

#[tokio::test]
async fn ge_141_any_orderly_end_of_the_manager_ends_a_stream_normally() {
    for reason in [Reason::Normal, Reason::Shutdown, Reason::term("boom")] {
        let manager = manager().await;
        let mut events = stream(&manager).await;
        let waiting = tokio::spawn(stream(&manager).await.collect::<Vec<_>>());
        manager.notify(1).unwrap();
        manager.stop().reason(reason.clone()).await.unwrap();
        assert_eq!(events.next().await, Some(Ok(1)));
        assert_eq!(events.next().await, None, "{reason:?}");
        assert_eq!(events.next().await, None, "as often as it is asked");
        assert!(events.is_terminated());
        assert_eq!(waiting.await.unwrap(), [Ok(1)]);
    }
}

#[tokio::test]
async fn ge_143_a_canceller_ends_a_stream_with_what_it_has() {
    let manager = manager().await;
    let events = manager.stream();
    assert!(events.canceller().is_none(), "there is nothing to cancel yet");
    let events = stream(&manager).await;
    let canceller = events.canceller().unwrap();
    for event in 1..=3 {
        manager.notify(event).unwrap();
    }
    manager.which_handlers().await.unwrap();
    canceller.cancel();
    canceller.cancel();
    manager.notify(4).unwrap();
    assert_eq!(manager.which_handlers().await.unwrap(), []);
    assert_eq!(events.try_collect::<Vec<_>>().await.unwrap(), [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_canceller_wakes_the_consumer_and_frees_the_waiting_sender() {
    let manager = manager().await;
    let waiting = stream(&manager).await;
    let canceller = waiting.canceller().unwrap();
    let mut waiting = tokio::spawn(waiting.collect::<Vec<_>>());
    tokio::task::yield_now().await;
    assert!(poll!(&mut waiting).is_pending());
    canceller.cancel();
    assert_eq!(waiting.await.unwrap(), []);

    let stuck = stream(&manager).await;
    let mut told = Box::pin(manager.sync_notify(1).no_timeout());
    assert!(poll!(&mut told).is_pending());
    stuck.canceller().unwrap().cancel();
    assert_eq!(told.await, Ok(()));
}

struct Quiet;

impl Handler<u32, &'static str> for Quiet {
    type Call = Never;

    fn handle_event(&mut self, _: &u32, _cx: &mut HandlerCx<u32, &'static str>) -> Reaction<u32, &'static str> {
        React::stay()
    }
}

#[tokio::test]
async fn ge_144_a_plain_message_reaches_no_stream() {
    let manager = Manager::start_with_info().await.unwrap();
    manager.add_handler(Quiet).await.unwrap();
    let mut events = manager.stream();
    events.subscribe().await.unwrap();
    manager.send("not an event").unwrap();
    manager.notify(1).unwrap();
    manager.stop().await.unwrap();
    assert_eq!(events.try_collect::<Vec<_>>().await.unwrap(), [1]);
}

#[tokio::test(start_paused = true)]
async fn ge_149_a_stream_ends_when_its_time_is_over_with_what_came_till_then() {
    let manager = manager().await;
    let mut events = manager.stream().duration(ms(200));
    events.subscribe().await.unwrap();
    let begun = Instant::now();
    for event in 1..=5 {
        manager.notify(event).unwrap();
    }
    let mut taken = Vec::new();
    while let Some(event) = events.next().await {
        taken.push(event.unwrap());
    }
    assert_eq!(taken, [1, 2, 3, 4, 5]);
    assert_eq!(begun.elapsed(), ms(200));
    assert_eq!(manager.which_handlers().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_duration_that_is_over_ends_a_stream_that_has_more() {
    let manager = manager().await;
    let mut events = manager.stream().duration(ms(200));
    events.subscribe().await.unwrap();
    manager.notify(1).unwrap();
    sleep(ms(201)).await;
    assert_eq!(events.next().await, None);
    assert!(events.is_terminated());
}

/// There, one id is shared by several streams; here, each has a canceller, which can be kept together.
#[tokio::test]
async fn ge_150_several_streams_are_cancelled_together_and_return_what_they_had() {
    let manager = manager().await;
    let (first, second) = (stream(&manager).await, stream(&manager).await);
    let both = [first.canceller().unwrap(), second.canceller().unwrap()];
    manager.notify(1).unwrap();
    manager.which_handlers().await.unwrap();
    for canceller in both.clone() {
        canceller.cancel();
    }
    assert_eq!(first.try_collect::<Vec<_>>().await.unwrap(), [1]);
    assert_eq!(second.try_collect::<Vec<_>>().await.unwrap(), [1]);
}

#[tokio::test]
async fn a_consumer_that_is_too_slow_ends_after_what_it_holds_if_it_said_so() {
    let manager = manager().await;
    let mut events = manager.stream().buffer(2).lag(LagPolicy::End);
    events.subscribe().await.unwrap();
    for event in 1..=5 {
        manager.notify(event).unwrap();
    }
    manager.sync_notify(6).await.unwrap();
    assert_eq!(manager.which_handlers().await.unwrap(), []);
    assert_eq!(events.next().await, Some(Ok(1)));
    assert_eq!(events.next().await, Some(Ok(2)));
    assert_eq!(events.next().await, Some(Err(StreamError::TooSlow)));
    assert_eq!(events.next().await, None);
    assert!(events.is_terminated());
}
