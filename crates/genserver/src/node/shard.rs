//! A part of a node's table of processes: each under an index, and memory for about as many as there are.

use std::sync::Arc;

use slab::Slab;

use crate::node::any_process::AnyProcess;
use crate::values::pid::Pid;

/// A part of this capacity is left as it is.
const KEPT: usize = 64;

/// Some of a node's processes, by their indices.
#[derive(Default)]
pub(super) struct Shard {
    processes: Slab<Arc<dyn AnyProcess>>,
    /// At so many processes it is tried to give memory back.
    try_at: usize,
}

impl Shard {
    /// Puts in what `make` makes of the index that it gets.
    pub(super) fn insert<P: AnyProcess + 'static>(&mut self, make: impl FnOnce(usize) -> P) -> Arc<P> {
        if self.processes.len() * 2 >= self.processes.capacity() {
            self.try_at = self.processes.capacity() / 4;
        }
        let entry = self.processes.vacant_entry();
        let process = Arc::new(make(entry.key()));
        entry.insert(Arc::clone(&process) as Arc<dyn AnyProcess>);
        process
    }

    /// The process, if it is the one that stands there.
    pub(super) fn get(&self, index: usize, pid: Pid) -> Option<&Arc<dyn AnyProcess>> {
        self.processes.get(index).filter(|process| process.head().pid == pid)
    }

    /// Takes the process out, if it is the one that stands there. It is to be dropped without the lock.
    pub(super) fn remove(&mut self, index: usize, pid: Pid) -> Option<Arc<dyn AnyProcess>> {
        self.get(index, pid)?;
        let removed = self.processes.try_remove(index);
        self.give_back();
        removed
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<dyn AnyProcess>> {
        self.processes.iter().map(|(_, process)| process)
    }

    /// Gives back the memory of a burst, as far as nobody who is still there stands behind it.
    ///
    /// That looks at every place. So it is tried each time that half of the processes have gone since it was tried last, and from
    /// the beginning only when the table has been half full again.
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
