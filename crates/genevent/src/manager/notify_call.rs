//! An event that is being sent.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use genserver::{AsServer, Call, CallError, Lookup};

use crate::values::{NotifyAnswer, NotifyError};

/// An event that is being sent to a manager that `T` refers to: a [`Call`], to be awaited. Its error is a [`NotifyError`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use genevent::Manager;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = Manager::start().await?;
/// let notified = manager.sync_notify("hello").timeout(Duration::from_secs(60));
/// // Nothing is sent before this:
/// notified.await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is sent until this is awaited"]
pub struct NotifyCall<'a, T: AsServer, F>(Call<Lookup<'a, T>, NotifyAnswer, F>);

impl<'a, T: AsServer, F> NotifyCall<'a, T, F> {
    pub(super) fn new(call: Call<Lookup<'a, T>, NotifyAnswer, F>) -> Self {
        Self(call)
    }

    /// Sets the timeout: see [`Call::timeout`].
    pub fn timeout(self, timeout: Duration) -> Self {
        Self(self.0.timeout(timeout))
    }

    /// Waits as long as it takes: see [`Call::no_timeout`].
    pub fn no_timeout(self) -> Self {
        Self(self.0.no_timeout())
    }

    /// Waits even if that closes a cycle of processes that wait for one another: see [`Call::allow_cycle`].
    pub fn allow_cycle(self) -> Self {
        Self(self.0.allow_cycle())
    }
}

impl<'a, T: AsServer, F> Future for NotifyCall<'a, T, F>
where
    Call<Lookup<'a, T>, NotifyAnswer, F>: Future<Output = Result<NotifyAnswer, CallError>> + Unpin,
{
    type Output = Result<(), NotifyError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(Pin::new(&mut self.get_mut().0).poll(task)) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(refused)) => Err(*refused),
            Err(error) => Err(error.into()),
        })
    }
}

// Nothing in it is pinned, as in a call.
impl<T: AsServer, F> Unpin for NotifyCall<'_, T, F> {}

impl<T: AsServer + fmt::Debug, F> fmt::Debug for NotifyCall<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NotifyCall").field(&self.0).finish()
    }
}
