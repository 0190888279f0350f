//! The line protocol, as a session speaks it.

use std::task::{Context, Poll};

use futures::io::AsyncWrite;

use super::deadline::Deadline;
use super::end::SessionEnd;
use super::news::{News, NewsStep};
use super::replies::Replies;
use crate::answer;
use crate::batch::CommandBatch;
use crate::limits::Limits;
use crate::lines::LineBuffer;
use crate::login::{self, Login};
use crate::served::ServedStore;

/// After this many events in a row the session looks at its input.
const EVENTS_IN_A_ROW: u32 = 1024;

/// What a client of the line protocol has sent and has not been answered yet, and what it has subscribed to.
#[derive(Default)]
pub(super) struct LineProtocol {
    pub(super) lines: LineBuffer,
    pub(super) gathered: CommandBatch,
    pub(super) subscription: Option<News>,
}

/// The same with all that executing takes.
pub(super) struct LineSession<'a, W> {
    pub(super) store: &'a ServedStore,
    pub(super) limits: &'a Limits,
    pub(super) replies: &'a mut Replies<W>,
    pub(super) login: &'a mut Login,
    /// The deadline for the rest of a command.
    pub(super) half: &'a mut Deadline,
    pub(super) lines: &'a mut LineBuffer,
    pub(super) gathered: &'a mut CommandBatch,
    pub(super) subscription: &'a mut Option<News>,
}

impl LineProtocol {
    /// Queues events for a subscriber. Returns whether there may be more.
    pub(super) fn poll_news<W: AsyncWrite + Unpin>(&mut self, replies: &mut Replies<W>, cx: &mut Context<'_>) -> bool {
        let Some(news) = &mut self.subscription else { return false };
        // A store may have many events that are not for this client.
        for _ in 0..EVENTS_IN_A_ROW {
            if replies.is_full() {
                break;
            }
            let Poll::Ready(step) = news.poll_line(cx, replies.short()) else { return false };
            if matches!(step, NewsStep::End) {
                self.subscription = None;
                return false;
            }
        }
        true
    }

    /// Tells the client why the session ends.
    pub(super) fn say_why(end: SessionEnd, limits: &Limits, out: &mut Vec<u8>) {
        let text = match end {
            SessionEnd::LineTooLong => format!("line too long; send lines of at most {} bytes", limits.line),
            SessionEnd::HalfCommand => {
                format!("the rest of the command did not come within {:?}; send it at once", limits.half_command)
            }
            SessionEnd::NotLoggedIn => login::too_late(limits),
            _ => return,
        };
        answer::write_error(&text, out);
    }
}
