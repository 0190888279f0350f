//! The entries of a bucket: a hash map for lookups, and an ordered set of its keys for listing.
//!
//! - N1: `order` has exactly the keys of `values`.
//! - N2: each key with a time is in `values`, until it is removed. An expired one is there for `had` and `set`, which are for the
//!   storage and for removing it, and for nothing else.
//!
//! A tree alone would do, but finding one of a thousand keys in it takes as long as the rest of a call. Reads, and writes
//! to an existing key, touch only the map. The set changes only when keys come and go.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::ops::Bound;
use std::sync::LazyLock;

use bytes::Bytes;

use super::sizes;
use super::snapshot::{SnapshotPage, SnapshotRequest, Snapshots};
use super::times::{Sweep, Times};
use crate::KeyPage;
use crate::expiry::{Millis, TimeToLive};

/// Keys and their values.
#[derive(Default)]
pub(super) struct Entries {
    // None until there is a key: an empty bucket should be small.
    content: Option<Box<Content>>,
    snapshots: Snapshots,
}

#[derive(Default)]
struct Content {
    values: HashMap<Bytes, Bytes, Secret>,
    order: BTreeSet<Bytes>,
    // The bytes of all keys and values.
    data: usize,
    // None if no key expires.
    times: Option<Box<Times>>,
}

/// What a key has: its value, and when it expires.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Held {
    pub(super) value: Bytes,
    pub(super) expires: Option<Millis>,
}

impl From<Bytes> for Held {
    fn from(value: Bytes) -> Self {
        Self { value, expires: None }
    }
}

impl Entries {
    pub(super) fn len(&self) -> usize {
        self.held() - self.times().map_or(0, Times::due)
    }

    /// How many keys there are, with those that have expired.
    pub(super) fn held(&self) -> usize {
        self.content.as_ref().map_or(0, |content| content.values.len())
    }

    /// How many keys there is space for.
    pub(super) fn capacity(&self) -> usize {
        self.content.as_ref().map_or(0, |content| content.values.capacity())
    }

    /// The length of the value of a key, even if that has expired.
    pub(super) fn value_len(&self, key: &Bytes) -> Option<usize> {
        self.get_plain(key).map(Bytes::len)
    }

    /// What the entries take in memory: what they have asked the allocator for, to within a tenth.
    pub(super) fn bytes(&self) -> usize {
        let Some(content) = &self.content else { return 0 };
        let times = content.times.as_ref().map_or(0, |times| times.len() * sizes::TIME);
        let keys = content.values.len();
        let places = sizes::map(content.values.capacity()) + sizes::order(keys);
        size_of::<Content>() + content.data + keys * sizes::KEY + places + times
    }

    /// The value of a key that has not expired.
    #[inline]
    pub(super) fn get(&self, key: &Bytes) -> Option<&Bytes> {
        let value = self.get_plain(key)?;
        (!self.is_expired(key)).then_some(value)
    }

    /// The value of a key, even if that has expired (N2).
    #[inline]
    pub(super) fn get_plain(&self, key: &Bytes) -> Option<&Bytes> {
        self.content.as_ref()?.values.get(key)
    }

    /// What a key has, even if it has expired (N2).
    pub(super) fn had(&self, key: &Bytes) -> Option<Held> {
        let value = self.get_plain(key)?.clone();
        Some(Held { value, expires: self.expires(key) })
    }

    /// When a key expires or has expired.
    pub(super) fn expires(&self, key: &Bytes) -> Option<Millis> {
        self.times()?.get(key)
    }

    pub(super) fn is_expired(&self, key: &Bytes) -> bool {
        self.times().is_some_and(|times| times.is_expired(key))
    }

    pub(super) fn time_to_live(&self, key: &Bytes) -> TimeToLive {
        if self.get(key).is_none() {
            return TimeToLive::NoKey;
        }
        let left = self.times().and_then(|times| Some(times.get(key)?.since(times.clock())));
        left.map_or(TimeToLive::Unlimited, TimeToLive::Left)
    }

    /// The times, if some key has one.
    pub(super) fn times(&self) -> Option<&Times> {
        self.content.as_ref()?.times.as_deref().filter(|times| !times.is_empty())
    }

    /// The timer of the next turn of removing, if it is set.
    pub(super) fn sweep(&mut self) -> Option<&mut Option<Sweep>> {
        self.content.as_mut()?.times.as_mut().map(|times| &mut times.sweep)
    }

    /// Lets expire what expires until now.
    pub(super) fn advance(&mut self, now: Millis) {
        if let Some(times) = self.content.as_mut().and_then(|content| content.times.as_mut()) {
            times.advance(now);
        }
    }

    /// Gives back the memory of the times if there are none any more. Returns whether there are none.
    pub(super) fn forget_times(&mut self) -> bool {
        let Some(content) = &mut self.content else { return true };
        content.times.take_if(|times| times.is_empty());
        content.times.is_none()
    }

    /// Sets what a key has, or removes it if that is nothing. Returns what it had, even if that has expired.
    pub(super) fn set(&mut self, key: &Bytes, new: Option<Held>) -> Option<Held> {
        let is_there = new.is_some();
        let before = self.content.get_or_insert_default().set(key, new);
        if !self.snapshots.are_none() {
            self.snapshots.note(key, before.as_ref(), is_there);
        }
        before
    }

    /// Sets a value, if there are no times.
    #[inline]
    pub(super) fn set_plain(&mut self, key: &Bytes, value: Bytes) {
        if self.snapshots.are_none() {
            self.content.get_or_insert_default().insert(key, value);
        } else {
            self.set(key, Some(value.into()));
        }
    }

    /// Gives back memory: a map never shrinks by itself.
    pub(super) fn shrink(&mut self) {
        if let Some(content) = &mut self.content {
            content.shrink();
        }
    }

    /// One page of what has not expired, in the order of the keys.
    pub(super) fn page(&self, page: &KeyPage) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        let after = page.after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let content = self.content.as_deref().into_iter();
        let all = content.flat_map(move |content| {
            let keys = content.order.range::<Bytes, _>((after, Bound::Unbounded));
            keys.map(|key| (key, &content.values[key]))
        });
        all.filter(|(key, _)| !self.is_expired(key)).take(page.limit)
    }

    /// The next page of a client's snapshot: see [`Snapshots`]. A snapshot has what is `committed` of the keys that are on their way
    /// to the storage.
    pub(super) fn snapshot<'a>(
        &mut self,
        request: &SnapshotRequest,
        committed: impl Iterator<Item = (&'a Bytes, Option<&'a Held>)>,
    ) -> Option<SnapshotPage> {
        if request.is_first && !self.snapshots.begin(&request.client, committed) {
            return None;
        }
        let mut snapshots = std::mem::take(&mut self.snapshots);
        let page = snapshots.page(request, self);
        self.snapshots = snapshots;
        page
    }

    /// The keys after this one, in order, with those that have expired.
    pub(super) fn keys_after(&self, after: Option<&Bytes>) -> impl Iterator<Item = &Bytes> {
        let after = after.map_or(Bound::Unbounded, |after| Bound::Excluded(after.clone()));
        let content = self.content.as_deref().into_iter();
        content.flat_map(move |content| content.order.range::<Bytes, _>((after.clone(), Bound::Unbounded)))
    }

    /// Whether the time of what a key has or had is over.
    pub(super) fn is_over(&self, held: &Held) -> bool {
        let times = self.content.as_ref().and_then(|content| content.times.as_ref());
        times.zip(held.expires).is_some_and(|(times, at)| at <= times.clock())
    }

    /// Removes all entries, and returns them in the order of the keys, with those that have expired.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = (Bytes, Held)> + use<> {
        if !self.snapshots.are_none() {
            let mut snapshots = std::mem::take(&mut self.snapshots);
            for key in self.keys_after(None) {
                snapshots.note(key, self.had(key).as_ref(), false);
            }
            self.snapshots = snapshots;
        }
        let content = self.content.take().map(|content| *content);
        let Content { mut values, order, mut times, .. } = content.unwrap_or_default();
        // The clock stays (T2), and the timer.
        if let Some(times) = &mut times {
            let rest = Some(Box::new(times.rest()));
            self.content = Some(Box::new(Content { times: rest, ..Content::default() }));
        }
        order.into_iter().map(move |key| {
            let value = values.remove(&key).expect("by N1");
            let expires = times.as_ref().and_then(|times| times.get(&key));
            (key, Held { value, expires })
        })
    }
}

impl Content {
    fn set(&mut self, key: &Bytes, new: Option<Held>) -> Option<Held> {
        let (value, expires) = match new {
            Some(Held { value, expires }) => (self.insert(key, value), expires),
            None => (self.remove(key), None),
        };
        let mut before = value.map(Held::from);
        if self.times.is_some() || expires.is_some() {
            let at = self.set_time(key, expires);
            before = before.map(|held| Held { expires: at, ..held });
        }
        before
    }

    /// Sets the time of a key that is there, or that of any key to none.
    fn set_time(&mut self, key: &Bytes, at: Option<Millis>) -> Option<Millis> {
        // The copy of the key that the map has: the given one may be a slice of a large buffer.
        let own = self.values.get_key_value(key).map_or(key, |(key, _)| key);
        self.times.get_or_insert_default().set(own, at)
    }

    fn insert(&mut self, key: &Bytes, value: Bytes) -> Option<Bytes> {
        self.data += value.len();
        if let Some(place) = self.values.get_mut(key) {
            self.data -= place.len();
            return Some(std::mem::replace(place, value));
        }
        self.data += key.len();
        // Copied, because the key may be a slice of a large buffer, which would live as long as the key.
        let key = Bytes::copy_from_slice(key);
        self.order.insert(key.clone());
        self.values.insert(key, value)
    }

    fn remove(&mut self, key: &Bytes) -> Option<Bytes> {
        let removed = self.values.remove(key)?;
        self.data -= key.len() + removed.len();
        self.order.remove(key);
        // Not while expired keys are being removed, because it takes long in a large map: once when that is done.
        if self.times.as_ref().is_none_or(|times| times.due() == 0) {
            self.shrink();
        }
        Some(removed)
    }

    fn shrink(&mut self) {
        if self.values.capacity() > SMALL && self.values.len() * 4 < self.values.capacity() {
            self.values.shrink_to(self.values.len() * 2);
        }
    }
}

impl FromIterator<(Bytes, Held)> for Entries {
    fn from_iter<T: IntoIterator<Item = (Bytes, Held)>>(entries: T) -> Self {
        let entries = entries.into_iter();
        let values = HashMap::with_capacity_and_hasher(entries.size_hint().0, Secret);
        let mut all = Content { values, ..Content::default() };
        let mut times = Vec::new();
        // Of keys that come in their order, as from most storages, the set is made without a comparison more than one for each.
        let order = entries.map(|(key, Held { value, expires })| {
            times.extend(expires.map(|at| (key.clone(), at)));
            all.data += key.len() + value.len();
            all.values.insert(key.clone(), value);
            key
        });
        let order = order.collect();
        all.order = order;
        for (key, at) in times {
            all.set_time(&key, Some(at));
        }
        let content = (!all.values.is_empty()).then(|| Box::new(all));
        Self { content, snapshots: Snapshots::default() }
    }
}

/// Maps below this capacity are never shrunk.
const SMALL: usize = 64;

/// The program's secret for hashing keys, which clients choose. All buckets share it, so an empty bucket does not store
/// one.
#[derive(Clone, Copy, Default)]
pub(super) struct Secret;

static SECRET: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl BuildHasher for Secret {
    type Hasher = <RandomState as BuildHasher>::Hasher;

    fn build_hasher(&self) -> Self::Hasher {
        SECRET.build_hasher()
    }
}

#[cfg(test)]
mod tests {
    //! The memory of a key.

    use std::sync::Arc;

    use super::*;

    /// A large buffer, which others may hold as well.
    struct Large(Arc<[u8]>);

    impl AsRef<[u8]> for Large {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }

    fn value(value: &'static str) -> Held {
        Held::from(Bytes::from(value))
    }

    #[test]
    fn a_key_that_was_cut_out_of_a_buffer_does_not_keep_it() {
        let large: Arc<[u8]> = Arc::from(&b"milk, and very much else"[..]);
        let buffer = Bytes::from_owner(Large(Arc::clone(&large)));
        let mut entries = Entries::default();
        assert_eq!(entries.set(&buffer.slice(..4), Some(value("1"))), None);
        assert_eq!(entries.set(&buffer.slice(..4), Some(value("2"))), Some(value("1")));
        let expiring = Held { expires: Some(Millis::default()), ..value("2") };
        assert_eq!(entries.set(&buffer.slice(..4), Some(expiring)), Some(value("2")));
        assert_eq!(
            entries.set(&buffer.slice(..4), Some(value("2"))).and_then(|held| held.expires),
            Some(Millis::default())
        );
        drop(buffer);
        assert_eq!(Arc::strong_count(&large), 1);
        assert_eq!(entries.get(&"milk".into()), Some(&"2".into()));
        assert_eq!(entries.page(&KeyPage::first(9)).count(), 1);
    }
}
