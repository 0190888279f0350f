//! The core suite on Tokio.
#![cfg(feature = "tokio")]

use std::future::Future;
use std::time::Duration;

use core_suite::{Task, World, core_suite};

#[path = "core_suite/suite.rs"]
mod core_suite;

struct Tokio(tokio::runtime::Runtime);

impl World for Tokio {
    fn new() -> Self {
        Self(
            tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_time()
                .build()
                .expect("two threads can be had"),
        )
    }

    fn run<T: Send>(&self, future: impl Future<Output = T> + Send) -> T {
        self.0.block_on(future)
    }

    fn spawn(&self, task: Task) {
        drop(self.0.spawn(task));
    }

    #[expect(clippy::disallowed_methods, reason = "the suite brings its own world")]
    fn sleep(duration: Duration) -> Task {
        Box::pin(tokio::time::sleep(duration))
    }
}

core_suite!(Tokio);
