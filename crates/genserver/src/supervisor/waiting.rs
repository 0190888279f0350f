//! Calls to a child that wait while it is being restarted.

use std::fmt;
use std::future::poll_fn;
use std::task::{Poll, ready};
use std::time::Duration;

use super::child_ref::{CALL_TIMEOUT, ChildCallError, ChildError, ChildRef, server};
use super::place::Place;
use crate::{CallError, Caller, GenServer, ServerRef, time};

/// A child whose restart is waited for: made by [`ChildRef::waiting`].
///
/// What is done through it waits while the child has not been started yet or is being restarted; a child that is stopped or gone
/// fails it at once. Only what was not carried out is waited with: a request that the child had taken when it ended fails with
/// [`CallError::Exit`], because it may have been carried out.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// use genserver::supervisor::{ChildCallError, ChildError, ChildSpec, Supervisor};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let spec = ChildSpec::server("counter", || genserver::start_link::<Counter>(0));
/// let counter = spec.reference();
/// let supervisor = Supervisor::one_for_one().child(spec).start().await?;
///
/// counter.current()?.kill();
/// let refused = counter.call(Call::Get).await.unwrap_err();
/// assert!(matches!(refused, ChildCallError::Child(ChildError::Restarting { .. })));
/// assert_eq!(counter.waiting().call(Call::Get).await?, 0);
/// # supervisor.stop().await?;
/// # Ok(())
/// # }
/// ```
pub struct WaitingChildRef<S: GenServer, H = ServerRef<S>> {
    child: ChildRef<S, H>,
}

impl<S: GenServer, H: From<ServerRef<S>>> WaitingChildRef<S, H> {
    pub(super) fn new(child: ChildRef<S, H>) -> Self {
        Self { child }
    }

    /// The child, as soon as it runs. It waits for as long as that takes.
    ///
    /// # Errors
    ///
    /// [`ChildError::Stopped`] or [`ChildError::Gone`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it forgets it; nothing else happens.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let spec = ChildSpec::server("counter", || genserver::start_link::<Counter>(7));
    /// let counter = spec.reference();
    /// let supervisor = Supervisor::one_for_one().child(spec).start().await?;
    /// counter.current()?.kill();
    /// let again = counter.waiting().current().await?;
    /// assert!(again.is_alive());
    /// # supervisor.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn current(&self) -> Result<H, ChildError> {
        self.server().await.map(H::from)
    }

    async fn server(&self) -> Result<ServerRef<S>, ChildError> {
        let mut turn = Turn { place: &self.child.place, number: None };
        let found = poll_fn(|cx| {
            let found = ready!(turn.place.poll_running(cx, &mut turn.number));
            ready!(crate::poll_alive(cx));
            Poll::Ready(found)
        });
        let process = found.await?;
        Ok(server(&process))
    }

    /// Asks the child as soon as it runs.
    ///
    /// `make` is called once more if the child ended before it took the request.
    ///
    /// # Errors
    ///
    /// [`ChildCallError::Timeout`] if the child was not there within five seconds, [`ChildCallError::Child`] if it is stopped or
    /// gone; otherwise as [`ServerRef::call`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it gives up the answer; a request that was sent is carried out.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let spec = ChildSpec::server("counter", || genserver::start_link::<Counter>(7));
    /// let counter = spec.reference();
    /// let supervisor = Supervisor::one_for_one().child(spec).start().await?;
    /// counter.current()?.kill();
    /// assert_eq!(counter.waiting().call(Call::Get).await?, 7);
    /// # supervisor.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn call<R: Send + 'static>(&self, make: impl FnMut(Caller<R>) -> S::Call) -> Result<R, ChildCallError> {
        self.call_timeout(make, CALL_TIMEOUT).await
    }

    /// The same, waiting for `timeout` instead of five seconds: for the child and its answer together.
    ///
    /// # Errors
    ///
    /// As [`call`](WaitingChildRef::call).
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use std::time::Duration;
    /// use genserver::supervisor::{ChildCallError, ChildSpec};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let spec = ChildSpec::server("counter", || genserver::start_link::<Counter>(7));
    /// let counter = spec.reference();
    /// // Nobody has started it, and nobody will.
    /// let waiting = counter.waiting();
    /// let late = waiting.call_timeout(Call::Get, Duration::from_millis(10)).await.unwrap_err();
    /// assert!(matches!(late, ChildCallError::Timeout { .. }));
    /// # drop(spec);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn call_timeout<R: Send + 'static>(
        &self,
        mut make: impl FnMut(Caller<R>) -> S::Call,
        timeout: Duration,
    ) -> Result<R, ChildCallError> {
        let begun = time::now();
        loop {
            let left = timeout.saturating_sub(time::now().saturating_duration_since(begun));
            let found = time::timeout(left, self.server()).await;
            let server = found.map_err(|_elapsed| self.was_not_there(timeout))??;
            let left = timeout.saturating_sub(time::now().saturating_duration_since(begun));
            match server.call(&mut make).timeout(left).await {
                // It ended after it was looked up, and never saw the request.
                Err(CallError::NoProc { .. }) => {}
                answered => return Ok(answered?),
            }
        }
    }

    fn was_not_there(&self, after: Duration) -> ChildCallError {
        ChildCallError::Timeout { id: self.child.id().to_owned(), after }
    }
}

/// A turn in the line of those who wait for a child; dropping it leaves the line.
struct Turn<'a> {
    place: &'a Place,
    number: Option<u64>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.place.leave(number);
        }
    }
}

impl<S: GenServer, H> Clone for WaitingChildRef<S, H> {
    fn clone(&self) -> Self {
        Self { child: self.child.clone() }
    }
}

impl<S: GenServer, H> fmt::Debug for WaitingChildRef<S, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WaitingChildRef({})", self.child.place.id())
    }
}
