//! A request of `sys`: how it travels to the server, and how its answer comes back.

use std::fmt;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use super::SysError;
use crate::client::as_server::AsServer;
use crate::client::call::CALL_TIMEOUT;
use crate::node::any_process::Asked;
use crate::node::current;
use crate::node::cut::poll_alive;
use crate::node::find_error::FindError;
use crate::node::process_ref::{AsProcess, ProcessRef};
use crate::node::reply::{Slot, Unanswered, erased};
use crate::node::subject::Subject;
use crate::process::inspect::{self, SystemRequest};
use crate::process::inspected::{AnyInspected, Inspected};
use crate::process::vtable::Vtable;
use crate::values::reason::Panic;

/// A pending request of [`sys`](crate::sys), returned by its functions.
///
/// Nothing is sent before it is awaited. It waits five seconds on the clock of the server's runtime; see
/// [`timeout`](SysRequest::timeout).
///
/// # Cancel safety
///
/// Dropping it abandons the answer, but does not withdraw the request: once it was sent, the server handles it.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// # genserver_doc::run! {
/// use genserver::sys;
/// use std::time::Duration;
///
/// let counter = genserver::start::<Counter>(1).await?;
/// let request = sys::with_state(&counter, |counter| counter.0);
/// let request = request.timeout(Duration::from_secs(1));
/// counter.cast(Add(1))?;
/// // The request is sent here, after the cast.
/// assert_eq!(request.await?, 2);
/// # }
/// ```
#[must_use = "nothing is asked until the request is awaited"]
pub struct SysRequest<R> {
    name: &'static str,
    stage: SysRequestStage<R>,
    timeout: Option<Duration>,
}

enum SysRequestStage<R> {
    Unsent(Result<ProcessRef, SysError>, Post<R>),
    Sent { process: ProcessRef, slot: Arc<Slot<Answer<R>>>, deadline: Option<Instant> },
    Done,
}

/// Puts a request into the mailbox, or handles it on this thread.
type Post<R> = Box<dyn FnOnce(&ProcessRef, Arc<Slot<Answer<R>>>, bool) -> Asked + Send>;

pub(super) type Answer<R> = Result<R, Trouble>;

/// The server's error.
pub(super) enum Trouble {
    Panicked(Panic),
    NoStatistics,
    File(PathBuf, io::Error),
}

/// Runs the request in the server, and answers.
fn answer<R: Send>(slot: &Slot<Answer<R>>, order: impl FnOnce() -> Answer<R>) {
    // The user's function runs behind a barrier: it is not a callback, and its panic is the requester's error.
    let done = Panic::catch(order).unwrap_or_else(|panic| Err(Trouble::Panicked(panic)));
    // An answer that is no longer wanted is dropped here, and dropping it may run user code too.
    let _ = Panic::catch(|| slot.fill(Ok(done)));
}

impl<R: Send + 'static> SysRequest<R> {
    /// A request about the state of a server, which needs its type.
    pub(super) fn typed<T: AsServer>(
        name: &'static str,
        server: &T,
        order: impl FnOnce(&mut Inspected<'_, T::Server>) -> Answer<R> + Send + 'static,
    ) -> Self {
        let found = server.as_server();
        let process = found.as_ref().ok().map(|server| Arc::clone(server.process()));
        let post = move |_: &ProcessRef, slot: Arc<Slot<Answer<R>>>, inline| {
            let Some(process) = process else { return Asked::Dead };
            let waiting = erased(&slot);
            let serve = move |inspected: &mut Inspected<'_, T::Server>| answer(&slot, || order(inspected));
            Vtable::ask_typed(&process, SystemRequest::new(serve), waiting, inline)
        };
        Self::new(name, found.map(|server| server.process_ref()), Box::new(post))
    }

    /// A request that every server can handle.
    pub(super) fn untyped<T: AsProcess>(
        name: &'static str,
        process: &T,
        order: impl FnOnce(&mut dyn AnyInspected) -> Answer<R> + Send + 'static,
    ) -> Self {
        let post = |process: &ProcessRef, slot: Arc<Slot<Answer<R>>>, inline| {
            let waiting = erased(&slot);
            let serve = move |inspected: &mut dyn AnyInspected| answer(&slot, || order(inspected));
            Arc::clone(process.process()).ask(inspect::untyped(serve), waiting, inline)
        };
        Self::new(name, process.find_process(), Box::new(post))
    }

    fn new(name: &'static str, found: Result<ProcessRef, FindError>, post: Post<R>) -> Self {
        let found = found.map_err(|error| SysError::nobody(error, name));
        Self { name, stage: SysRequestStage::Unsent(found, post), timeout: Some(CALL_TIMEOUT) }
    }

    /// Sets the timeout (default: five seconds).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Waits for as long as the server lives.
    #[doc(alias = "infinity")]
    pub fn no_timeout(mut self) -> Self {
        self.timeout = None;
        self
    }

    fn send(&self, process: ProcessRef, post: Post<R>) -> Result<SysRequestStage<R>, SysError> {
        let head = process.process().head();
        if current::pid() == Some(head.pid) {
            return Err(SysError::CallingSelf { server: head.subject(), request: self.name });
        }
        let runtime = head.home.runtime();
        let deadline = self.timeout.and_then(|timeout| runtime.now().checked_add(timeout));
        let slot = Arc::new(Slot::new(head.pid));
        let server = || head.subject();
        match post(&process, Arc::clone(&slot), runtime.may_run_here()) {
            Asked::Taken => Ok(SysRequestStage::Sent { process, slot, deadline }),
            Asked::Dead => Err(SysError::NoProc { server: server(), request: self.name }),
            Asked::NoServer => Err(SysError::NoServer { server: server(), request: self.name }),
        }
    }

    fn trouble(&self, server: Subject, trouble: Trouble) -> SysError {
        match trouble {
            Trouble::Panicked(panic) => SysError::CallbackFailed { server, request: self.name, panic },
            Trouble::NoStatistics => SysError::NoStatistics { server },
            Trouble::File(path, error) => SysError::File { server, path, error: Arc::new(error) },
        }
    }

    fn unanswered(&self, server: Subject, why: Unanswered) -> SysError {
        let request = self.name;
        match why {
            Unanswered::Timeout => SysError::Timeout { server, request, after: self.timeout.unwrap_or_default() },
            Unanswered::Exit(reason) => SysError::Exit { server, request, reason },
            // Only calls are checked for cycles.
            Unanswered::NoReply | Unanswered::Cycle(_) => SysError::NoProc { server, request },
        }
    }
}

// Nothing in a request is pinned: its work runs in the server.
impl<R> Unpin for SysRequest<R> {}

impl<R: Send + 'static> Future for SysRequest<R> {
    type Output = Result<R, SysError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let SysRequestStage::Unsent(..) = this.stage {
            ready!(poll_alive(cx));
            let SysRequestStage::Unsent(process, post) = std::mem::replace(&mut this.stage, SysRequestStage::Done)
            else {
                return Poll::Pending;
            };
            this.stage = this.send(process?, post)?;
        }
        let SysRequestStage::Sent { process, slot, deadline } = &this.stage else { return Poll::Pending };
        let polled = slot.poll(cx, *deadline);
        if let (Poll::Pending, Some(deadline)) = (&polled, deadline) {
            Arc::clone(process.process()).watch_deadline(*deadline);
        }
        let answer = ready!(polled);
        let subject = || process.process().head().subject();
        Poll::Ready(match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(trouble)) => Err(this.trouble(subject(), trouble)),
            Err(why) => Err(this.unanswered(subject(), why)),
        })
    }
}

impl<R> Drop for SysRequest<R> {
    fn drop(&mut self) {
        if let SysRequestStage::Sent { slot, .. } = &self.stage {
            slot.close();
        }
    }
}

impl<R> fmt::Debug for SysRequest<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SysRequest").field("name", &self.name).finish_non_exhaustive()
    }
}
