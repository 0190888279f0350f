//! The entries of a bucket: a hash map for lookups, and an ordered set of its keys for listing.
//!
//! - N1: `order` has exactly the keys of `values`.
//!
//! A tree alone would do, but finding one of a thousand keys in it takes as long as the rest of a call. Reads, and writes
//! to an existing key, touch only the map. The set changes only when keys come and go.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::ops::Bound;
use std::sync::LazyLock;

use bytes::Bytes;

use crate::KeyPage;

/// Keys and their values.
#[derive(Default)]
pub(super) struct Entries {
    values: HashMap<Bytes, Bytes, Secret>,
    order: BTreeSet<Bytes>,
}

impl Entries {
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn get(&self, key: &Bytes) -> Option<&Bytes> {
        self.values.get(key)
    }

    /// Stores a value, or removes the key if there is none. Returns the old value.
    pub(super) fn set(&mut self, key: &Bytes, value: Option<Bytes>) -> Option<Bytes> {
        match value {
            Some(value) => self.insert(key, value),
            None => self.remove(key),
        }
    }

    fn insert(&mut self, key: &Bytes, value: Bytes) -> Option<Bytes> {
        if let Some(place) = self.values.get_mut(key) {
            return Some(std::mem::replace(place, value));
        }
        // Copied, because the key may be a slice of a large buffer, which would live as long as the key.
        let key = Bytes::copy_from_slice(key);
        self.order.insert(key.clone());
        self.values.insert(key, value)
    }

    fn remove(&mut self, key: &Bytes) -> Option<Bytes> {
        let removed = self.values.remove(key)?;
        self.order.remove(key);
        // A map never shrinks by itself.
        if self.values.capacity() > SMALL && self.values.len() * 4 < self.values.capacity() {
            self.values.shrink_to(self.values.len() * 2);
        }
        Some(removed)
    }

    /// One page, in the order of the keys.
    pub(super) fn page(&self, page: &KeyPage) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        let after = page.after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let keys = self.order.range::<Bytes, _>((after, Bound::Unbounded)).take(page.limit);
        keys.map(|key| (key, &self.values[key]))
    }

    /// All entries, in the order of the keys.
    pub(super) fn into_all(mut self) -> impl Iterator<Item = (Bytes, Bytes)> {
        self.order.into_iter().map(move |key| {
            let value = self.values.remove(&key).expect("by N1");
            (key, value)
        })
    }
}

impl FromIterator<(Bytes, Bytes)> for Entries {
    fn from_iter<T: IntoIterator<Item = (Bytes, Bytes)>>(entries: T) -> Self {
        let values: HashMap<_, _, _> = entries.into_iter().collect();
        let order = values.keys().cloned().collect();
        Self { values, order }
    }
}

/// Maps below this capacity are never shrunk.
const SMALL: usize = 64;

/// The program's secret for hashing keys, which clients choose. All buckets share it, so an empty bucket does not store
/// one.
#[derive(Clone, Copy, Default)]
struct Secret;

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

    #[test]
    fn a_key_that_was_cut_out_of_a_buffer_does_not_keep_it() {
        let large: Arc<[u8]> = Arc::from(&b"milk, and very much else"[..]);
        let buffer = Bytes::from_owner(Large(Arc::clone(&large)));
        let mut entries = Entries::default();
        assert_eq!(entries.set(&buffer.slice(..4), Some("1".into())), None);
        assert_eq!(entries.set(&buffer.slice(..4), Some("2".into())), Some("1".into()));
        drop(buffer);
        assert_eq!(Arc::strong_count(&large), 1);
        assert_eq!(entries.get(&"milk".into()), Some(&"2".into()));
        assert_eq!(entries.page(&KeyPage::first(9)).count(), 1);
    }
}
