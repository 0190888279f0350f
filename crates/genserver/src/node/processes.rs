//! Going through the processes of a node without a list of all of them.

use std::fmt;
use std::vec;

use crate::node::process_ref::ProcessRef;
use crate::node::table::{Node, SHARDS};

/// How many places of the table are looked at under one lock: it is held for some ten microseconds.
const PLACES: usize = 256;

/// The processes of a node, made by [`Node::processes`].
pub struct Processes {
    node: Node,
    shard: usize,
    /// The place in the shard that is looked at next.
    place: usize,
    taken: vec::IntoIter<ProcessRef>,
}

impl Iterator for Processes {
    type Item = ProcessRef;

    fn next(&mut self) -> Option<ProcessRef> {
        loop {
            if let Some(process) = self.taken.next() {
                return Some(process);
            }
            if self.shard == SHARDS as usize {
                return None;
            }
            if let Some((taken, next)) = self.node.some_processes(self.shard, self.place, PLACES) {
                self.taken = taken.into_iter().map(ProcessRef::new).collect::<Vec<_>>().into_iter();
                self.place = next;
            } else {
                self.shard += 1;
                self.place = 0;
            }
        }
    }
}

impl fmt::Debug for Processes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Processes").field("node", &self.node).finish_non_exhaustive()
    }
}

impl Node {
    /// Goes through the processes of this node, in no particular order: OTP's `processes_iterator`.
    ///
    /// It takes a few at a time, so starts and ends wait for no more than these, however many there are. A process that lives
    /// from the beginning to the end is yielded once. One that starts or ends meanwhile may be yielded or not.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// use genserver::Node;
    ///
    /// let node = Node::new();
    /// for _ in 0..1000 {
    ///     node.start::<Quiet>(()).await?;
    /// }
    /// let queued: usize = node.processes().map(|process| process.info().mailbox).sum();
    /// assert_eq!((node.processes().count(), queued), (1000, 0));
    /// # }
    /// ```
    #[doc(alias = "processes_iterator")]
    pub fn processes(&self) -> Processes {
        Processes { node: self.clone(), shard: 0, place: 0, taken: Vec::new().into_iter() }
    }
}
