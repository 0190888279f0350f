//! A session's life: wait, read, have it answered, and know when to end.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::io::{AsyncRead, AsyncWrite};
use kv_core::{BucketEvent, Store};

use super::SessionEnd;
use super::deadline::Deadline;
use super::replies::{Failed, Replies};
use crate::answer;
use crate::drain::Told;
use crate::event;
use crate::execute::Gathered;
use crate::limits::Limits;
use crate::lines::Lines;
use crate::subscription::{News, Subscription};

/// How much is read at once.
const READ: usize = 64 * 1024;

thread_local! {
    /// Where reads go first. It belongs to the thread and not to the session, so that a client that says nothing has no buffer, and one
    /// that says much needs few reads.
    static DESK: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ].into());
}

/// How long a session that was told to leave goes on, for what is still on its way through the machine.
const LEAVING: Duration = Duration::from_millis(10);

/// How many reads it does in that time, at most: a client that never stops is no reason to stay.
const LAST_READS: u32 = 64;

/// After so many reads that found something at once, others have a turn.
const READS_IN_A_ROW: u32 = 16;

/// A session under way.
pub(super) struct Connection<R, W> {
    pub(super) store: Store,
    pub(super) limits: Limits,
    told: Told,
    reader: R,
    pub(super) replies: Replies<W>,
    pub(super) lines: Lines,
    pub(super) gathered: Gathered,
    pub(super) subscription: Option<Subscription>,
    /// By when the rest of a command has to have come, ...
    pub(super) half: Deadline,
    /// ... anything has to have come, ...
    idle: Deadline,
    /// ... and a session that was told to has to have left.
    leaving: Deadline,
    /// How many reads found something after it was told.
    last_reads: u32,
    /// How many reads found something at once.
    reads: u32,
}

/// What a session waited for.
enum Woken {
    Read,
    End(SessionEnd),
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Connection<R, W> {
    pub(super) fn new(store: Store, limits: Limits, told: Told, reader: R, writer: W) -> Self {
        Self {
            store,
            told,
            reader,
            replies: Replies::new(writer, limits.replies, limits.stalled),
            lines: Lines::new(),
            gathered: Gathered::default(),
            subscription: None,
            half: Deadline::default(),
            idle: Deadline::default(),
            leaving: Deadline::default(),
            last_reads: 0,
            reads: 0,
            limits,
        }
    }

    pub(super) async fn run(mut self) -> Result<SessionEnd, Failed> {
        let end = loop {
            if let Woken::End(end) = poll_fn(|cx| self.poll_wait(cx)).await? {
                break end;
            }
            if let Some(end) = self.answer().await? {
                break end;
            }
        };
        self.say_why(end);
        self.replies.close().await?;
        self.linger(end).await;
        Ok(end)
    }

    /// Waits for the client to say something, while it takes what waits for it.
    ///
    /// Only here do its deadlines pass: the time that its commands take is not its own.
    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<Result<Woken, Failed>> {
        let more_news = self.poll_news(cx);
        // Whether all is written does not matter: what is left is woken for.
        let _ = self.replies.poll_write(cx)?;
        let is_told = Pin::new(&mut self.told).poll(cx).is_ready();
        if is_told {
            self.leaving.set(LEAVING);
            if self.last_reads == LAST_READS {
                return Poll::Ready(Ok(Woken::End(SessionEnd::Drained)));
            }
        }
        if self.replies.is_full() {
            // Whoever wants more has to take what there is, and is not blamed for what nobody reads.
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

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Woken, Failed>> {
        if self.reads == READS_IN_A_ROW {
            self.reads = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Poll::Ready(bytes) = poll_desk(&mut self.reader, cx, |read| self.lines.push(read)) else {
            self.reads = 0;
            return Poll::Pending;
        };
        self.reads += 1;
        self.idle.take_back();
        Poll::Ready(Ok(if bytes? == 0 { Woken::End(SessionEnd::Left) } else { Woken::Read }))
    }

    /// Whether the client has been waited for long enough.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<SessionEnd> {
        if !self.lines.rest().is_empty() {
            self.half.set(self.limits.half_command);
            if self.half.poll(cx).is_ready() {
                return Poll::Ready(SessionEnd::HalfCommand);
            }
        }
        // A subscriber listens, and one that has not taken its replies yet is dealt with by what they wait for.
        if let Some(idle) = self.limits.idle
            && self.subscription.is_none()
            && self.replies.is_empty()
        {
            self.idle.set(idle);
            ready!(self.idle.poll(cx));
            return Poll::Ready(SessionEnd::Idle);
        }
        Poll::Pending
    }

    /// Tells a subscriber what has happened. Whether there may be more to tell.
    fn poll_news(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(subscription) = &mut self.subscription else { return false };
        while !self.replies.is_full() {
            let Poll::Ready(news) = subscription.poll_next(cx) else { return false };
            let out = self.replies.short();
            match news {
                Some(News::Happened(BucketEvent::Created { name, .. })) => event::write_created(name.as_bytes(), out),
                Some(News::Happened(BucketEvent::Exited { name, reason, .. })) => {
                    event::write_exited(name.as_bytes(), &reason.to_string(), out);
                }
                // A subscriber of this protocol has no line for it.
                Some(News::Happened(_)) => continue,
                Some(News::Missed(events)) => event::write_missed(events, out),
                None => {
                    answer::write_error("the store has stopped, so there are no more events; connect again later", out);
                    self.subscription = None;
                    return false;
                }
            }
            out.extend(answer::END);
        }
        true
    }

    /// What the client is told before the session ends.
    fn say_why(&mut self, end: SessionEnd) {
        let text = match end {
            SessionEnd::LineTooLong => format!("line too long; send lines of at most {} bytes", self.limits.line),
            SessionEnd::HalfCommand => {
                format!("the rest of the command did not come within {:?}; send it at once", self.limits.half_command)
            }
            _ => return,
        };
        answer::write_error(&text, self.replies.short());
    }

    /// Reads on for a while, and throws it away: see [`Limits::linger`].
    async fn linger(&mut self, end: SessionEnd) {
        if matches!(end, SessionEnd::Left | SessionEnd::Browser) || self.limits.linger.is_zero() {
            return;
        }
        let mut until = Deadline::default();
        until.set(self.limits.linger);
        poll_fn(|cx| {
            match poll_desk(&mut self.reader, cx, |_thrown_away| ()) {
                Poll::Ready(Ok(1..)) => cx.waker().wake_by_ref(),
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => {}
            }
            until.poll(cx)
        })
        .await;
    }
}

/// Reads by way of the thread's desk, and has what came taken away from there.
fn poll_desk<R: AsyncRead + Unpin>(
    reader: &mut R,
    cx: &mut Context<'_>,
    take: impl FnOnce(&[u8]),
) -> Poll<io::Result<usize>> {
    DESK.with(|desk| match desk.try_borrow_mut() {
        Ok(mut desk) => read_at(reader, cx, &mut desk, take),
        // This reader is read by another one in the same call.
        Err(_) => read_at(reader, cx, &mut [0; 1024], take),
    })
}

fn read_at<R: AsyncRead + Unpin>(
    reader: &mut R,
    cx: &mut Context<'_>,
    desk: &mut [u8],
    take: impl FnOnce(&[u8]),
) -> Poll<io::Result<usize>> {
    let bytes = ready!(Pin::new(reader).poll_read(cx, desk))?;
    take(&desk[..bytes]);
    Poll::Ready(Ok(bytes))
}
