//! Events that are written together, and those who wait for them.

use super::error::LogError;
use super::format;
use super::position::LogPosition;
use crate::handler::{HandlerCaller, Hold};

/// How many bytes may wait. One more event is accepted, however long it is.
pub(super) const WAITING_MAX: usize = 1 << 20;

/// How many callers may wait for a sync.
const FLUSHES_MAX: usize = 1024;

/// A caller that has asked for a sync.
pub(super) type Flush = HandlerCaller<Result<LogPosition, LogError>>;

/// What one job writes.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) records: Vec<u8>,
    /// How many events that is.
    events: u64,
    /// The events that somebody waits for, by their place in the batch, ascending.
    holds: Vec<(u64, Hold)>,
    flushes: Vec<Flush>,
    pub(super) sync: bool,
    /// Whether there is anything in it that was not tried yet.
    is_new: bool,
}

impl Batch {
    /// An empty batch, with a buffer that was used before.
    pub(super) fn with(mut records: Vec<u8>) -> Self {
        records.clear();
        Self { records, ..Self::default() }
    }

    pub(super) fn is_new(&self) -> bool {
        self.is_new
    }

    pub(super) fn has_space(&self) -> bool {
        self.records.len() < WAITING_MAX && self.flushes.len() < FLUSHES_MAX
    }

    pub(super) fn events(&self) -> u64 {
        self.events
    }

    pub(super) fn push(&mut self, time: u64, event: &[u8], hold: Option<Hold>) {
        format::push(&mut self.records, time, event);
        self.holds.extend(hold.map(|hold| (self.events, hold)));
        self.events += 1;
        self.is_new = true;
    }

    /// Asks for a sync, for a caller or for nobody.
    pub(super) fn flush(&mut self, flush: Option<Flush>) {
        self.flushes.extend(flush);
        (self.sync, self.is_new) = (true, true);
    }

    /// Tells everybody that it is done, and returns the buffer.
    pub(super) fn done(self, position: LogPosition) -> Vec<u8> {
        self.holds.into_iter().for_each(|(_, hold)| hold.done());
        self.flushes.into_iter().for_each(|flush| flush.reply(Ok(position)));
        self.records
    }

    /// Tells everybody that only the first events of it are kept. Returns those of the others that nobody waits for, to be
    /// tried again.
    pub(super) fn failed(self, kept: u64, error: &LogError) -> Self {
        let mut left = Self::default();
        let (mut at, mut holds) = (0, self.holds.iter().map(|(event, _)| *event).peekable());
        for event in 0..self.events {
            let size = format::size(&self.records[at..]);
            let is_held = holds.next_if_eq(&event).is_some();
            if event >= kept && !is_held {
                left.records.extend_from_slice(&self.records[at..at + size]);
                left.events += 1;
            }
            at += size;
        }
        for (event, hold) in self.holds {
            if event < kept { hold.done() } else { hold.refuse(error.clone()) }
        }
        self.flushes.into_iter().for_each(|flush| flush.reply(Err(error.clone())));
        left
    }

    /// Puts what was tried in vain before what has come since.
    pub(super) fn put_back(&mut self, tried: Self) {
        let Self { records, events, .. } = tried;
        self.holds.iter_mut().for_each(|(event, _)| *event += events);
        self.events += events;
        let later = std::mem::replace(&mut self.records, records);
        self.records.extend(later);
    }
}
