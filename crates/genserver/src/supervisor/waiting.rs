//! Calls to a child that wait while it is being restarted.

use std::fmt;
use std::future::poll_fn;
use std::task::{Poll, ready};

use super::child_ref::{ChildError, ChildRef, server};
use super::child_watch::ChildWatch;
use crate::{AsProcess, AsServer, FindError, GenServer, ProcessRef, ServerRef, WaitForServer};

/// A child whose restart is waited for: made by [`ChildRef::waiting`].
///
/// What it can do is on the page of [`AsServer`]. Each operation that is awaited waits while the child has not been started yet or
/// is being restarted; the timeout of a call covers that wait. It fails with [`CallError::NoProc`](crate::CallError::NoProc) when
/// the timeout has passed, and at once if the child is stopped or gone. A request that the child had taken when it ended fails with
/// [`CallError::Exit`](crate::CallError::Exit), because it may have been carried out.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// use genserver::supervisor::{ChildError, ChildSpec, Supervisor};
/// use genserver::{AsServer, CallError};
///
/// # genserver_doc::run! {
/// let spec = ChildSpec::server("counter", || genserver::start_link::<Counter>(0));
/// let counter = spec.reference();
/// let supervisor = Supervisor::one_for_one().child(spec).start().await?;
///
/// counter.current()?.kill();
/// assert!(matches!(counter.current(), Err(ChildError::Restarting { .. })));
/// assert!(matches!(counter.call(Call::Get).await, Err(CallError::NoProc { .. })));
/// assert_eq!(counter.waiting().call(Call::Get).await?, 0);
/// # supervisor.stop().await?;
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
    pub async fn current(&self) -> Result<H, ChildError> {
        server_in(&self.child.watch).await.map(H::from)
    }
}

/// It waits while the child has not been started yet or is being restarted, for no longer than the operation's timeout.
impl<S: GenServer, H: From<ServerRef<S>>> AsServer for WaitingChildRef<S, H> {
    type Server = S;

    fn as_server(&self) -> Result<ServerRef<S>, FindError> {
        self.child.as_server()
    }

    fn wait_for_server(&self) -> Option<WaitForServer<'_, S>> {
        Some(Box::pin(async { Ok(server_in(&self.child.watch).await?) }))
    }
}

impl<S: GenServer, H> AsProcess for WaitingChildRef<S, H> {
    fn as_process(&self) -> Option<ProcessRef> {
        self.child.as_process()
    }
}

/// The child's server, as soon as it runs.
async fn server_in<S: GenServer>(watch: &ChildWatch) -> Result<ServerRef<S>, ChildError> {
    let mut waiter = Waiter { watch, number: None };
    let found = poll_fn(|cx| {
        let found = ready!(waiter.watch.poll_running(cx, &mut waiter.number));
        ready!(crate::poll_alive(cx));
        Poll::Ready(found)
    });
    let process = found.await?;
    Ok(server(&process))
}

/// A call that waits for a child. Dropping it removes its waker.
struct Waiter<'a> {
    watch: &'a ChildWatch,
    number: Option<u64>,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.watch.remove_waker(number);
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
        write!(f, "WaitingChildRef({})", self.child.watch.id())
    }
}
