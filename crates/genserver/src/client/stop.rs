//! Stopping a process from outside, and waiting for its end.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use crate::client::target::Target;
use crate::client::time;
use crate::node::Node;
use crate::node::alarm;
use crate::node::any_process::ExitKind;
use crate::node::any_process::{AnyProcess, StoppedHere};
use crate::node::current;
use crate::node::cut;
use crate::node::cut::poll_alive;
use crate::node::order::Order;
use crate::node::process_ref::ProcessRef;
use crate::node::reply::{Slot, Unanswered};
use crate::node::subject::Subject;
use crate::runtime::Sleep;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::values::exit::Exit;
use crate::values::pid::Pid;
use crate::values::reason::Reason;
use futures::future::Either;
use std::future::poll_fn;

/// The error of a stop.
///
/// # Examples
///
/// ```
/// # use genserver_doc::quiet::*;
/// # genserver_doc::run! {
/// use genserver::{Reason, StopError};
///
/// let server = genserver::start::<Quiet>(()).await?;
/// server.kill();
/// match server.stop().await {
///     Err(StopError::NoProc { server }) => println!("{server} is not there any more"),
///     Err(StopError::Exit { reason, .. }) => assert_eq!(reason, Reason::Killed),
///     other => panic!("{other:?}"),
/// }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StopError {
    /// The process had ended before, or never existed.
    #[error("{server} is not running, so it was not stopped; if that is what you wanted, ignore this error")]
    NoProc {
        /// The process that was to stop.
        server: Subject,
    },
    /// A process cannot wait for its own end.
    #[error("{server} called stop on itself; return `Next::stop(reason)` from the callback instead")]
    CallingSelf {
        /// The process that was to stop.
        server: Subject,
    },
    /// It did not end in time. The order stands, so it will stop later.
    #[error(
        "{server} did not stop within {after:?}; the order stands and it will stop when it handles the order, or use `kill`"
    )]
    Timeout {
        /// The process that was to stop.
        server: Subject,
        /// The time limit.
        after: Duration,
    },
    /// It ended, but not because of this order: with another reason, or before it handled the order. The reason may be the
    /// requested one, if another order had stopped it with the same reason. OTP's `stop` exits with it.
    #[error("{server} did not end because of this stop, but with the reason {reason}")]
    Exit {
        /// The process that was to stop.
        server: Subject,
        /// The reason it ended with.
        reason: Reason,
    },
}

/// A stop in progress, made by [`ServerRef::stop`](crate::ServerRef::stop) or [`AsServer::stop`](crate::AsServer::stop).
///
/// `T` is what is stopped: a process, or the [`Lookup`](crate::Lookup) of one.
///
/// # Cancel safety
///
/// Dropping it stops waiting, but does not withdraw the order: once it was polled, the process stops.
#[must_use = "nothing is stopped until this is awaited"]
pub struct Stop<T = ProcessRef> {
    target: T,
    timeout: Option<Duration>,
    stopping: Stopping,
}

/// All of a stop but the process.
struct Stopping {
    reason: Reason,
    /// How long to wait for the end, once the process is found.
    timeout: Option<Duration>,
    slot: Option<Arc<Slot<Reason>>>,
    /// Whether the process stopped because of this order, if it did not do so at once.
    carried_out: Option<Arc<AtomicBool>>,
    deadline: Option<Instant>,
}

impl<T> Stop<T> {
    pub(crate) fn new(target: T) -> Self {
        let stopping =
            Stopping { reason: Reason::Normal, timeout: None, slot: None, carried_out: None, deadline: None };
        Self { target, timeout: None, stopping }
    }

    /// Stops with this reason instead of `normal`.
    pub fn reason(mut self, reason: impl Into<Reason>) -> Self {
        self.stopping.reason = reason.into();
        self
    }

    /// Sets the timeout (default: none). The order is not withdrawn when the time is over.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

impl Stopping {
    /// Sends the order. Returns the reason if the process has already ended with it.
    fn order(&mut self, process: &Arc<dyn AnyProcess>) -> Result<Option<Reason>, StopError> {
        let pid = process.head().pid;
        if current::pid() == Some(pid) {
            return Err(StopError::CallingSelf { server: process.head().subject() });
        }
        let runtime = process.head().home.runtime();
        self.deadline = self.timeout.and_then(|timeout| runtime.now().checked_add(timeout));
        let inline = runtime.may_run_here();
        let here = if inline { Arc::clone(process).stop_here(&self.reason) } else { StoppedHere::NotNow };
        if let StoppedHere::Ended(reason) = here {
            return Ok(Some(reason));
        }
        let slot = Arc::new(Slot::new(pid));
        if let StoppedHere::Awaited = here {
            let ended = process.await_end(Arc::clone(&slot));
            self.slot = Some(slot);
            return Ok(ended);
        }
        let carried_out = Arc::clone(self.carried_out.insert(Arc::default()));
        let order = Order::told(self.reason.clone(), carried_out);
        if !Arc::clone(process).stop(order, Arc::clone(&slot), inline) {
            return Err(StopError::NoProc { server: process.head().subject() });
        }
        self.slot = Some(slot);
        Ok(None)
    }

    fn judge(&self, process: &Arc<dyn AnyProcess>, ended: Result<Reason, Unanswered>) -> Result<(), StopError> {
        let server = || process.head().subject();
        let carried_out = self.carried_out.as_ref().is_none_or(|carried_out| carried_out.load(Ordering::Relaxed));
        match ended {
            Ok(reason) if carried_out && reason == self.reason => Ok(()),
            Ok(reason) | Err(Unanswered::Exit(reason)) => Err(StopError::Exit { server: server(), reason }),
            Err(Unanswered::Timeout) => {
                Err(StopError::Timeout { server: server(), after: self.timeout.unwrap_or_default() })
            }
            // Only calls are checked for cycles.
            Err(Unanswered::NoReply | Unanswered::Cycle(_)) => Err(StopError::NoProc { server: server() }),
        }
    }
}

impl<T: Target<ProcessRef>> Future for Stop<T>
where
    T: Unpin,
{
    type Output = Result<(), StopError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { target, timeout, stopping } = self.get_mut();
        if stopping.slot.is_none() && cut::is_cut(cx) {
            return Poll::Pending;
        }
        let process = match ready!(target.poll_found(cx, timeout)) {
            Ok(process) => process.process(),
            Err(nobody) => return Poll::Ready(Err(StopError::NoProc { server: nobody.into_server() })),
        };
        if stopping.slot.is_none() {
            stopping.timeout = *timeout;
            if let Some(reason) = stopping.order(process)? {
                if !cut::is_cut(cx) {
                    return Poll::Ready(stopping.judge(process, Ok(reason)));
                }
                // The end that was carried out here has ended our own process over a link.
                stopping.slot = Some(Arc::new(Slot::filled(process.head().pid, reason)));
            }
        }
        let Some(slot) = &stopping.slot else { return Poll::Pending };
        let polled = slot.poll(cx, stopping.deadline);
        if polled.is_pending()
            && let Some(deadline) = stopping.deadline
        {
            Arc::clone(process).watch_deadline(deadline);
        }
        let ended = ready!(polled);
        Poll::Ready(stopping.judge(process, ended))
    }
}

// Dropping a stop does not withdraw its order.
impl Drop for Stopping {
    fn drop(&mut self) {
        if let Some(slot) = &self.slot {
            slot.close();
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Stop<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stop")
            .field("process", &self.target)
            .field("reason", &self.stopping.reason)
            .finish_non_exhaustive()
    }
}

/// How long a killed process is waited for before it counts as ended: one second. A process that never awaits cannot be cut off.
pub const KILL_GRACE: Duration = Duration::from_secs(1);

/// Waits for the end of a process that was killed, for [`KILL_GRACE`] at most.
pub(crate) struct EndAfterKill {
    ended: Ended,
    grace: Sleep,
}

impl EndAfterKill {
    pub(crate) fn new(process: Arc<dyn AnyProcess>) -> Self {
        let home = Arc::clone(&process.head().home);
        let grace = home.runtime().sleep_until(crate::node::alarm::after(&home, KILL_GRACE));
        Self { ended: Ended::new(ProcessRef::new(process)), grace }
    }
}

impl Future for EndAfterKill {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if Pin::new(&mut self.ended).poll(cx).is_ready() {
            return Poll::Ready(());
        }
        self.grace.as_mut().poll(cx)
    }
}

impl Node {
    /// Ends all processes of this node, and waits until they have ended.
    ///
    /// All are ordered to stop with the reason `shutdown`, the youngest first, as a supervisor does with its children.
    /// Terminate runs in servers that trap exits, and a function that traps them finds an [`Exit`] in its mailbox. What is
    /// left at the deadline is killed. A process that computes without awaiting cannot be killed; after another second this
    /// returns without it.
    ///
    /// New processes can still be started; this does not wait for them. Nor does it end the process that calls it, which
    /// returns from its callback as usual.
    ///
    /// # Cancel safety
    ///
    /// Dropping it does not withdraw the orders, but no process is killed at the deadline.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// use genserver::{Node, Reason};
    /// use std::time::Duration;
    ///
    /// let node = Node::new();
    /// let server = node.start::<Quiet>(()).await?;
    /// node.shutdown(Duration::from_secs(5)).await;
    /// assert_eq!(server.ended().await, Reason::Shutdown);
    /// # }
    /// ```
    pub async fn shutdown(&self, deadline: Duration) {
        poll_fn(poll_alive).await;
        let mut processes = self.all_processes();
        processes.retain(|process| Some(process.head().pid) != current::pid());
        // A process whose runtime is gone has ended by itself.
        processes.retain(|process| !process.head().home.is_gone());
        processes.reverse();
        let Some(home) = processes.first().map(|process| Arc::clone(&process.head().home)) else { return };
        for process in &processes {
            let exit = Exit { from: process.head().parent().unwrap_or(Pid::NOBODY), reason: Reason::Shutdown };
            Arc::clone(process).order_down(exit);
        }
        let all = processes.iter().map(|process| Ended::new(ProcessRef::new(Arc::clone(process))));
        let ended = futures::future::join_all(all);
        let sleep = time::sleep_in(&home, alarm::after(&home, deadline));
        let Either::Right(((), rest)) = futures::future::select(ended, sleep).await else { return };
        for process in &processes {
            Arc::clone(process).exit(Exit { from: Pid::NOBODY, reason: Reason::Kill }, ExitKind::Kill);
        }
        let grace = time::sleep_in(&home, alarm::after(&home, KILL_GRACE));
        drop(futures::future::select(rest, grace).await);
    }
}

impl ProcessRef {
    /// Orders it to stop and waits until all its watchers have been notified: see [`ServerRef::stop`](crate::ServerRef::stop).
    ///
    /// # Errors
    ///
    /// As [`ServerRef::stop`](crate::ServerRef::stop).
    ///
    /// # Cancel safety
    ///
    /// Dropping it does not withdraw the order.
    pub fn stop(&self) -> Stop {
        Stop::new(self.clone())
    }

    /// Waits for its end and returns the reason: a monitor for plain code.
    ///
    /// # Cancel safety
    ///
    /// It can be dropped and called again at any time.
    pub fn ended(&self) -> Ended {
        Ended::new(self.clone())
    }
}

/// Waits for the end of a process: made by [`ServerRef::ended`](crate::ServerRef::ended) or
/// [`AsServer::ended`](crate::AsServer::ended).
///
/// It completes with the reason when all watchers have been notified. It completes at once with [`Reason::NoProc`] if the
/// process had ended before the first poll and its reason is no longer known.
///
/// # Cancel safety
///
/// It can be dropped and made again at any time.
#[must_use = "this does not wait until it is awaited"]
pub struct Ended<T = ProcessRef> {
    target: T,
    waiting: WaitingForEnd,
}

/// The slot through which the end is told.
#[derive(Default)]
struct WaitingForEnd {
    slot: Option<Arc<Slot<Reason>>>,
}

impl<T> Ended<T> {
    pub(crate) fn new(target: T) -> Self {
        Self { target, waiting: WaitingForEnd::default() }
    }
}

impl<T: Target<ProcessRef> + Unpin> Future for Ended<T> {
    type Output = Reason;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reason> {
        let Self { target, waiting } = self.get_mut();
        let slot = if let Some(slot) = &waiting.slot {
            slot
        } else {
            let Ok(process) = ready!(target.poll_found(cx, &mut None)) else {
                return if cut::is_cut(cx) { Poll::Pending } else { Poll::Ready(Reason::NoProc) };
            };
            let slot = Arc::new(Slot::new(process.pid()));
            if let Some(reason) = process.process().await_end(Arc::clone(&slot)) {
                // Checked after the reason was seen; the reason is still there at the next poll.
                return if cut::is_cut(cx) { Poll::Pending } else { Poll::Ready(reason) };
            }
            waiting.slot.insert(slot)
        };
        slot.poll(cx, None).map(|ended| ended.unwrap_or(Reason::NoProc))
    }
}

impl Drop for WaitingForEnd {
    fn drop(&mut self) {
        if let Some(slot) = &self.slot {
            slot.close();
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Ended<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ended").field("process", &self.target).finish_non_exhaustive()
    }
}
