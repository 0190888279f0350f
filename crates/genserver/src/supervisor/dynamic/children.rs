//! The children of a dynamic supervisor: found by their processes, independent of each other.
//!
//! 1. Each child is stored under its process, or the last one it had. An operation on one child does not look at the others,
//!    unless it is about all of them.
//! 2. A child whose restart fails keeps its place, as restarting, under its last process.
//! 3. At the end of the supervisor all children are ordered to stop before it waits for any of them.

use std::collections::BTreeMap;
use std::fmt;

use futures::future::join_all;

use crate::node::dense::{Dense, Keyed};
use crate::supervisor::children::{Children, SupervisedChild};
use crate::supervisor::server::{SupervisorInfo, SupervisorServer};
use crate::supervisor::{Child, ChildEntry, ChildInfo, ChildSpec, SpecError, StartChildError};
use crate::{Cx, MonitorRef, Never, Outcome, Pid, ProcessRef, StartError};

/// The children of a [`DynamicSupervisor`](super::DynamicSupervisor).
pub struct DynamicChildren {
    /// How many are allowed.
    pub(super) max_children: usize,
    /// Rule 1.
    watched: Dense<SupervisedChild<DynamicChildren>>,
    /// The first monitors of the children that have been restarted. Those of a supervisor grow, so the first monitor of a
    /// child says which was started earlier. A number in each child would say it, too, and make every child larger.
    first_monitors: BTreeMap<Pid, MonitorRef>,
}

impl Keyed for SupervisedChild<DynamicChildren> {
    type Key = Pid;

    fn key(&self) -> Pid {
        self.pid
    }
}

impl DynamicChildren {
    pub(super) fn new() -> Self {
        Self { max_children: usize::MAX, watched: Dense::default(), first_monitors: BTreeMap::new() }
    }
}

impl Children for DynamicChildren {
    type Id = Pid;
    type Key = Pid;
    type Number = ();
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

    fn make_child(spec: ChildSpec, _number: u64) -> SupervisedChild<Self> {
        SupervisedChild::new(Child::new(spec), ())
    }

    fn insert(&mut self, mut watched: SupervisedChild<DynamicChildren>) {
        // The children of a dynamic supervisor are mostly alike.
        if let Some(other) = self.watched.last() {
            watched.child.share_info(&other.child);
        }
        self.watched.insert(watched);
    }

    fn find(&self, pid: &Pid) -> Option<Pid> {
        self.watched.get(*pid).map(|watched| watched.pid)
    }

    fn get(&self, pid: Pid) -> Option<&SupervisedChild<Self>> {
        self.watched.get(pid)
    }

    fn get_mut(&mut self, pid: Pid) -> Option<&mut SupervisedChild<Self>> {
        self.watched.get_mut(pid)
    }

    fn iter(&self) -> impl Iterator<Item = &SupervisedChild<Self>> {
        self.watched.iter()
    }

    /// In the order of their first starts. The pids say only when each was started last.
    fn entries(&self) -> Vec<ChildEntry> {
        let mut children: Vec<&SupervisedChild<DynamicChildren>> = self.watched.iter().collect();
        children.sort_by_key(|watched| self.first_monitors.get(&watched.pid).copied().or(watched.monitor));
        children.into_iter().map(|watched| ChildEntry::of(&watched.child)).collect()
    }

    fn forget(&mut self, pid: Pid) {
        self.watched.remove(pid);
        self.first_monitors.remove(&pid);
    }

    /// The `Down` names the process, so the function captures nothing: that would be an allocation for each child.
    fn monitor(process: &ProcessRef, (): (), cx: &mut Cx<SupervisorServer<Self>>) -> MonitorRef {
        cx.monitor(process, |down| SupervisorInfo::down(down.pid, down))
    }

    async fn restart(&mut self, pid: Pid, cx: &mut Cx<SupervisorServer<Self>>) -> Result<(), Pid> {
        // It is taken out because another process is another key.
        let Some(mut watched) = self.watched.remove(pid) else { return Ok(()) };
        let first = self.first_monitors.remove(&pid).or(watched.monitor);
        let started = watched.restart(cx).await;
        if matches!(started, Err(StartError::Ignored { .. })) {
            // It chose not to run, so it is forgotten.
            return Ok(());
        }
        self.first_monitors.extend(first.map(|first| (watched.pid, first)));
        self.watched.insert(watched);
        if started.is_ok() { Ok(()) } else { Err(pid) }
    }

    async fn shut_down_all(&mut self, cx: &mut Cx<SupervisorServer<Self>>) {
        let mut children: Vec<SupervisedChild<DynamicChildren>> = self.watched.drain().collect();
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
#[expect(clippy::missing_fields_in_debug, reason = "`first_monitors` only says in which order the children are listed")]
impl fmt::Debug for DynamicChildren {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamicChildren")
            .field("children", &self.watched.len())
            .field("max_children", &self.max_children)
            .finish()
    }
}
