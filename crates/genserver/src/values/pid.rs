//! The identity of a process.

use std::fmt;

/// The identity of one process: unique in the program, never used again.
///
/// A pid is a small `Copy` value. It refers to a process without keeping it alive, can be compared, ordered and used as a
/// key, and goes on naming the same process after that process has ended. Two runs of a program that start the same
/// processes in the same order print the same pids.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid {
    /// The node, and the process's index in its table. They share one number because pids are compared and stored at every call.
    place: u64,
    /// Counts the processes of a node, which makes the pid unique.
    pub(crate) serial: u64,
}

impl Pid {
    /// The pid of no process: the sender of a signal from plain code, or the owner of a name that is not registered.
    #[doc(alias = "undefined")]
    pub const NOBODY: Self = Self::new(u32::MAX, 0, 0);

    /// The number that is printed. It counts the processes of the node, from one.
    pub fn number(self) -> u64 {
        self.serial
    }

    pub(crate) const fn new(node: u32, index: u32, serial: u64) -> Self {
        Self { place: (node as u64) << 32 | index as u64, serial }
    }

    /// The number of its node.
    pub(crate) fn node(self) -> u32 {
        (self.place >> 32) as u32
    }

    /// The process's index in its node's table.
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
    pub(crate) fn index(self) -> u32 {
        self.place as u32
    }

    /// Node and index in one number.
    #[inline]
    pub(crate) fn place(self) -> u64 {
        self.place
    }

    #[inline]
    pub(crate) fn from_parts(place: u64, serial: u64) -> Self {
        Self { place, serial }
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.serial)
    }
}

impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pid<{}>", self.serial)
    }
}
