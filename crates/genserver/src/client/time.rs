//! The current process's clock: sleeps and timeouts that a simulation can control.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! use std::time::Duration;
//! use genserver::time;
//!
//! let before = time::now();
//! time::sleep(Duration::from_secs(60)).await;
//! assert!(time::now() - before >= Duration::from_secs(60));
//!
//! let never = std::future::pending::<()>();
//! let elapsed = time::timeout(Duration::from_secs(1), never).await.unwrap_err();
//! assert_eq!(elapsed.to_string(), "not done within 1s");
//! # }
//! ```
//!
//! Inside a process this is the clock of the runtime it was started on; in plain code, of the runtime that the thread is in. A
//! library that takes its time from here runs on every runtime that its user chooses, and under simulated time. A *server*
//! should rarely sleep, because its callers would wait: use [`Cx::send_after`](crate::Cx::send_after).

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant, SystemTime};

use futures::future::{MaybeDone, maybe_done};

use crate::node::alarm;
use crate::node::cut::poll_alive;
use crate::node::{self, Home};
pub use crate::runtime::Sleep;

/// Returns the current time, on a clock that never goes back.
///
/// # Panics
///
/// In plain code outside every runtime, where there is no clock.
pub fn now() -> Instant {
    home().runtime().now()
}

/// Returns the current date and time, for what another program or a later run has to understand. It may jump, forwards and
/// backwards, when the clock of the machine is set; [`now`] never goes back.
///
/// In a simulation it begins with the year 2000 and goes on with the virtual clock. On Tokio it goes on with a paused clock.
///
/// # Panics
///
/// In plain code outside every runtime, where there is no clock.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use genserver::time;
///
/// let before = time::system_now();
/// time::sleep(Duration::from_secs(60)).await;
/// assert!(time::system_now().duration_since(before)? >= Duration::from_secs(60));
/// # Ok(())
/// # }
/// ```
pub fn system_now() -> SystemTime {
    home().runtime().system_time()
}

/// Waits until `duration` has passed: never less, possibly more.
///
/// # Panics
///
/// In plain code outside every runtime.
///
/// # Cancel safety
///
/// Dropping it has no other effect.
pub fn sleep(duration: Duration) -> Sleep {
    let home = home();
    sleep_in(&home, alarm::after(&home, duration))
}

/// Waits until `at`: never earlier, possibly later.
///
/// # Panics
///
/// In plain code outside every runtime.
///
/// # Cancel safety
///
/// Dropping it has no other effect.
pub fn sleep_until(at: Instant) -> Sleep {
    sleep_in(&home(), at)
}

/// A sleep as an await of this crate. The runtime's own sleep does not know whether its process has to end.
pub(crate) fn sleep_in(home: &Arc<Home>, at: Instant) -> Sleep {
    let mut sleep = home.runtime().sleep_until(at);
    Box::pin(poll_fn(move |cx| {
        ready!(poll_alive(cx));
        sleep.as_mut().poll(cx)
    }))
}

/// Waits for `future` for at most `duration`: returns its output, or [`Elapsed`].
///
/// The clock starts at the first poll. A future that is ready at once needs no timer.
///
/// # Errors
///
/// [`Elapsed`]; the future is dropped with the `Timeout`.
///
/// # Panics
///
/// When polled in plain code outside every runtime.
///
/// # Cancel safety
///
/// Dropping it drops the future.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// use genserver::time;
/// use std::time::Duration;
///
/// assert_eq!(time::timeout(Duration::from_secs(1), async { 42 }).await, Ok(42));
/// assert!(time::timeout(Duration::from_secs(1), std::future::pending::<()>()).await.is_err());
/// # }
/// ```
pub fn timeout<F: Future>(duration: Duration, future: F) -> Timeout<F> {
    Timeout { future: maybe_done(future), duration, sleep: None }
}

pin_project_lite::pin_project! {
    /// A future with a time limit; made by [`timeout`].
    #[must_use = "nothing happens until this is awaited"]
    pub struct Timeout<F: Future> {
        // It keeps the output while its process has to end.
        #[pin]
        future: MaybeDone<F>,
        duration: Duration,
        sleep: Option<Sleep>,
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(poll_alive(cx));
        let mut this = self.project();
        if this.future.as_mut().poll(cx).is_pending() {
            let sleep = this.sleep.get_or_insert_with(|| sleep(*this.duration));
            ready!(sleep.as_mut().poll(cx));
            return Poll::Ready(Err(Elapsed { after: *this.duration }));
        }
        ready!(poll_alive(cx));
        this.future.take_output().map_or(Poll::Pending, |output| Poll::Ready(Ok(output)))
    }
}

impl<F: Future> fmt::Debug for Timeout<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout").field("duration", &self.duration).finish_non_exhaustive()
    }
}

/// The error of a [`timeout`] that has passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not done within {after:?}")]
pub struct Elapsed {
    /// The time limit.
    pub after: Duration,
}

/// The home whose clock is used.
fn home() -> Arc<Home> {
    node::current_home().expect("there is a clock only inside a process or a runtime, as an async main has one")
}
