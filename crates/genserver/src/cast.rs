//! Casts: messages without an answer.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::process::{Envelope, Process, Refused};
use crate::server::GenServer;

/// Why a message was not taken. It is inside, so that nothing is lost.
pub enum CastError<M> {
    /// The process has ended, or is just ending.
    NoProc(M),
    /// The mailbox holds as many messages as it may.
    Full(M),
}

impl<M> CastError<M> {
    pub(crate) fn new(refused: Refused, message: M) -> Self {
        match refused {
            Refused::Dead => Self::NoProc(message),
            Refused::Full => Self::Full(message),
        }
    }

    /// The message that was not taken.
    pub fn into_inner(self) -> M {
        match self {
            Self::NoProc(message) | Self::Full(message) => message,
        }
    }
}

impl<M> fmt::Debug for CastError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoProc(_) => "NoProc(..)",
            Self::Full(_) => "Full(..)",
        })
    }
}

impl<M> fmt::Display for CastError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoProc(_) => "the process has ended, so the message was not taken; look the process up again, or drop the message",
            Self::Full(_) => "the mailbox is full, so the message was not taken; wait for room with `cast_wait`, or drop the message",
        })
    }
}

impl<M> Error for CastError<M> {}

/// A cast that waits for room.
#[must_use = "nothing is sent until this is awaited"]
pub struct CastWait<'a, S: GenServer> {
    process: &'a Arc<Process<S>>,
    cast: Option<S::Cast>,
}

impl<'a, S: GenServer> CastWait<'a, S> {
    pub(crate) fn new(process: &'a Arc<Process<S>>, cast: S::Cast) -> Self {
        Self { process, cast: Some(cast) }
    }
}

impl<S: GenServer> Unpin for CastWait<'_, S> {}

impl<S: GenServer> Future for CastWait<'_, S> {
    type Output = Result<(), CastError<S::Cast>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        loop {
            let Some(cast) = this.cast.take() else { return Poll::Pending };
            match this.process.push(Envelope::Cast(cast)) {
                Ok(()) => return Poll::Ready(Ok(())),
                Err((Refused::Full, message)) => {
                    this.cast = Some(unpack(message));
                    if this.process.await_room(cx.waker().clone()) {
                        return Poll::Pending;
                    }
                }
                Err((refused, message)) => return Poll::Ready(Err(CastError::new(refused, unpack(message)))),
            }
        }
    }
}

/// Takes a cast out of the envelope that was refused.
pub(crate) fn unpack<S: GenServer>(message: Envelope<S>) -> S::Cast {
    match message {
        Envelope::Cast(cast) => cast,
        _ => unreachable!("what is refused is what was sent"),
    }
}

impl<S: GenServer> fmt::Debug for CastWait<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CastWait").field("server", &self.process.head.pid).finish_non_exhaustive()
    }
}
