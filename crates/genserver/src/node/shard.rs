//! One shard of a node's table of processes: a slab that releases memory when its processes have gone.

use std::sync::Arc;

use slab::Slab;

use crate::node::any_process::AnyProcess;
use crate::values::pid::Pid;

/// A shard of up to this capacity is not shrunk.
const KEPT: usize = 64;

/// Some processes, and the place after them.
pub(super) type SomeProcesses = (Vec<Arc<dyn AnyProcess>>, usize);

/// Some of a node's processes, by index.
#[derive(Default)]
pub(super) struct Shard {
    processes: Slab<Arc<dyn AnyProcess>>,
    /// When this number of processes is left, the shard tries to release memory.
    try_at: usize,
}

impl Shard {
    /// Adds the process that `make` makes of its index.
    pub(super) fn insert<P: AnyProcess + 'static>(&mut self, make: impl FnOnce(usize) -> P) -> Arc<P> {
        if self.processes.len() * 2 >= self.processes.capacity() {
            self.try_at = self.processes.capacity() / 4;
        }
        let entry = self.processes.vacant_entry();
        let process = Arc::new(make(entry.key()));
        entry.insert(Arc::clone(&process) as Arc<dyn AnyProcess>);
        process
    }

    /// The process at `index`, if its pid is `pid`.
    pub(super) fn get(&self, index: usize, pid: Pid) -> Option<&Arc<dyn AnyProcess>> {
        self.processes.get(index).filter(|process| process.head().pid == pid)
    }

    /// Removes the process at `index`, if its pid is `pid`. Drop it after the lock is released.
    pub(super) fn remove(&mut self, index: usize, pid: Pid) -> Option<Arc<dyn AnyProcess>> {
        self.get(index, pid)?;
        let removed = self.processes.try_remove(index);
        self.give_back();
        removed
    }

    /// The processes of at most `places` places from `from` on, and the place after them. `None` if there are no more places.
    pub(super) fn some(&self, from: usize, places: usize) -> Option<SomeProcesses> {
        // Some of these places may never have been taken, but all that are taken are among them.
        let end = self.processes.capacity();
        if from >= end {
            return None;
        }
        let next = from.saturating_add(places).min(end);
        Some(((from..next).filter_map(|place| self.processes.get(place).cloned()).collect(), next))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<dyn AnyProcess>> {
        self.processes.iter().map(|(_, process)| process)
    }

    /// Releases the memory of a burst, as far as no live process is stored behind it.
    ///
    /// That scans the whole shard. So it runs each time half of the processes have gone since it ran last, and starts over
    /// only when the shard has been half full again.
    fn give_back(&mut self) {
        let processes = self.processes.len();
        if self.processes.capacity() <= KEPT || processes > self.try_at {
            return;
        }
        self.try_at = processes / 2;
        if processes == 0 {
            *self = Self::default();
        } else {
            self.processes.shrink_to_fit();
        }
    }
}
