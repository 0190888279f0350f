//! How logs grow.

use std::time::Instant;

use bytes::Bytes;

use super::past::Moment;
use super::system::System;
use crate::engine::{ChangeError, LogEntry, Position};

impl System {
    /// Adds an entry to a log, or replaces all of them with it.
    pub(super) fn append(
        &mut self,
        log: &str,
        entry: Bytes,
        last: Position,
        is_snapshot: bool,
        now: Instant,
    ) -> Result<Position, ChangeError> {
        let entries = self.logs.latest(log).map_or(&[][..], Vec::as_slice);
        if entries.last().map_or(Position::default(), |entry| entry.position) != last {
            return Err(ChangeError::Conflict);
        }
        let mut entries = if is_snapshot { Vec::new() } else { entries.to_vec() };
        let position = Position(self.next_change());
        entries.push(LogEntry { position, entry, is_snapshot });
        self.logs.set(log, entries, self.moment(now), self.kept_from(now));
        Ok(position)
    }

    /// The entries behind a position, as they were at a moment.
    pub(super) fn read(&self, log: &str, after: Position, limit: usize, as_of: Moment) -> Vec<LogEntry> {
        let entries = self.logs.at(log, as_of).map_or(&[][..], Vec::as_slice);
        entries.iter().filter(|entry| entry.position > after).take(limit).cloned().collect()
    }
}
