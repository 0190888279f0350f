//! The life of a session: waiting, reading, answering, and ending.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::io::{AsyncRead, AsyncWrite};
use zeroize::Zeroize;

use super::deadline::Deadline;
use super::end::SessionEnd;
use super::protocol::Protocol;
use super::replies::{Replies, ReplyError};
use crate::drain::DrainSignal;
use crate::limits::Limits;
use crate::login::Login;
use crate::served::ServedStore;

/// How many bytes are read at once.
const READ: usize = 64 * 1024;

thread_local! {
    /// The buffer for reads. It belongs to the thread and not to the session, so a silent client has no buffer, and a busy
    /// one needs few reads.
    static READ_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ].into());
}

/// How long a draining session continues, for bytes that are still on their way through the machine.
const LEAVING: Duration = Duration::from_millis(10);

/// The most reads in that time: a client that never stops sending does not keep the session open.
const LAST_READS: u32 = 64;

/// After this many reads in a row that were ready at once, the session yields.
const READS_IN_A_ROW: u32 = 16;

/// A running session.
pub(super) struct Connection<R, W> {
    store: ServedStore,
    limits: Limits,
    told: DrainSignal,
    reader: R,
    replies: Replies<W>,
    protocol: Protocol,
    login: Login,
    /// The deadline for the rest of a command, ...
    half: Deadline,
    /// ... for any input, ...
    idle: Deadline,
    /// ... and for a draining session to end.
    leaving: Deadline,
    /// How many reads found something after the session was told to drain.
    last_reads: u32,
    /// How many reads in a row were ready at once.
    reads: u32,
}

/// Why a session stopped waiting.
enum Woken {
    Read,
    End(SessionEnd),
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Connection<R, W> {
    pub(super) fn new(
        store: ServedStore,
        limits: Limits,
        protocol: Protocol,
        login: Login,
        told: DrainSignal,
        reader: R,
        writer: W,
    ) -> Self {
        Self {
            store,
            told,
            reader,
            replies: Replies::new(writer, limits.replies, limits.stalled),
            protocol,
            login,
            half: Deadline::default(),
            idle: Deadline::default(),
            leaving: Deadline::default(),
            last_reads: 0,
            reads: 0,
            limits,
        }
    }

    pub(super) async fn run(mut self) -> Result<SessionEnd, ReplyError> {
        let end = loop {
            if let Woken::End(end) = poll_fn(|cx| self.poll_wait(cx)).await? {
                break end;
            }
            let Self { store, limits, half, replies, protocol, login, .. } = &mut self;
            let answered = protocol.answer(store, limits, half, replies, login);
            if let Some(end) = answered.await? {
                break end;
            }
        };
        self.protocol.say_why(end, &self.limits, self.replies.short());
        self.replies.close().await?;
        self.linger(end).await;
        Ok(end)
    }

    /// Waits for input, while the client takes its replies.
    ///
    /// Deadlines pass only here: the time that commands take does not count against the client.
    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<Result<Woken, ReplyError>> {
        let more_news = self.protocol.poll_news(&mut self.replies, cx);
        // The result does not matter: what is left unwritten wakes the task.
        let _ = self.replies.poll_write(cx)?;
        let is_told = Pin::new(&mut self.told).poll(cx).is_ready();
        if is_told {
            self.leaving.set(LEAVING);
            if self.last_reads == LAST_READS {
                return Poll::Ready(Ok(Woken::End(SessionEnd::Drained)));
            }
        }
        // Also of a client that does not take its replies.
        if self.login.poll_patience(cx).is_ready() {
            return Poll::Ready(Ok(Woken::End(SessionEnd::NotLoggedIn)));
        }
        if self.replies.is_full() {
            // The client has to take its replies first, and input that is not read does not count as silence.
            self.half.take_back();
            self.idle.take_back();
        } else {
            if more_news {
                cx.waker().wake_by_ref();
            }
            if let Poll::Ready(woken) = self.poll_read(cx)? {
                self.last_reads += u32::from(is_told);
                return Poll::Ready(Ok(woken));
            }
            if let Poll::Ready(end) = self.poll_patience(cx) {
                return Poll::Ready(Ok(Woken::End(end)));
            }
        }
        self.leaving.poll(cx).map(|()| Ok(Woken::End(SessionEnd::Drained)))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Woken, ReplyError>> {
        if self.reads == READS_IN_A_ROW {
            self.reads = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let most = self.login.allowance();
        let Poll::Ready(bytes) = poll_desk(&mut self.reader, cx, most, |read| self.protocol.push(read, &self.limits))
        else {
            self.reads = 0;
            return Poll::Pending;
        };
        self.reads += 1;
        self.idle.take_back();
        let bytes = bytes?;
        self.login.count(bytes);
        Poll::Ready(Ok(if bytes == 0 { Woken::End(SessionEnd::Left) } else { Woken::Read }))
    }

    /// Whether a deadline has passed.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<SessionEnd> {
        if self.protocol.has_half() {
            self.half.set(self.limits.half_command);
            if self.half.poll(cx).is_ready() {
                return Poll::Ready(SessionEnd::HalfCommand);
            }
        }
        // A subscriber only listens, and a client with waiting replies has their deadline.
        if let Some(idle) = self.limits.idle
            && !self.protocol.has_subscribed()
            && self.replies.is_empty()
        {
            self.idle.set(idle);
            ready!(self.idle.poll(cx));
            return Poll::Ready(SessionEnd::Idle);
        }
        Poll::Pending
    }

    /// Reads and discards input for a while: see [`Limits::linger`].
    async fn linger(&mut self, end: SessionEnd) {
        if matches!(end, SessionEnd::Left | SessionEnd::Browser) || self.limits.linger.is_zero() {
            return;
        }
        let mut until = Deadline::default();
        until.set(self.limits.linger);
        poll_fn(|cx| {
            match poll_desk(&mut self.reader, cx, None, |_thrown_away| ()) {
                Poll::Ready(Ok(1..)) => cx.waker().wake_by_ref(),
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => {}
            }
            until.poll(cx)
        })
        .await;
    }
}

/// Reads into the thread's buffer, and copies from there. What a client that has not logged in sends is at `most` so much, and does not
/// stay in the buffer, because there may be a password in it.
fn poll_desk<R: AsyncRead + Unpin>(
    reader: &mut R,
    cx: &mut Context<'_>,
    most: Option<usize>,
    take: impl FnOnce(&[u8]),
) -> Poll<io::Result<usize>> {
    READ_BUFFER.with(|desk| match desk.try_borrow_mut() {
        Ok(mut desk) => read_at(reader, cx, &mut desk, most, take),
        // This reader was called from within another read.
        Err(_) => read_at(reader, cx, &mut [0; 1024], most, take),
    })
}

fn read_at<R: AsyncRead + Unpin>(
    reader: &mut R,
    cx: &mut Context<'_>,
    desk: &mut [u8],
    most: Option<usize>,
    take: impl FnOnce(&[u8]),
) -> Poll<io::Result<usize>> {
    let length = most.map_or(desk.len(), |most| most.min(desk.len()));
    let bytes = ready!(Pin::new(reader).poll_read(cx, &mut desk[..length]))?;
    take(&desk[..bytes]);
    if most.is_some() {
        desk[..bytes].zeroize();
    }
    Poll::Ready(Ok(bytes))
}
