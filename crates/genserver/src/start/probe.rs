//! Processes held by plain code: a pid and a mailbox for tests, `main`, and other code that is not a server.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::future::MaybeDone;

use crate::node::any_process::AnyProcess;
use crate::node::current;
use crate::node::cut::poll_alive;
use crate::node::process_ref::{AsProcess, ProcessRef};
use crate::process::plain::Plain;
use crate::values::pid::Pid;

// The probe itself: creation, name, mailbox.
mod own;
// Its monitors and links, and the servers it starts.
mod ties;
// Waiting with a time limit, ...
mod expect;
// ... and that limit.
mod limit;
// The reference that others hold, ...
mod sender;
// ... and the same as an untyped recipient.
mod recipient;

pub use crate::process::plain::letters::Letter;
pub use sender::ProbeRef;

/// How long [`Probe::expect`] waits by default.
///
/// It is real time unless the clock is paused, and a busy machine may need more. The environment variable
/// `GENSERVER_EXPECT_WITHIN_MS` sets another limit, in milliseconds, for a whole test run, like ExUnit's
/// `assert_receive_timeout`. It is read once, by the first `expect` of the program. A package sets it for all of its tests
/// in `.cargo/config.toml`:
///
/// ```toml
/// [env]
/// GENSERVER_EXPECT_WITHIN_MS = "30000"
/// ```
pub const EXPECT_WITHIN: Duration = Duration::from_millis(500);

/// A process held by plain code: it can receive messages, monitor, link, and start servers linked to it.
///
/// It gives `main` and tests what the shell gives an Erlang programmer. Its mailbox holds [`Letter`]s: messages of type `M`,
/// `Down`s and trapped exits, in the order they arrived. Dropping it ends the process with the reason `normal`.
///
/// # Examples
///
/// ```
/// # use genserver_doc::quiet::*;
/// # genserver_doc::run! {
/// use genserver::{Letter, Probe, Reason};
///
/// let mut probe = Probe::<()>::new();
/// let server = genserver::start::<Quiet>(()).await?;
/// let reference = probe.monitor(&server);
/// server.stop().await?;
///
/// let letters = probe.flush();
/// let [Letter::Down(down)] = &letters[..] else { unreachable!() };
/// assert_eq!((down.reference, &down.reason), (reference, &Reason::Normal));
/// # }
/// ```
pub struct Probe<M: Send + 'static> {
    pub(crate) process: Arc<Plain<M>>,
}

impl<M: Send + 'static> Probe<M> {
    fn erased(&self) -> Arc<dyn AnyProcess> {
        Arc::clone(&self.process) as Arc<dyn AnyProcess>
    }
}

impl<M: Send + 'static> Default for Probe<M> {
    fn default() -> Self {
        Self::new()
    }
}

// Ends the process with the reason `normal`.
impl<M: Send + 'static> Drop for Probe<M> {
    fn drop(&mut self) {
        self.process.let_go();
    }
}

impl<M: Send + 'static> fmt::Debug for Probe<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Probe({})", self.process.head.title())
    }
}

impl<M: Send + 'static> AsProcess for Probe<M> {
    fn as_process(&self) -> Option<ProcessRef> {
        Some(self.process_ref())
    }
}

/// A future that runs as a process.
pub(crate) struct Scope<F: Future> {
    pub(crate) pid: Pid,
    pub(crate) future: Pin<Box<MaybeDone<F>>>,
}

impl<F: Future> Future for Scope<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // This await may belong to an enclosing process, which is a different one.
        ready!(poll_alive(cx));
        let polled = {
            let _entered = current::enter(self.pid);
            self.future.as_mut().poll(cx)
        };
        ready!(polled);
        ready!(poll_alive(cx));
        self.future.as_mut().take_output().map_or(Poll::Pending, Poll::Ready)
    }
}
