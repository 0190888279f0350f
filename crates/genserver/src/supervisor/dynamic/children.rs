//! The children of a dynamic supervisor: found by their processes, independent of each other.
//!
//! 1. Each child is stored under its process, or the last one it had. An operation on one child does not look at the others,
//!    unless it is about all of them.
//! 2. A child whose restart fails keeps its place, as restarting, under its last process.
//! 3. At the end of the supervisor all children are ordered to stop before it waits for any of them.

use std::fmt;

use futures::future::join_all;

use crate::node::dense::{Dense, Keyed};
use crate::supervisor::children::{Children, SupervisedChild};
use crate::supervisor::server::{SupervisorInfo, SupervisorServer};
use crate::supervisor::{ChildEntry, ChildInfo, SpecError, StartChildError};
use crate::{Cx, MonitorRef, Never, Outcome, Pid, ProcessRef, StartError};

/// The children of a [`DynamicSupervisor`](super::DynamicSupervisor).
pub struct DynamicChildren {
    /// How many are allowed.
    pub(super) max_children: usize,
    /// Rule 1.
    watched: Dense<SupervisedChild>,
}

impl Keyed for SupervisedChild {
    type Key = Pid;

    fn key(&self) -> Pid {
        self.pid
    }
}

impl DynamicChildren {
    pub(super) fn new() -> Self {
        Self { max_children: usize::MAX, watched: Dense::default() }
    }
}

impl Children for DynamicChildren {
    type Id = Pid;
    type Key = Pid;
    type Call = Never;

    const SUPERVISOR: &'static str = "DynamicSupervisor";

    fn check_spec(&self, child: &ChildInfo) -> Result<(), SpecError> {
        if child.significant {
            return Err(SpecError::SignificantUnderDynamic { id: child.id.to_string() });
        }
        Ok(())
    }

    fn check_place(&self, child: &ChildInfo) -> Result<(), StartChildError> {
        if self.watched.len() >= self.max_children {
            return Err(StartChildError::MaxChildren { id: child.id.to_string(), max: self.max_children });
        }
        Ok(())
    }

    fn insert(&mut self, mut watched: SupervisedChild) {
        // The children of a dynamic supervisor are mostly alike.
        if let Some(other) = self.watched.last() {
            watched.child.share_info(&other.child);
        }
        self.watched.insert(watched);
    }

    fn find(&self, pid: &Pid) -> Option<Pid> {
        self.watched.get(*pid).map(|watched| watched.pid)
    }

    fn get(&self, pid: Pid) -> Option<&SupervisedChild> {
        self.watched.get(pid)
    }

    fn get_mut(&mut self, pid: Pid) -> Option<&mut SupervisedChild> {
        self.watched.get_mut(pid)
    }

    fn iter(&self) -> impl Iterator<Item = &SupervisedChild> {
        self.watched.iter()
    }

    /// In the order of their first starts. The pids say only when each was started last.
    fn entries(&self) -> Vec<ChildEntry> {
        let mut children: Vec<&SupervisedChild> = self.watched.iter().collect();
        children.sort_by_key(|watched| watched.number);
        children.into_iter().map(|watched| ChildEntry::of(&watched.child)).collect()
    }

    fn forget(&mut self, pid: Pid) {
        self.watched.remove(pid);
    }

    /// The `Down` names the process, so the function captures nothing: that would be an allocation for each child.
    fn monitor(process: &ProcessRef, _number: u64, cx: &mut Cx<SupervisorServer<Self>>) -> MonitorRef {
        cx.monitor(process, |down| SupervisorInfo::down(down.pid, down))
    }

    async fn restart(&mut self, pid: Pid, cx: &mut Cx<SupervisorServer<Self>>) -> Result<(), Pid> {
        // It is taken out because another process is another key.
        let Some(mut watched) = self.watched.remove(pid) else { return Ok(()) };
        let started = watched.restart(cx).await;
        // A child that chose not to run is forgotten.
        if !matches!(started, Err(StartError::Ignored { .. })) {
            self.watched.insert(watched);
        }
        match started {
            Ok(_) | Err(StartError::Ignored { .. }) => Ok(()),
            Err(_) => Err(pid),
        }
    }

    async fn shut_down_all(&mut self, cx: &mut Cx<SupervisorServer<Self>>) {
        let mut children: Vec<SupervisedChild> = self.watched.drain().collect();
        // The first poll of each orders it to stop, and starts its time limit (rule 3).
        let ends = join_all(children.iter_mut().map(|watched| watched.child.shut_down())).await;
        for (watched, unexpected) in children.iter().zip(ends) {
            watched.report_shutdown(unexpected, cx);
        }
    }

    async fn handle_call(
        _server: &mut SupervisorServer<Self>,
        call: Never,
        _cx: &mut Cx<SupervisorServer<Self>>,
    ) -> Outcome<SupervisorServer<Self>> {
        match call {}
    }
}

/// Prints the number of children: there may be very many.
impl fmt::Debug for DynamicChildren {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamicChildren")
            .field("children", &self.watched.len())
            .field("max_children", &self.max_children)
            .finish()
    }
}
