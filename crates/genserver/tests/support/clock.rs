//! A clock that a test moves while a callback runs, so that the callback takes as long as the test says.
#![allow(dead_code, reason = "each test file uses another part of this one")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use genserver::Node;
use genserver::runtime::{BlockingWork, Runtime, Sleep, TaskFuture, Tokio};
use tokio::runtime::Handle;

/// A Tokio runtime whose clock is ahead by what was spent.
pub(crate) struct Clock {
    tokio: Tokio,
    spent: AtomicU64,
    looks: AtomicU64,
}

impl Clock {
    /// The clock of the current runtime, and a node on it.
    pub(crate) fn new() -> (Arc<Self>, Node) {
        let tokio = Tokio::new(Handle::current());
        let clock = Arc::new(Self { tokio, spent: AtomicU64::new(0), looks: AtomicU64::new(0) });
        let node = Node::with_runtime(Arc::clone(&clock) as Arc<dyn Runtime>);
        node.long_schedule(Duration::from_millis(100));
        (clock, node)
    }

    /// Lets this much time pass at once.
    pub(crate) fn spend(&self, time: Duration) {
        self.spent.fetch_add(u64::try_from(time.as_nanos()).expect("a test is short"), SeqCst);
    }

    /// How often it was read.
    pub(crate) fn looks(&self) -> u64 {
        self.looks.load(SeqCst)
    }

    fn ahead(&self) -> Duration {
        Duration::from_nanos(self.spent.load(SeqCst))
    }
}

impl Runtime for Clock {
    fn spawn(&self, task: TaskFuture) {
        self.tokio.spawn(task);
    }

    fn spawn_blocking(&self, work: BlockingWork) {
        self.tokio.spawn_blocking(work);
    }

    // Time that is spent during a sleep does not end the sleep earlier.
    fn sleep_until(&self, at: Instant) -> Sleep {
        self.tokio.sleep_until(at.checked_sub(self.ahead()).unwrap_or(at))
    }

    fn now(&self) -> Instant {
        self.looks.fetch_add(1, SeqCst);
        self.tokio.now() + self.ahead()
    }

    fn entropy(&self) -> u64 {
        self.tokio.entropy()
    }

    fn is_current(&self) -> bool {
        self.tokio.is_current()
    }

    fn poll_budget(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.tokio.poll_budget(cx)
    }

    fn id(&self) -> u64 {
        self.tokio.id()
    }
}
