//! Metrics: what a manager counts, under which names, and when.
#![cfg(all(feature = "tokio", feature = "metrics"))]
#![expect(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test, with its line")]

use std::any::type_name;
use std::time::Duration;

use genevent::{AsyncHandler, Handler, HandlerCx, Manager, React, Reaction};
use genserver::{Never, Reason};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

/// The values of a series since the last look.
fn values<E>(snapshotter: &Snapshotter, name: &str, reason: Option<&str>) -> Vec<f64> {
    let mut values = Vec::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let (_, key) = key.into_parts();
        let label = |name: &str| key.labels().find(|label| label.key() == name).map(|label| label.value().to_owned());
        if key.name() == name
            && label("event").as_deref() == Some(type_name::<E>())
            && label("reason").as_deref() == reason
        {
            match value {
                DebugValue::Histogram(samples) => values.extend(samples.into_iter().map(f64::from)),
                DebugValue::Counter(count) => values.push(f64::from(u32::try_from(count).unwrap())),
                DebugValue::Gauge(value) => values.push(value.into_inner()),
            }
        }
    }
    values
}

/// Fails at odd numbers.
struct Even;

impl Handler<u16> for Even {
    type Call = Never;

    fn handle_event(&mut self, event: &u16, _cx: &mut HandlerCx<u16>) -> Reaction<u16> {
        if event % 2 == 1 { Err(Reason::term("odd")) } else { React::stay() }
    }
}

#[tokio::test]
async fn handlers_that_leave_are_counted_by_the_reason() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _installed = metrics::set_default_local_recorder(&recorder);
    let manager = Manager::<u16>::start().await.unwrap();
    let one = manager.add_handler(Even).id("one").await.unwrap();
    manager.add_handler(Even).id("two").await.unwrap();
    manager.remove_handler(&one).await.unwrap();
    assert_eq!(values::<u16>(&snapshotter, "genevent.handlers.removed", Some("removed")), [1.0]);
    manager.sync_notify(1).await.unwrap();
    assert_eq!(values::<u16>(&snapshotter, "genevent.handlers.removed", Some("failed")), [1.0]);
    manager.add_handler(Even).id("three").await.unwrap();
    manager.stop().await.unwrap();
    assert_eq!(values::<u16>(&snapshotter, "genevent.handlers.removed", Some("stop")), [1.0]);
}

/// Takes its time.
struct Slow;

impl AsyncHandler<u8> for Slow {
    type Call = Never;

    async fn handle_event(&mut self, _event: &u8, _cx: &mut HandlerCx<u8>) -> Reaction<u8> {
        genserver::time::sleep(Duration::from_millis(300)).await;
        React::stay()
    }
}

#[tokio::test(start_paused = true)]
async fn the_delivery_of_one_event_in_64_is_timed_on_the_clock_of_the_runtime() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _installed = metrics::set_default_local_recorder(&recorder);
    let manager = Manager::<u8>::start().await.unwrap();
    manager.add_async_handler(Slow).await.unwrap();
    for _ in 0..128 {
        manager.notify(1).unwrap();
    }
    manager.sync_notify(1).no_timeout().await.unwrap();
    let took = values::<u8>(&snapshotter, "genevent.notify.duration", None);
    assert_eq!(took.len(), 3, "{took:?}");
    assert!(took.iter().all(|took| (took - 0.3).abs() < 0.01), "{took:?}");
}
