//! The keys that clients use: another one at each place once a key has had enough operations for every order of them to be tried.

use std::collections::BTreeMap;

/// So many operations of one key are compared with every order of them.
const OPERATIONS_MAX: usize = 60;

/// An operation that was not answered may have any place among the others, so few of these are enough.
const UNKNOWN_MAX: usize = 6;

/// The key that is in use at each place of a shelf or a bucket.
#[derive(Default)]
pub(super) struct Keys(BTreeMap<(String, u64), Key>);

#[derive(Default)]
struct Key {
    /// How many there were before.
    generation: u64,
    /// How many operations it has had, ...
    operations: usize,
    /// ... and how many of them have no answer, or none yet.
    unknown: usize,
}

impl Key {
    fn name(&self, place: u64) -> String {
        format!("{place}-{}", self.generation)
    }
}

impl Keys {
    /// The key for one more operation.
    pub(super) fn call(&mut self, of: &str, place: u64) -> String {
        let at = self.0.entry((of.to_owned(), place)).or_default();
        if at.operations == OPERATIONS_MAX || at.unknown == UNKNOWN_MAX {
            *at = Key { generation: at.generation + 1, ..Key::default() };
        }
        at.operations += 1;
        // Unknown until it is answered.
        at.unknown += 1;
        at.name(place)
    }

    /// It is known what came of an operation of this key.
    pub(super) fn is_known(&mut self, of: &str, place: u64, key: &str) {
        if let Some(at) = self.0.get_mut(&(of.to_owned(), place))
            && key == at.name(place)
        {
            at.unknown -= 1;
        }
    }
}
