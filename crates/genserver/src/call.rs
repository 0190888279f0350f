//! Calls: asking a server, and waiting for its answer.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use crate::caller::Caller;
use crate::current;
use crate::process::{Envelope, Refused, Sent, parcel};
use crate::reason::Reason;
use crate::reply::{Answer, Lane, Slot, Unanswered, erased};
use crate::server::GenServer;
use crate::server_ref::ServerRef;

/// OTP's default: a call waits five seconds.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a call has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// No answer in time.
    #[error("timeout")]
    Timeout,
    /// No such process.
    #[error("no such process")]
    NoProc,
    /// The server ended first.
    #[error("the server ended: {0}")]
    Exit(Reason),
    /// The server dropped the caller.
    #[error("the server dropped the caller unanswered")]
    NoReply,
    /// A process called itself.
    #[error("a process called itself")]
    CallingSelf,
}

/// A call under way.
#[must_use = "nothing is sent until the call is awaited"]
pub struct Call<'a, S: GenServer, R: Send + 'static, F> {
    server: &'a ServerRef<S>,
    make: Option<F>,
    timeout: Option<Duration>,
    slot: Option<Arc<Slot<R>>>,
    deadline: Option<Instant>,
}

impl<'a, S: GenServer, R: Send + 'static, F> Call<'a, S, R, F> {
    pub(crate) fn new(server: &'a ServerRef<S>, make: F) -> Self {
        Self { server, make: Some(make), timeout: Some(CALL_TIMEOUT), slot: None, deadline: None }
    }

    /// Waits for so long instead of five seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Waits for as long as the server lives.
    pub fn no_timeout(mut self) -> Self {
        self.timeout = None;
        self
    }
}

/// Nothing in a call is ever pinned: what is polled lies in the server.
impl<S: GenServer, R: Send + 'static, F> Unpin for Call<'_, S, R, F> {}

impl<S, R, F> Future for Call<'_, S, R, F>
where
    S: GenServer,
    R: Send + 'static,
    F: FnOnce(Caller<R>) -> S::Call,
{
    type Output = Result<R, CallError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let process = this.server.process();
        if this.slot.is_none() {
            if current::pid() == Some(process.head.pid) {
                return Poll::Ready(Err(CallError::CallingSelf));
            }
            let runtime = process.head.home.runtime();
            let inline = runtime.is_current();
            if inline {
                ready!(runtime.poll_budget(cx));
            }
            let Some(make) = this.make.take() else { return Poll::Pending };
            let slot = if inline {
                let (lane, twin) = Lane::new(process.head.pid);
                let mut call = parcel(Envelope::Call(make(Caller::new(twin)), None));
                let (sent, answer) = lane.run(|| process.send_call(&mut call, Lane::<R>::open_slot, inline));
                let slot = match answer {
                    Answer::Here(answer) => return Poll::Ready(Ok(answer)),
                    Answer::Awaited(slot) => slot,
                    Answer::Lost => return Poll::Ready(Err(CallError::NoReply)),
                };
                match sent {
                    Ok(Sent::Ran) => {
                        process.await_answer(erased(&slot));
                    }
                    Ok(_) => {}
                    Err(Refused::Dead) => return Poll::Ready(Err(CallError::NoProc)),
                    Err(Refused::Full) => return Poll::Ready(Err(CallError::Timeout)),
                }
                slot
            } else {
                let slot = Arc::new(Slot::new(process.head.pid));
                let mut call = parcel(Envelope::Call(make(Caller::new(Arc::clone(&slot))), None));
                match process.send_call(&mut call, || Some(erased(&slot)), inline) {
                    Ok(_) => {}
                    Err(Refused::Dead) => return Poll::Ready(Err(CallError::NoProc)),
                    Err(Refused::Full) => return Poll::Ready(Err(CallError::Timeout)),
                }
                slot
            };
            this.deadline = this.timeout.and_then(|timeout| runtime.now().checked_add(timeout));
            this.slot = Some(slot);
        }
        let Some(slot) = &this.slot else { return Poll::Pending };
        let polled = slot.poll(cx, this.deadline);
        if polled.is_pending() {
            if let Some(deadline) = this.deadline {
                process.watch_deadline(deadline);
            }
        }
        polled.map_err(CallError::from)
    }
}

impl<S: GenServer, R: Send + 'static, F> Drop for Call<'_, S, R, F> {
    fn drop(&mut self) {
        if let Some(slot) = &self.slot {
            slot.close();
        }
    }
}

impl<S: GenServer, R: Send + 'static, F> fmt::Debug for Call<'_, S, R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("server", self.server).finish_non_exhaustive()
    }
}

impl From<Unanswered> for CallError {
    fn from(why: Unanswered) -> Self {
        match why {
            Unanswered::NoReply => Self::NoReply,
            Unanswered::Exit(reason) => Self::Exit(reason),
            Unanswered::Timeout => Self::Timeout,
        }
    }
}
