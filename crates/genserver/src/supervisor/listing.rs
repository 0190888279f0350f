//! What a supervisor lists: an entry for each child, and how many there are.

use super::child::{Child, ChildState};
use super::child_spec::ChildInfo;
use super::policy::ChildKind;
use crate::ProcessRef;

/// One child, as [`Supervisor::which_children`](super::Supervisor::which_children) lists it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ChildEntry {
    /// The description in its spec.
    pub info: ChildInfo,
    /// What it is doing.
    pub state: ChildState,
}

impl ChildEntry {
    pub(super) fn of(child: &Child) -> Self {
        Self { info: child.info().clone(), state: child.state().clone() }
    }
}

/// The numbers of a supervisor's children: made by [`Supervisor::count_children`](super::Supervisor::count_children).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct ChildCounts {
    /// All of them, running or not.
    pub specs: usize,
    /// Those that are running.
    pub active: usize,
    /// Those that are supervisors, running or not.
    pub supervisors: usize,
    /// Those that are not supervisors, running or not.
    pub workers: usize,
}

impl ChildCounts {
    /// Counts `children`, for a supervisor of your own.
    #[expect(single_use_lifetimes, reason = "the lifetime within an `impl` has to have a name")]
    pub fn of<'a>(children: impl IntoIterator<Item = &'a Child>) -> Self {
        let mut counts = Self::default();
        for child in children {
            counts.specs += 1;
            match child.info().kind {
                ChildKind::Worker => counts.workers += 1,
                ChildKind::Supervisor => counts.supervisors += 1,
            }
            if child.process().is_some_and(ProcessRef::is_alive) {
                counts.active += 1;
            }
        }
        counts
    }
}
