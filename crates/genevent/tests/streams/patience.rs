//! How long a manager waits for a stuck consumer, and what it reports.
#![expect(clippy::disallowed_methods, reason = "a test's time and tasks are the runtime's own")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::time::Duration;

use futures::{FutureExt, StreamExt, poll};
use genevent::NotifyError;
use genevent::{EventStream, LagPolicy, Manager, StreamError};
use genserver::report::Reports;
use genserver::{CallError, Node};
use tokio::time::{Instant, sleep};

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A manager, a stream of it with a buffer of one, and what is reported.
async fn stuck(lag: LagPolicy) -> (Manager<u32>, EventStream<u32>, Reports) {
    let node = Node::new();
    let reports = node.reports();
    let manager = Manager::start().name("events").on(&node).await.unwrap();
    let mut stream = manager.stream().buffer(1).lag(lag);
    stream.subscribe().await.unwrap();
    (manager, stream, reports)
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_holds_everybody_up_is_reported_within_a_second() {
    for told in 0..3 {
        let (manager, stream, mut reports) = stuck(LagPolicy::Wait).await;
        let mut waiting = match told {
            0 => manager.sync_notify(1).no_timeout().boxed(),
            1 => async { manager.ack_notify(1).await }.boxed(),
            _ => {
                manager.notify(1).unwrap();
                manager.ack_notify(2).boxed()
            }
        };
        let _ = poll!(&mut waiting);
        sleep(ms(900)).await;
        assert_eq!(reports.try_next(), None);
        sleep(ms(200)).await;
        let report = reports.try_next().expect("it is reported");
        assert!(report.to_string().contains(&stream.id().unwrap().to_string()), "{report}");
        assert!(report.to_string().contains("events"), "{report}");
        sleep(ms(10_000)).await;
        assert_eq!(reports.try_next(), None, "once is enough");
    }
}

/// A consumer that is only slow is nobody's business.
#[tokio::test(start_paused = true)]
async fn a_consumer_that_takes_less_than_a_second_is_not_reported() {
    let (manager, mut stream, mut reports) = stuck(LagPolicy::Wait).await;
    tokio::spawn(async move {
        while stream.next().await.is_some() {
            sleep(ms(900)).await;
        }
    });
    for event in 1..=5 {
        manager.sync_notify(event).await.unwrap();
    }
    assert_eq!(reports.try_next(), None);
}

#[tokio::test(start_paused = true)]
async fn the_manager_waits_for_a_consumer_no_longer_than_the_sender_does() {
    let (manager, mut stream, _reports) = stuck(LagPolicy::DropOldest).await;
    let begun = Instant::now();
    assert!(matches!(manager.sync_notify(1).await, Err(NotifyError::Manager(CallError::Timeout { .. }))));
    assert_eq!(begun.elapsed(), ms(5_000));
    assert_eq!(manager.which_handlers().await.unwrap().len(), 1);
    assert!(begun.elapsed() <= ms(6_000), "{:?}", begun.elapsed());
    assert_eq!(stream.next().await, Some(Ok(1)), "the event is there all the same");

    // One that has gone away altogether.
    let begun = Instant::now();
    let mut sender = manager.sync_notify(2).boxed();
    assert!(poll!(&mut sender).is_pending());
    drop(sender);
    assert_eq!(manager.which_handlers().await.unwrap().len(), 1);
    assert!(begun.elapsed() <= ms(1_000), "{:?}", begun.elapsed());

    // And one that never gives up.
    let mut sender = manager.sync_notify(3).no_timeout().boxed();
    assert!(poll!(&mut sender).is_pending());
    sleep(ms(100_000)).await;
    assert!(poll!(&mut sender).is_pending());
    drop(stream);
    assert_eq!(sender.await, Ok(()));
}

/// A plain task is not known to the manager. What it asks without a limit is answered when the sender has given up.
#[tokio::test(start_paused = true)]
async fn a_plain_task_that_asks_without_a_limit_is_answered_in_the_end() {
    let (manager, mut stream, _reports) = stuck(LagPolicy::DropOldest).await;
    let asks = manager.clone();
    let consumer = tokio::spawn(async move {
        stream.next().await.unwrap().unwrap();
        asks.which_handlers().await.map(|handlers| handlers.len())
    });
    assert!(matches!(manager.sync_notify(1).await, Err(NotifyError::Manager(CallError::Timeout { .. }))));
    assert_eq!(consumer.await.unwrap(), Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_holds_for_the_manager_to_the_millisecond() {
    let (manager, stream, _reports) = stuck(LagPolicy::DropOldest).await;
    for within in [0, 10, 1_000, 2_500] {
        let begun = Instant::now();
        let (told, handlers) = futures::join!(manager.sync_notify_within(1, ms(within)), manager.which_handlers());
        assert!(matches!(told, Err(NotifyError::Manager(CallError::Timeout { .. }))));
        assert_eq!(handlers.unwrap().len(), 1);
        assert!(begun.elapsed() <= ms(within + 1), "{:?}", begun.elapsed());
    }
    drop(stream);
}

/// The manager's timer for slow consumers is kept from the wait before, and comes too late for this one.
#[tokio::test(start_paused = true)]
async fn a_deadline_holds_after_a_wait_that_was_short() {
    let (manager, mut stream, _reports) = stuck(LagPolicy::DropOldest).await;
    let consumer = async {
        stream.next().await.unwrap().unwrap();
        sleep(ms(1)).await;
        assert!(stream.next().now_or_never().is_none());
    };
    let (told, ()) = futures::join!(manager.sync_notify(1), consumer);
    assert_eq!(told, Ok(()));
    let begun = Instant::now();
    assert!(manager.sync_notify_within(2, ms(10)).await.is_err());
    assert_eq!(manager.which_handlers().await.unwrap().len(), 1);
    assert!(begun.elapsed() <= ms(11), "{:?}", begun.elapsed());
}

/// Nobody answers it, so its own time is all that would end it.
#[tokio::test(start_paused = true)]
async fn a_sender_that_would_outwait_its_deadline_is_told_all_the_same() {
    let (manager, mut stream, _reports) = stuck(LagPolicy::DropOldest).await;
    let begun = Instant::now();
    for event in 0..3 {
        let told = manager.sync_notify_within(event, ms(10)).no_timeout().await;
        assert!(matches!(told, Err(NotifyError::Manager(CallError::NoReply { .. }))), "{told:?}");
    }
    assert!(begun.elapsed() <= ms(400), "{:?}", begun.elapsed());
    assert!(matches!(stream.next().await, Some(Err(StreamError::Lagged { missed: 2 }))));
    assert_eq!(stream.next().await, Some(Ok(2)), "the event is there all the same");
}
