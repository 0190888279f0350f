//! Helpers for the tests of streams.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::time::Duration;

use genevent::{Event, EventStream, Manager};

/// The milliseconds of a test.
pub(crate) fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A manager of numbers.
pub(crate) async fn manager() -> Manager<u32> {
    Manager::start().await.unwrap()
}

/// A stream that has begun.
pub(crate) async fn stream<E: Event + Clone>(manager: &Manager<E>) -> EventStream<E> {
    let mut stream = manager.stream();
    stream.subscribe().await.unwrap();
    stream
}
