//! One client: reads its commands, has them carried out, writes the answers.

use std::io;

use futures::io::{AsyncRead, AsyncWrite};
use kv_core::Store;

use crate::drain::Drain;
use crate::limits::Limits;

/// A session: one client and the store that it talks to.
#[derive(Clone, Debug)]
pub struct Session {
    store: Store,
    limits: Limits,
    drain: Drain,
}

/// Why a session has ended, when its reader and writer did not fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SessionEnd {
    /// The client has left. A last line without an end was not carried out.
    Left,
    /// The client said `QUIT`.
    Quit,
    /// The signal to [drain](Session::drain) was given; what had arrived was answered.
    Drained,
    /// A line was longer than [`Limits::line`].
    LineTooLong,
    /// Half a command came, and its rest did not within [`Limits::half_command`].
    HalfCommand,
    /// Replies waited for [`Limits::stalled`], and the client took none.
    Stalled,
    /// The client said nothing for [`Limits::idle`].
    Idle,
    /// It was a browser, made to talk to us by some page.
    Browser,
}

impl Session {
    /// A session on a store, with the usual limits, that nobody drains.
    pub fn new(store: Store) -> Self {
        Self { store, limits: Limits::default(), drain: Drain::new() }
    }

    /// With these limits.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Leaves when `drain` is told to [begin](Drain::begin).
    pub fn drain(mut self, drain: &Drain) -> Self {
        self.drain = drain.clone();
        self
    }

    /// Serves a client until it leaves, or has to. Everything goes through here; when it returns, the writer has been closed.
    pub async fn serve<R, W>(self, reader: R, writer: W) -> io::Result<SessionEnd>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        todo!()
    }
}
