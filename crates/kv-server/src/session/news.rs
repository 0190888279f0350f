//! What a session has subscribed to, and the lines that tell of it.

use std::task::{Context, Poll};

use kv_core::{BucketName, KeyEvent, KeyEventKind};

use crate::answer;
use crate::batch::Refusal;
use crate::event::{self, KeyChange};
use crate::served::ServedStore;
use crate::subscription::{BucketNews, Notice, Subscription};

/// The events that a session is sent.
pub(super) enum News {
    /// Those of the store's buckets.
    Buckets(Subscription),
    /// Those of the keys of one bucket.
    Keys(BucketName, Subscription<KeyEvent>),
}

/// What came next.
pub(super) enum NewsStep {
    /// A line for the client, which is written.
    Line,
    /// Something that is not for this client.
    Nothing,
    /// The store has stopped. The client is told that in an error, which is written.
    End,
}

impl News {
    pub(super) async fn of_buckets(store: &ServedStore, buffer: usize) -> Result<Self, Refusal> {
        Subscription::begin(store, buffer).await.map(Self::Buckets)
    }

    pub(super) async fn of_keys(store: &ServedStore, buffer: usize, bucket: BucketName) -> Result<Self, Refusal> {
        Ok(Self::Keys(bucket, Subscription::begin(store, buffer).await?))
    }

    /// Writes the line of the next event.
    pub(super) fn poll_line(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Poll<NewsStep> {
        match self {
            Self::Buckets(events) => events.poll_next(cx).map(|notice| write(notice, out, write_bucket_event)),
            Self::Keys(bucket, events) => {
                let write_event = |event: &KeyEvent, out: &mut Vec<u8>| write_key_event(bucket, event, out);
                events.poll_next(cx).map(|notice| write(notice, out, write_event))
            }
        }
    }
}

/// Writes what came. The function writes an event without the end of its line, and returns whether there is a line.
fn write<E>(
    notice: Option<Notice<E>>,
    out: &mut Vec<u8>,
    write_event: impl FnOnce(&E, &mut Vec<u8>) -> bool,
) -> NewsStep {
    match notice {
        Some(Notice::Happened(event)) => {
            if !write_event(&event, out) {
                return NewsStep::Nothing;
            }
        }
        Some(Notice::Missed(events)) => event::write_missed(events, out),
        None => {
            answer::write_error("the store has stopped, so there are no more events; connect again later", out);
            return NewsStep::End;
        }
    }
    out.extend(answer::END);
    NewsStep::Line
}

fn write_bucket_event(event: &BucketNews, out: &mut Vec<u8>) -> bool {
    match event {
        BucketNews::Created(name) => event::write_created(name.as_bytes(), out),
        BucketNews::Exited(name, reason) => event::write_exited(name.as_bytes(), &reason.to_string(), out),
    }
    true
}

fn write_key_event(bucket: &BucketName, event: &KeyEvent, out: &mut Vec<u8>) -> bool {
    let change = match event.kind {
        KeyEventKind::Put => KeyChange::Put,
        KeyEventKind::Delete => KeyChange::Delete,
        KeyEventKind::Expire => KeyChange::Expire,
        // An event that this protocol has no line for.
        _ => return false,
    };
    let is_told = event.bucket == *bucket;
    if is_told {
        event::write_changed(change, bucket.as_bytes(), &event.key, out);
    }
    is_told
}
