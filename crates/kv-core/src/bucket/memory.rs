//! What a request would add to what the entries of a bucket take, and the count of both.
//!
//! - M1: a request that would go over a limit is refused before anything of it is applied. How a map grows is its own affair, so
//!   this is as exact as the account is: to within a tenth.
//! - M2: after each request, the bucket's [`Account`](crate::limits::Account) has what its entries take.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::entries::Entries;
use super::server::BucketServer;
use super::sizes::{KEY, TIME, map, order};
use crate::limits::{LimitError, Limits};
use crate::operation::Operation;

impl BucketServer {
    /// Refuses operations that would go over a limit, and counts what the others will add (M1).
    #[inline]
    pub(super) fn admit(&mut self, operations: &[Operation]) -> Result<(), LimitError> {
        let Some(account) = &mut self.account else { return Ok(()) };
        let limits = *account.limits();
        for operation in operations {
            match operation {
                Operation::Put(key, value) | Operation::Replace(key, value) | Operation::PutNew(key, value) => {
                    fits(&limits, key, value.len())?;
                }
                Operation::Add(key, _) => fits(&limits, key, INTEGER)?,
                _ => {}
            }
        }
        if limits.memory == usize::MAX {
            return Ok(());
        }
        let more = growth(&self.entries, operations);
        if more > 0 { account.reserve(more) } else { Ok(()) }
    }

    /// The same, for a value that a function has made.
    pub(super) fn admit_value(&mut self, key: &Bytes, value: Option<&Bytes>) -> Result<(), LimitError> {
        match value {
            Some(value) if self.account.is_some() => self.admit(&[Operation::Put(key.clone(), value.clone())]),
            _ => Ok(()),
        }
    }

    /// Counts what the entries take now (M2).
    #[inline]
    pub(super) fn settle(&mut self) {
        if let Some(account) = &mut self.account {
            account.settle(self.entries.bytes());
        }
    }
}

/// The bytes of the longest integer.
const INTEGER: usize = "-9223372036854775808".len();

fn fits(limits: &Limits, key: &Bytes, value: usize) -> Result<(), LimitError> {
    if key.len() > limits.key {
        return Err(LimitError::Key { bytes: key.len(), max: limits.key });
    }
    if value > limits.value {
        return Err(LimitError::Value { bytes: value, max: limits.value });
    }
    Ok(())
}

/// How many bytes more the entries will take after these operations; zero if they will take less.
fn growth(entries: &Entries, operations: &[Operation]) -> usize {
    let mut after = Forecast {
        entries,
        is_cleared: false,
        changed: BTreeMap::new(),
        keys: entries.held(),
        most: 0,
        added: 0,
        removed: 0,
    };
    for operation in operations {
        match operation {
            Operation::Put(key, value) | Operation::Replace(key, value) => after.set(key, Some(value.len())),
            Operation::PutNew(key, value) if after.length(key).is_none() || entries.is_expired(key) => {
                after.set(key, Some(value.len()));
            }
            Operation::Add(key, _) => after.set(key, Some(INTEGER)),
            Operation::Delete(key) => after.set(key, None),
            Operation::Clear => after.clear(),
            Operation::Expire(key, _) | Operation::ExpireIf(key, ..)
                if after.length(key).is_some() && entries.expires(key).is_none() =>
            {
                after.added += TIME;
            }
            _ => {}
        }
    }
    after.added += order(after.most).saturating_sub(order(entries.held()));
    let capacity = entries.capacity();
    if after.most > capacity {
        // It doubles, or more.
        after.added += map(after.most).max(2 * map(capacity)) - map(capacity);
    }
    after.added.saturating_sub(after.removed)
}

/// What entries will be after the operations that were looked at.
struct Forecast<'a> {
    entries: &'a Entries,
    is_cleared: bool,
    /// The lengths of the values of the keys that were changed.
    changed: BTreeMap<&'a Bytes, Option<usize>>,
    keys: usize,
    /// The most keys that there are in between.
    most: usize,
    added: usize,
    removed: usize,
}

impl<'a> Forecast<'a> {
    fn length(&self, key: &Bytes) -> Option<usize> {
        let held = || self.entries.value_len(key).filter(|_| !self.is_cleared);
        self.changed.get(key).copied().unwrap_or_else(held)
    }

    fn set(&mut self, key: &'a Bytes, value: Option<usize>) {
        let before = self.length(key);
        if let Some(value) = value {
            self.added += KEY + key.len() + value;
            self.keys += 1;
        }
        if let Some(before) = before {
            self.removed += KEY + key.len() + before;
            self.keys -= 1;
        }
        self.most = self.most.max(self.keys);
        self.changed.insert(key, value);
    }

    /// What was there is gone; what the map and the ordered set take comes again at most.
    fn clear(&mut self) {
        self.removed = self.added + self.entries.bytes() - map(self.entries.capacity()) - order(self.entries.held());
        self.changed.clear();
        (self.is_cleared, self.keys) = (true, 0);
    }
}
