//! The entries of a bucket: found by their keys as in a hash map, listed in the order of their keys as in a tree.
//!
//! - N1: `order` has exactly the keys that `values` has.
//!
//! A tree alone would do, but to find one of a thousand keys in it takes as long as all the rest of a call. Reading, and storing
//! under a key that is there, touch only the map; the tree changes with the keys.

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

    /// Stores a value, or takes the key out if there is none. Returns what was there.
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
        // A copy, for the key may have been cut out of something large, which would stay as long as the key does.
        let key = Bytes::copy_from_slice(key);
        self.order.insert(key.clone());
        self.values.insert(key, value)
    }

    fn remove(&mut self, key: &Bytes) -> Option<Bytes> {
        let removed = self.values.remove(key)?;
        self.order.remove(key);
        // A map never gives memory back by itself.
        if self.values.capacity() > SMALL && self.values.len() * 4 < self.values.capacity() {
            self.values.shrink_to(self.values.len() * 2);
        }
        Some(removed)
    }

    /// A part of them, in the order of the keys.
    pub(super) fn page(&self, page: &KeyPage) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        let after = page.after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let keys = self.order.range::<Bytes, _>((after, Bound::Unbounded)).take(page.limit);
        keys.map(|key| (key, &self.values[key]))
    }

    /// All of them, in the order of the keys.
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

/// Below this capacity a map is left as it is.
const SMALL: usize = 64;

/// The program's secret for hashing keys, which are somebody's choice: one for all buckets, so that an empty one need not have it.
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
    //! What a key costs.

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
