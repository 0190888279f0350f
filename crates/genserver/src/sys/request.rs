//! A request to a server that the library answers for it: how it travels, and how its answer comes back.

use std::fmt;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use super::SysError;
use crate::call::{CALL_TIMEOUT, CallError};
use crate::current;
use crate::process::mail::Body;
use crate::process::work::Actor;
use crate::process::{Process, Subject};
use crate::reason::{Panic, Reason};
use crate::reply::{Slot, Unanswered, erased};
use crate::server::GenServer;
use crate::server_ref::ServerRef;

/// A request to a server that is under way: what the functions of [`sys`](crate::sys) return.
///
/// Nothing is sent before it is awaited. It waits five seconds, see [`timeout`](Request::timeout).
///
/// # Cancel safety
///
/// Dropping it gives the answer up, never the request: once it was sent, the server does it.
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/counter.rs"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use genserver::sys;
/// use std::time::Duration;
///
/// let counter = genserver::start::<Counter>(1).await?;
/// let request = sys::with_state(&counter, |counter| counter.0).timeout(Duration::from_secs(1));
/// counter.cast(Add(1))?;
/// // The request is sent here, behind the cast.
/// assert_eq!(request.await?, 2);
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is asked until the request is awaited"]
pub struct Request<S: GenServer, R> {
    name: &'static str,
    /// Taken when the request is sent.
    stage: Stage<S, R>,
    timeout: Option<Duration>,
}

enum Stage<S: GenServer, R> {
    Unsent(Result<ServerRef<S>, SysError>, Order<S, R>),
    Sent { server: ServerRef<S>, slot: Arc<Slot<Answer<R>>>, deadline: Option<Instant> },
    Done,
}

/// What is done where the server runs, between two callbacks.
type Order<S, R> = Box<dyn FnOnce(&mut Bench<'_, S>) -> Answer<R> + Send>;

pub(super) type Answer<R> = Result<R, Trouble>;

/// Why the server's side has no answer.
pub(super) enum Trouble {
    Panicked(Panic),
    NoStatistics,
    File(PathBuf, io::Error),
}

/// The server between two callbacks, as a request finds it.
pub(crate) struct Bench<'a, S: GenServer> {
    pub(crate) process: &'a Arc<Process<S>>,
    pub(crate) body: &'a mut Body<S>,
    /// Set by a request that ends the server.
    pub(crate) stop: Option<Reason>,
}

impl<S: GenServer> Bench<'_, S> {
    pub(crate) fn actor(&mut self) -> &mut Actor<S> {
        self.body.actor.as_mut().expect("between two callbacks the actor is here")
    }

    pub(crate) fn server(&mut self) -> &mut S {
        self.actor().server.as_mut().expect("requests wait until init has made the server")
    }
}

/// A request as it lies in the mailbox.
pub(crate) struct SystemRequest<S: GenServer>(Box<Serve<S>>);

type Serve<S> = dyn FnOnce(&mut Bench<'_, S>) + Send;

impl<S: GenServer> SystemRequest<S> {
    /// Does it. The reason, if it ends the server.
    pub(crate) fn serve(self, process: &Arc<Process<S>>, body: &mut Body<S>) -> Option<Reason> {
        let mut bench = Bench { process, body, stop: None };
        (self.0)(&mut bench);
        bench.stop
    }
}

impl<S: GenServer, R: Send + 'static> Request<S, R> {
    pub(super) fn new(
        name: &'static str,
        server: Result<ServerRef<S>, CallError>,
        order: impl FnOnce(&mut Bench<'_, S>) -> Answer<R> + Send + 'static,
    ) -> Self {
        let server = server.map_err(|error| SysError::nobody(error, name));
        Self { name, stage: Stage::Unsent(server, Box::new(order)), timeout: Some(CALL_TIMEOUT) }
    }

    /// Waits for so long instead of five seconds.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/counter.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::sys;
    /// use std::time::Duration;
    ///
    /// let counter = genserver::start::<Counter>(1).await?;
    /// let status = sys::get_status(&counter).timeout(Duration::from_millis(100)).await?;
    /// assert_eq!(status.pid, counter.pid());
    /// # Ok(())
    /// # }
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Waits for as long as the server lives.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/counter.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::sys;
    ///
    /// let counter = genserver::start::<Counter>(1).await?;
    /// assert!(!sys::get_status(&counter).no_timeout().await?.suspended);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "infinity")]
    pub fn no_timeout(mut self) -> Self {
        self.timeout = None;
        self
    }

    fn send(&self, server: ServerRef<S>, order: Order<S, R>) -> Result<Stage<S, R>, SysError> {
        let process = server.process();
        let subject = || process.head.subject();
        if current::pid() == Some(process.head.pid) {
            return Err(SysError::CallingSelf { server: subject(), request: self.name });
        }
        let runtime = process.head.home.runtime();
        let deadline = self.timeout.and_then(|timeout| runtime.now().checked_add(timeout));
        let slot = Arc::new(Slot::new(process.head.pid));
        let answer = Arc::clone(&slot);
        let request = SystemRequest(Box::new(move |bench: &mut Bench<'_, S>| {
            // What the user sent runs behind a barrier: it is no callback, and its panic is its requester's affair.
            let done = catch_unwind(AssertUnwindSafe(|| order(bench)));
            let done = done.unwrap_or_else(|payload| Err(Trouble::Panicked(Panic::new(&*payload))));
            // An answer that nobody waits for any more is dropped here, and its drop is the user's code too.
            let _ = catch_unwind(AssertUnwindSafe(|| answer.fill(Ok(done))));
        }));
        if !process.ask(request, erased(&slot), runtime.is_current()) {
            return Err(SysError::NoProc { server: subject(), request: self.name });
        }
        Ok(Stage::Sent { server, slot, deadline })
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
            Unanswered::NoReply => SysError::NoProc { server, request },
        }
    }
}

/// Nothing in a request is pinned: what it does, it does where the server runs.
impl<S: GenServer, R> Unpin for Request<S, R> {}

impl<S: GenServer, R: Send + 'static> Future for Request<S, R> {
    type Output = Result<R, SysError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Stage::Unsent(..) = this.stage {
            let Stage::Unsent(server, order) = std::mem::replace(&mut this.stage, Stage::Done) else {
                return Poll::Pending;
            };
            this.stage = this.send(server?, order)?;
        }
        let Stage::Sent { server, slot, deadline } = &this.stage else { return Poll::Pending };
        let polled = slot.poll(cx, *deadline);
        if let (Poll::Pending, Some(deadline)) = (&polled, deadline) {
            server.process().watch_deadline(*deadline);
        }
        let answer = ready!(polled);
        let subject = || server.process().head.subject();
        Poll::Ready(match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(trouble)) => Err(this.trouble(subject(), trouble)),
            Err(why) => Err(this.unanswered(subject(), why)),
        })
    }
}

impl<S: GenServer, R> Drop for Request<S, R> {
    fn drop(&mut self) {
        if let Stage::Sent { slot, .. } = &self.stage {
            slot.close();
        }
    }
}

impl<S: GenServer, R> fmt::Debug for Request<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("name", &self.name).finish_non_exhaustive()
    }
}
