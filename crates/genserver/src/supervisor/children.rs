//! The children of a supervisor: in the order of their first starts, each found without searching the others.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::{Index, IndexMut};

use super::child::Child;
use crate::node::dense::looked;
use crate::{MonitorRef, Pid};

/// Children by their numbers, and the numbers by id.
#[derive(Default)]
pub(super) struct Children {
    /// Numbers grow, so this is the order of the first starts.
    watched: BTreeMap<u64, Watched>,
    numbers: BTreeMap<Cow<'static, str>, u64>,
    last: u64,
}

/// A child, and the monitor that watches it.
pub(super) struct Watched {
    pub(super) child: Child,
    pub(super) monitor: Option<MonitorRef>,
    /// The process of the child, or the last one it had.
    pub(super) pid: Option<Pid>,
    /// The number that its monitor reports: unique among the children of its supervisor.
    pub(super) number: u64,
}

impl Children {
    /// Prepares a new child with the number that it will have. It is not among the others yet.
    pub(super) fn next(&mut self, child: Child) -> Watched {
        self.last += 1;
        Watched { child, monitor: None, pid: None, number: self.last }
    }

    /// Adds a child, whose number is larger than those of the others.
    pub(super) fn push(&mut self, watched: Watched) {
        self.numbers.insert(watched.child.info().id.clone(), watched.number);
        self.watched.insert(watched.number, watched);
    }

    pub(super) fn find(&self, id: &str) -> Option<u64> {
        self.numbers.get(id).copied()
    }

    pub(super) fn get(&self, number: u64) -> Option<&Watched> {
        self.watched.get(&number)
    }

    pub(super) fn remove(&mut self, number: u64) {
        if let Some(watched) = self.watched.remove(&number) {
            self.numbers.remove(&watched.child.info().id);
        }
    }

    /// Removes the child that was started last.
    pub(super) fn pop(&mut self) -> Option<Watched> {
        let (_, watched) = self.watched.pop_last()?;
        self.numbers.remove(&watched.child.info().id);
        Some(watched)
    }

    /// The numbers from the last child back to `first`.
    pub(super) fn backwards_to(&self, first: u64) -> Vec<u64> {
        self.watched.range(first..).rev().inspect(|_| looked()).map(|(number, _)| *number).collect()
    }

    /// The children from `first` to `last`, in order.
    pub(super) fn range_mut(&mut self, first: u64, last: u64) -> impl Iterator<Item = &mut Watched> {
        self.watched.range_mut(first..=last).inspect(|_| looked()).map(|(_, watched)| watched)
    }

    /// All children, in order.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Watched> {
        self.watched.values().inspect(|_| looked())
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Watched> {
        self.watched.values_mut().inspect(|_| looked())
    }
}

const HAS_IT: &str = "a number is asked for while its child is there";

impl Index<u64> for Children {
    type Output = Watched;

    fn index(&self, number: u64) -> &Watched {
        self.watched.get(&number).expect(HAS_IT)
    }
}

impl IndexMut<u64> for Children {
    fn index_mut(&mut self, number: u64) -> &mut Watched {
        self.watched.get_mut(&number).expect(HAS_IT)
    }
}
