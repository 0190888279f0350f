//! RESP, the protocol of Redis: requests, replies, and Redis's commands on buckets.

// Reading requests, ...
mod request;
// ... also those in a line.
mod inline;
// Writing replies.
mod reply;
// The table of commands, ...
mod command;
// ... what clients ask about it, ...
mod catalog;
// ... and which commands a bucket executes, ...
mod gather;
// ... with which answers.
mod answer;
// Executing the requests of a read: ...
mod session;
// ... commands about the connection, ...
mod connection;
// ... logging in, ...
mod auth;
// ... about buckets, ...
mod buckets;
// ... and about the server.
mod info;
// Several commands in one message.
mod transaction;
// The events of channels.
mod subscriptions;
// Where listings go on.
mod cursors;
// Which names are listed.
mod pattern;
// The clients of a server.
mod clients;

use std::task::Context;

use futures::io::AsyncWrite;

use self::answer::Answer;
use self::clients::ClientEntry;
pub(crate) use self::clients::RespClients;
use self::cursors::Cursors;
use self::reply::Version;
use self::request::{RequestBuffer, Requests};
pub(crate) use self::session::RespSession;
use self::subscriptions::Subscriptions;
use self::transaction::Transaction;
use crate::batch::BucketBatch;
use crate::limits::Limits;
use crate::login;
use crate::session::end::SessionEnd;
use crate::session::replies::Replies;

/// What a client has sent and has not been answered yet, and what it has set.
pub(crate) struct RespProtocol {
    requests: RequestBuffer,
    /// Empty between reads. Kept for its memory.
    taken: Requests,
    /// The same.
    batch: BucketBatch<Answer>,
    version: Version,
    client: ClientEntry,
    transaction: Option<Box<Transaction>>,
    subscriptions: Subscriptions,
    cursors: Cursors,
}

impl RespProtocol {
    /// Begins with version 2, as every client of Redis does.
    pub(crate) fn new(client: ClientEntry, limits: &Limits) -> Self {
        Self {
            requests: RequestBuffer::new(limits),
            taken: Requests::default(),
            batch: BucketBatch::default(),
            version: Version::Two,
            client,
            transaction: None,
            subscriptions: Subscriptions::default(),
            cursors: Cursors::default(),
        }
    }

    /// Adds what was read.
    pub(crate) fn push(&mut self, read: &[u8]) {
        self.requests.push(read);
    }

    /// Whether there is the beginning of a request whose rest has not come.
    pub(crate) fn has_half(&self) -> bool {
        self.requests.has_rest()
    }

    /// Whether the client is sent events, and so may be silent.
    pub(crate) fn has_subscribed(&self) -> bool {
        !self.subscriptions.is_empty()
    }

    /// Queues events for a subscriber. Returns whether there may be more.
    pub(crate) fn poll_news<W: AsyncWrite + Unpin>(&mut self, replies: &mut Replies<W>, cx: &mut Context<'_>) -> bool {
        self.has_subscribed() && self.subscriptions.poll_news(self.version, replies, cx)
    }

    /// Tells the client why the session ends.
    pub(crate) fn say_why(end: SessionEnd, limits: &Limits, out: &mut Vec<u8>) {
        let text = match end {
            SessionEnd::HalfCommand => {
                format!("the rest of the request did not come within {:?}; send it at once", limits.half_command)
            }
            SessionEnd::NotLoggedIn => login::too_late(limits),
            _ => return,
        };
        reply::err(&text, out);
    }
}
