//! How far one consumer has come in the log.

use std::task::Waker;

use genserver::Pid;

use super::stream_end::StreamEnd;
use crate::values::{LagPolicy, NotifyMode};

/// How many events a consumer takes at once: the log is locked once for each batch.
const BATCH: u64 = 32;

/// What a consumer asks for when it subscribes.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    /// How many events may wait for it.
    pub(crate) capacity: u64,
    /// What happens to the next one.
    pub(crate) lag: LagPolicy,
    /// Limits how long senders wait for it.
    pub(crate) mode: NotifyMode,
}

/// The place of one consumer in the log.
pub(super) struct Cursor {
    /// The number of the stream: places are used again.
    pub(super) stream: u64,
    pub(super) terms: Terms,
    /// The number of the next event that it takes.
    pub(super) next: u64,
    /// How many events of its last batch it still has, besides the one that it works on.
    pub(super) in_hand: u64,
    /// How many events were dropped since it was last told.
    pub(super) lost: u64,
    /// It has received all events below this number that a sender waited for, ...
    pub(super) received: u64,
    /// ... and is done with those below this one.
    pub(super) finished: u64,
    /// Wakes the consumer, if it sleeps.
    pub(super) waker: Option<Waker>,
    /// The process that polled last.
    pub(super) process: Option<Pid>,
    pub(super) end: Option<Box<End>>,
}

/// Where a stream ends.
pub(super) struct End {
    pub(super) why: StreamEnd,
    /// The number of the first event that it does not get.
    pub(super) at: u64,
}

impl Cursor {
    pub(super) fn new(stream: u64, terms: Terms, next: u64) -> Self {
        Self {
            stream,
            terms,
            next,
            in_hand: 0,
            lost: 0,
            received: 0,
            finished: 0,
            waker: None,
            process: None,
            end: None,
        }
    }

    /// The number of the first event that does not fit into its buffer.
    pub(super) fn full_at(&self) -> u64 {
        (self.next - self.in_hand).saturating_add(self.terms.capacity)
    }

    /// The number of the first event that it does not take, if there are so many.
    pub(super) fn until(&self, head: u64) -> u64 {
        self.end.as_ref().map_or(head, |end| end.at)
    }

    /// How many events it takes at once, at most. A small buffer is not emptied in batches: what is in hand would count against
    /// the capacity.
    pub(super) fn batch(&self) -> u64 {
        if self.terms.capacity < 2 * BATCH { 1 } else { BATCH }
    }

    /// Whether it has come as far as it should with the event before `head`, which was sent this way.
    pub(super) fn has_settled(&self, mode: NotifyMode, head: u64) -> bool {
        match mode.min(self.terms.mode) {
            NotifyMode::Async => true,
            NotifyMode::Ack => self.received >= head,
            NotifyMode::Sync => self.finished >= head,
        }
    }
}
