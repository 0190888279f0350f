//! The entries of a bucket at one point in time, handed out page by page while the bucket goes on.
//!
//! A copy of a million entries would hold the bucket up for a tenth of a second. So it keeps the values before the changes that come
//! in between, of keys that are still to be handed out.
//!
//! - P1: `before` has a key that was changed since the beginning and is after `after`, with what it had then.
//! - P2: a key with no value then and none now is not in `before`. So `before` is not larger than the bucket then and now.

use std::collections::btree_map::{BTreeMap, Entry as Place};
use std::sync::{Arc, Weak};

use bytes::Bytes;

use super::entries::{Entries, Held};
use crate::expiry::Millis;
use crate::storage::Entry;

/// How many snapshots of one bucket there may be at the same time.
const SNAPSHOTS_MAX: usize = 16;

/// The snapshots of a bucket. Small while there is none.
#[expect(clippy::box_collection, reason = "an empty bucket is small: a pointer instead of three words")]
#[derive(Default)]
pub(super) struct Snapshots(Option<Box<Vec<Snapshot>>>);

struct Snapshot {
    // Of the client. Once it is gone, nobody asks for more.
    client: Weak<()>,
    // The last key that was handed out.
    after: Option<Bytes>,
    before: BTreeMap<Bytes, Option<Held>>,
}

/// The next page of a client's snapshot. The first request takes it.
#[derive(Clone)]
pub(super) struct SnapshotRequest {
    pub(super) client: Arc<()>,
    pub(super) is_first: bool,
    pub(super) limit: usize,
}

/// One page, in the order of the keys. It may be empty, and not the last.
pub(super) struct SnapshotPage {
    pub(super) entries: Vec<Entry>,
    pub(super) is_last: bool,
}

impl Snapshots {
    /// Whether there are none, so that a change need not be noted.
    #[inline]
    pub(super) fn are_none(&self) -> bool {
        self.0.is_none()
    }

    /// Notes a change: the value that the key had before it, and whether it has one after it.
    pub(super) fn note(&mut self, key: &Bytes, before: Option<&Held>, is_there: bool) {
        let Some(snapshots) = &mut self.0 else { return };
        snapshots.retain(|snapshot| snapshot.client.strong_count() > 0);
        for snapshot in snapshots.iter_mut() {
            snapshot.note(key, before, is_there);
        }
        if snapshots.is_empty() {
            self.0 = None;
        }
    }

    /// Takes a snapshot of what is there, but for these keys, which have other values in it. False if there are too many.
    pub(super) fn begin<'a>(
        &mut self,
        client: &Arc<()>,
        but_for: impl Iterator<Item = (&'a Bytes, Option<&'a Held>)>,
    ) -> bool {
        let snapshots = self.0.get_or_insert_default();
        snapshots.retain(|snapshot| snapshot.client.strong_count() > 0);
        if snapshots.len() >= SNAPSHOTS_MAX {
            return false;
        }
        let mut before = BTreeMap::new();
        for (key, value) in but_for {
            before.entry(key.clone()).or_insert_with(|| value.cloned());
        }
        snapshots.push(Snapshot { client: Arc::downgrade(client), after: None, before });
        true
    }

    /// The next page of the client's snapshot. None if there is no such snapshot.
    pub(super) fn page(&mut self, request: &SnapshotRequest, entries: &Entries) -> Option<SnapshotPage> {
        let snapshots = self.0.as_mut()?;
        let its = |snapshot: &Snapshot| std::ptr::eq(snapshot.client.as_ptr(), Arc::as_ptr(&request.client));
        let place = snapshots.iter().position(its)?;
        let page = snapshots[place].page(request.limit, entries);
        if page.is_last {
            snapshots.swap_remove(place);
        }
        Some(page)
    }
}

impl Snapshot {
    fn note(&mut self, key: &Bytes, before: Option<&Held>, is_there: bool) {
        let is_handed_out = self.after.as_ref().is_some_and(|after| key <= after);
        if is_handed_out || (before.is_none() && !is_there) {
            return;
        }
        // Copied, because the key may be a slice of a large buffer.
        match self.before.entry(Bytes::copy_from_slice(key)) {
            Place::Vacant(place) => drop(place.insert(before.cloned())),
            // By P2.
            Place::Occupied(place) if place.get().is_none() && !is_there => drop(place.remove()),
            Place::Occupied(_) => {}
        }
    }

    /// Looks at no more than `limit` keys, so that the bucket is not held up by keys that came later.
    fn page(&mut self, limit: usize, entries: &Entries) -> SnapshotPage {
        let after = self.after.clone();
        let mut now = entries.keys_after(after.as_ref()).peekable();
        let mut page = SnapshotPage { entries: Vec::new(), is_last: false };
        for _ in 0..limit {
            let changed = self.before.keys().next();
            let Some(key) = now.peek().copied().into_iter().chain(changed).min().cloned() else {
                page.is_last = true;
                break;
            };
            let is_there = now.next_if(|now| **now == key).is_some();
            let held = match self.before.remove(&key) {
                Some(before) => before,
                None if is_there => entries.had(&key),
                None => None,
            };
            page.entries.extend(held.filter(|held| !entries.is_over(held)).map(|held| entry(&key, held)));
            self.after = Some(key);
        }
        page
    }
}

fn entry(key: &Bytes, Held { value, expires }: Held) -> Entry {
    Entry { key: key.clone(), value, expires: expires.and_then(Millis::system_time) }
}
