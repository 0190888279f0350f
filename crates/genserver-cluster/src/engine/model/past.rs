//! What keys and logs were at each instant, as far back as somebody may still read it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

/// An instant, and the number of the last change by then: several are made at one instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Moment {
    pub(super) at: Instant,
    pub(super) last: u64,
}

/// Values by name, each with those that it had before, and when each began.
#[derive(Debug)]
pub(super) struct Past<V>(BTreeMap<String, VecDeque<(Moment, V)>>);

impl<V> Default for Past<V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<V> Past<V> {
    /// The value now.
    pub(super) fn latest(&self, name: &str) -> Option<&V> {
        self.0.get(name)?.back().map(|(_, value)| value)
    }

    /// The value at a moment.
    pub(super) fn at(&self, name: &str, at: Moment) -> Option<&V> {
        value_at(self.0.get(name)?, at)
    }

    /// All values at a moment, of the names that begin so.
    pub(super) fn all_at(&self, prefix: &str, at: Moment) -> Vec<(&str, &V)> {
        self.named(prefix).filter_map(|(name, values)| Some((name, value_at(values, at)?))).collect()
    }

    /// All values that are kept, of the names that begin so.
    pub(super) fn all(&self, prefix: &str) -> impl Iterator<Item = (&str, &V)> {
        self.named(prefix).flat_map(|(name, values)| values.iter().map(move |(_, value)| (name, value)))
    }

    /// Sets a value. What was not true any more at `kept_from` is forgotten.
    pub(super) fn set(&mut self, name: &str, value: V, now: Moment, kept_from: Instant) {
        let values = self.0.entry(name.to_owned()).or_default();
        values.push_back((now, value));
        while values.get(1).is_some_and(|(since, _)| since.at < kept_from) {
            values.pop_front();
        }
    }

    fn named<'a>(&'a self, prefix: &str) -> impl Iterator<Item = (&'a str, &'a VecDeque<(Moment, V)>)> {
        self.0.iter().filter(move |(name, _)| name.starts_with(prefix)).map(|(name, values)| (name.as_str(), values))
    }
}

fn value_at<V>(values: &VecDeque<(Moment, V)>, at: Moment) -> Option<&V> {
    values.iter().rev().find(|(since, _)| since.at <= at.at && since.last <= at.last).map(|(_, value)| value)
}
