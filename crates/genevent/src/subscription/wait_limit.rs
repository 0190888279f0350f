//! How long a manager waits for the consumers of its streams, and when it reports them.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use futures::future::{Either, select};
use genserver::Caller;

/// The wait after which a handler or a consumer is reported.
pub(crate) const SLOW_AFTER: Duration = Duration::from_secs(1);

/// How long to wait for consumers.
#[derive(Clone, Copy)]
pub(crate) enum WaitLimit<'a> {
    Unlimited,
    Until(Instant),
    /// As long as the sender of the event waits. Checked once a second, so it may be a little longer.
    WhileSenderWaits(&'a Caller<()>),
}

impl WaitLimit<'_> {
    fn is_over(self, now: Instant) -> bool {
        match self {
            Self::Unlimited => false,
            Self::Until(deadline) => now >= deadline,
            Self::WhileSenderWaits(sender) => sender.is_gone(),
        }
    }

    /// Waits for a consumer, and calls `stuck` if that takes long. Returns false if the limit is over first.
    pub(super) async fn wait(self, consumer: impl Future<Output = ()>, stuck: impl FnOnce()) -> bool {
        let mut consumer = pin!(consumer);
        // Most consumers are ready at once and need no timer.
        if poll_fn(|task| Poll::Ready(consumer.as_mut().poll(task).is_ready())).await {
            return true;
        }
        let mut stuck = Some(stuck);
        let mut next = genserver::time::now() + SLOW_AFTER;
        loop {
            let until = if let Self::Until(deadline) = self { deadline.min(next) } else { next };
            match select(consumer.as_mut(), pin!(genserver::time::sleep_until(until))).await {
                Either::Left(_) => return true,
                Either::Right(_) if self.is_over(until) => return false,
                Either::Right(_) => {}
            }
            if let Some(stuck) = stuck.take() {
                stuck();
            }
            next = until + SLOW_AFTER;
        }
    }
}
