//! What a client speaks: lines, or RESP if it begins with a `*`.

use std::net::SocketAddr;
use std::task::Context;

use futures::io::AsyncWrite;

use super::deadline::Deadline;
use super::end::SessionEnd;
use super::line_protocol::{LineProtocol, LineSession};
use super::replies::{Replies, ReplyError};
use crate::limits::Limits;
use crate::login::Login;
use crate::resp::{RespClients, RespProtocol, RespSession};
use crate::served::ServedStore;

/// What a client speaks, and what it has sent.
pub(super) enum Protocol {
    /// Nothing has come: the first byte decides.
    Undecided {
        clients: RespClients,
        peer: Option<SocketAddr>,
    },
    /// Boxed, like the other, because a client that has sent nothing does without.
    Lines(Box<LineProtocol>),
    Resp(Box<RespProtocol>),
}

impl Protocol {
    /// Adds what was read.
    pub(super) fn push(&mut self, read: &[u8], limits: &Limits) {
        match self {
            Self::Lines(lines) => lines.lines.push(read),
            Self::Resp(resp) => resp.push(read),
            Self::Undecided { clients, peer } => {
                *self = match read {
                    [] => return,
                    [b'*', ..] => Self::Resp(Box::new(RespProtocol::new(clients.enter(*peer), limits))),
                    _ => Self::Lines(Box::default()),
                };
                self.push(read, limits);
            }
        }
    }

    /// Whether there is the beginning of a command whose rest has not come.
    pub(super) fn has_half(&self) -> bool {
        match self {
            Self::Undecided { .. } => false,
            Self::Lines(lines) => !lines.lines.rest().is_empty(),
            Self::Resp(resp) => resp.has_half(),
        }
    }

    /// Whether the client is sent events, and so may be silent.
    pub(super) fn has_subscribed(&self) -> bool {
        match self {
            Self::Undecided { .. } => false,
            Self::Lines(lines) => lines.subscription.is_some(),
            Self::Resp(resp) => resp.has_subscribed(),
        }
    }

    /// Executes all complete commands and answers them. Returns why the session ends, if it does.
    pub(super) async fn answer<W: AsyncWrite + Unpin>(
        &mut self,
        store: &ServedStore,
        limits: &Limits,
        half: &mut Deadline,
        replies: &mut Replies<W>,
        login: &mut Login,
    ) -> Result<Option<SessionEnd>, ReplyError> {
        match self {
            Self::Undecided { .. } => Ok(None),
            Self::Lines(protocol) => {
                let LineProtocol { lines, gathered, subscription } = &mut **protocol;
                LineSession { store, limits, replies, login, half, lines, gathered, subscription }.answer().await
            }
            Self::Resp(resp) => {
                let (end, has_taken) = RespSession { store, limits, replies, login, resp }.answer().await?;
                if has_taken {
                    // If half a request waits now, it is a new one.
                    half.take_back();
                }
                Ok(end)
            }
        }
    }

    /// Queues events for a subscriber. Returns whether there may be more.
    pub(super) fn poll_news<W: AsyncWrite + Unpin>(&mut self, replies: &mut Replies<W>, cx: &mut Context<'_>) -> bool {
        match self {
            Self::Undecided { .. } => false,
            Self::Lines(lines) => lines.poll_news(replies, cx),
            Self::Resp(resp) => resp.poll_news(replies, cx),
        }
    }

    /// Tells the client why the session ends.
    pub(super) fn say_why(&self, end: SessionEnd, limits: &Limits, out: &mut Vec<u8>) {
        match self {
            Self::Undecided { .. } | Self::Lines(_) => LineProtocol::say_why(end, limits, out),
            Self::Resp(_) => RespProtocol::say_why(end, limits, out),
        }
    }
}
