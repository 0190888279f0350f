//! The channels that a client has subscribed to, and the events that they carry.
//!
//! | channel | message |
//! |---|---|
//! | `__keyspace@0__:<bucket>` | what happened: `hset`, `hdel`, `hexpired` or `del` |
//! | `__keyevent@0__:<what happened>` | the name of the bucket |
//! | `kv.events` | a line of [`SubscriptionEvent`](crate::SubscriptionEvent) |
//!
//! A client may subscribe to any other channel, and hears nothing there.

use std::collections::BTreeSet;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::io::AsyncWrite;
use genserver::Reason;
use kv_core::{BucketEvent, KeyEvent, KeyEventKind};

use super::pattern::matches;
use super::reply::{self, Version};
use crate::batch::Refusal;
use crate::event;
use crate::served::ServedStore;
use crate::session::replies::Replies;
use crate::subscription::{BucketNews, Notice, Subscription};

/// The most channels and patterns of a client, and the most bytes that they may have together. Each event is compared with all of
/// them.
const CHANNELS_MAX: usize = 1024;
const BYTES_MAX: usize = 64 * 1024;

/// After this many events in a row the session looks at its input.
const EVENTS_IN_A_ROW: u32 = 1024;

const EVENTS: &[u8] = b"kv.events";
const KEYSPACE: &[u8] = b"__keyspace@0__:";
const KEYEVENT: &[u8] = b"__keyevent@0__:";

/// Channels or patterns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Channel,
    Pattern,
}

/// What a client has subscribed to.
#[derive(Default)]
pub(super) struct Subscriptions {
    channels: BTreeSet<Bytes>,
    patterns: BTreeSet<Bytes>,
    bytes: usize,
    // Each only while some channel or pattern needs it: buckets make events of keys only for those who listen.
    buckets: Option<Subscription<BucketEvent>>,
    keys: Option<Subscription<KeyEvent>>,
}

impl Subscriptions {
    pub(super) fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// How many channels and patterns there are.
    pub(super) fn count(&self) -> usize {
        self.channels.len() + self.patterns.len()
    }

    pub(super) fn channels(&self) -> usize {
        self.channels.len()
    }

    pub(super) fn patterns(&self) -> usize {
        self.patterns.len()
    }

    /// Whether these may be added.
    pub(super) fn has_space(&self, more: impl Iterator<Item: AsRef<[u8]>>) -> bool {
        let (count, bytes) = more.fold((0, 0), |(count, bytes), it| (count + 1, bytes + it.as_ref().len()));
        self.count() + count <= CHANNELS_MAX && self.bytes + bytes <= BYTES_MAX
    }

    pub(super) fn add(&mut self, kind: Kind, name: Bytes) {
        let length = name.len();
        let names = if kind == Kind::Channel { &mut self.channels } else { &mut self.patterns };
        if names.insert(name) {
            self.bytes += length;
        }
    }

    pub(super) fn remove(&mut self, kind: Kind, name: &[u8]) {
        let names = if kind == Kind::Channel { &mut self.channels } else { &mut self.patterns };
        if names.remove(name) {
            self.bytes -= name.len();
        }
    }

    /// All channels, or all patterns.
    pub(super) fn all(&self, kind: Kind) -> Vec<Bytes> {
        let names = if kind == Kind::Channel { &self.channels } else { &self.patterns };
        names.iter().cloned().collect()
    }

    /// Begins to listen to what is needed, and stops to listen to what is not.
    pub(super) async fn listen(&mut self, store: &ServedStore, buffer: usize) -> Result<(), Refusal> {
        let any = |is_such: fn(&[u8]) -> bool| !self.patterns.is_empty() || self.channels.iter().any(|it| is_such(it));
        let needs_keys = any(|channel| channel.starts_with(KEYSPACE) || channel.starts_with(KEYEVENT));
        let needs_buckets = needs_keys || any(|channel| channel == EVENTS);
        if !needs_keys {
            self.keys = None;
        } else if self.keys.is_none() {
            self.keys = Some(Subscription::begin(store, buffer).await?);
        }
        if !needs_buckets {
            self.buckets = None;
        } else if self.buckets.is_none() {
            self.buckets = Some(Subscription::begin(store, buffer).await?);
        }
        Ok(())
    }

    /// Queues messages. Returns whether there may be more.
    pub(super) fn poll_news<W: AsyncWrite + Unpin>(
        &mut self,
        version: Version,
        replies: &mut Replies<W>,
        cx: &mut Context<'_>,
    ) -> bool {
        // A store may have many events that are not for this client.
        for _ in 0..EVENTS_IN_A_ROW {
            if replies.is_full() {
                break;
            }
            if let Poll::Ready(notice) = self.keys.as_mut().map_or(Poll::Pending, |keys| keys.poll_next(cx)) {
                match notice {
                    Some(Notice::Happened(event)) => self.key_event(&event, version, replies.short()),
                    Some(Notice::Missed(events)) => self.missed(events, version, replies.short()),
                    None => self.keys = None,
                }
                continue;
            }
            let Poll::Ready(notice) = self.buckets.as_mut().map_or(Poll::Pending, |buckets| buckets.poll_next(cx))
            else {
                return false;
            };
            match notice {
                Some(Notice::Happened(event)) => self.bucket_event(&event, version, replies.short()),
                Some(Notice::Missed(events)) => self.missed(events, version, replies.short()),
                None => {
                    self.buckets = None;
                    self.publish(EVENTS, b"STOPPED", version, replies.short());
                }
            }
        }
        !self.is_empty()
    }

    fn key_event(&self, event: &KeyEvent, version: Version, out: &mut Vec<u8>) {
        let what = match event.kind {
            KeyEventKind::Put => "hset",
            KeyEventKind::Delete => "hdel",
            KeyEventKind::Expire => "hexpired",
            // One that Redis has no name for.
            _ => return,
        };
        self.happened(event.bucket.as_bytes(), what.as_bytes(), version, out);
    }

    fn bucket_event(&self, event: &BucketNews, version: Version, out: &mut Vec<u8>) {
        let mut line = Vec::new();
        match event {
            BucketNews::Created(name) => event::write_created(name.as_bytes(), &mut line),
            BucketNews::Exited(name, reason) => {
                event::write_exited(name.as_bytes(), &reason.to_string(), &mut line);
                // A bucket that has crashed was not deleted; its storage may have all of it.
                if *reason == Reason::Normal {
                    self.happened(name.as_bytes(), b"del", version, out);
                }
            }
        }
        self.publish(EVENTS, &line, version, out);
    }

    fn missed(&self, events: Option<u64>, version: Version, out: &mut Vec<u8>) {
        let mut line = Vec::new();
        event::write_missed(events, &mut line);
        self.publish(EVENTS, &line, version, out);
    }

    /// Publishes what happened in a bucket, on both of its channels.
    fn happened(&self, bucket: &[u8], what: &[u8], version: Version, out: &mut Vec<u8>) {
        self.publish(&[KEYSPACE, bucket].concat(), what, version, out);
        self.publish(&[KEYEVENT, what].concat(), bucket, version, out);
    }

    fn publish(&self, channel: &[u8], message: &[u8], version: Version, out: &mut Vec<u8>) {
        if self.channels.contains(channel) {
            reply::push(3, version, out);
            reply::bulk(b"message", out);
            reply::bulk(channel, out);
            reply::bulk(message, out);
        }
        for pattern in self.patterns.iter().filter(|pattern| matches(pattern, channel)) {
            reply::push(4, version, out);
            reply::bulk(b"pmessage", out);
            reply::bulk(pattern, out);
            reply::bulk(channel, out);
            reply::bulk(message, out);
        }
    }
}
