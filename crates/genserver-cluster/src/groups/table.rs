//! The processes of this member that are in groups.

use std::collections::BTreeMap;
use std::sync::Arc;

use genserver::{Pid, ProcessRef};
use parking_lot::Mutex;

use crate::groups::JoinError;
use crate::groups::joined_record::{InGroup, JoinedRecord};
use crate::members::MemberInfo;
use crate::members::notify::Notify;

/// How many bytes all of it may take, as far as that is counted here: half of what the engines take.
pub(super) const SIZE_MAX: usize = 512 << 10;

/// More than what a process takes, besides names.
pub(super) const SIZE_EACH: usize = 64;

/// The name and the version of the messages of a server.
pub(super) type ServerName = (&'static str, u32);

/// Who is in which group.
pub(super) struct Table {
    state: Mutex<State>,
    /// Rung when somebody has joined or left, for the key of this member, ...
    written: Notify,
    /// ... and for those who monitor groups.
    seen: Notify,
}

#[derive(Default)]
struct State {
    /// The number of the last process.
    last: u64,
    /// Bounded by `SIZE_MAX`; processes that are alive and have left all groups come on top.
    processes: BTreeMap<Pid, Joined>,
}

/// A process that has joined once, and has not ended.
struct Joined {
    number: u64,
    server: ServerName,
    process: ProcessRef,
    /// How often it is in which group.
    groups: BTreeMap<Arc<str>, u32>,
}

/// How a process has joined.
pub(crate) enum Entered {
    /// It has an address already.
    Again,
    /// It gets one with this number.
    New(u64),
}

impl Table {
    pub(super) fn new(seen: Notify) -> Self {
        Self { state: Mutex::default(), written: Notify::default(), seen }
    }

    pub(super) fn written(&self) -> &Notify {
        &self.written
    }

    pub(super) fn enter(
        &self,
        group: &Arc<str>,
        process: ProcessRef,
        server: ServerName,
    ) -> Result<Entered, JoinError> {
        if process.has_ended() {
            return Err(JoinError::NoProc { group: Arc::clone(group) });
        }
        let entered = {
            let mut state = self.state.lock();
            let size = state.size() + size_of_join(group, server);
            if size > SIZE_MAX {
                return Err(JoinError::Full { group: Arc::clone(group), size, bound: SIZE_MAX });
            }
            state.enter(group, process, server)
        };
        self.notify();
        Ok(entered)
    }

    /// Returns whether it was in the group.
    pub(super) fn leave(&self, group: &str, pid: Pid) -> bool {
        let was_in = self.state.lock().processes.get_mut(&pid).is_some_and(|joined| joined.leave(group));
        if was_in {
            self.notify();
        }
        was_in
    }

    /// Lets a process leave all groups, and forgets it.
    pub(super) fn leave_all(&self, pid: Pid, number: u64) {
        let left = {
            let mut state = self.state.lock();
            let is_the_same = state.processes.get(&pid).is_some_and(|joined| joined.number == number);
            if is_the_same { state.processes.remove(&pid) } else { None }
        };
        if left.is_some() {
            self.notify();
        }
    }

    /// The numbers of those in a group that have not ended, and how often they are in it.
    pub(super) fn find(&self, group: &str, server: &str) -> Vec<(u64, u32)> {
        let state = self.state.lock();
        let of_server =
            state.processes.values().filter(|joined| joined.server.0 == server && joined.process.is_alive());
        let mut found: Vec<_> =
            of_server.filter_map(|joined| Some((joined.number, *joined.groups.get(group)?))).collect();
        found.sort_unstable();
        found
    }

    /// What the key of this member says; nothing if nobody has ever joined a group.
    pub(super) fn record(&self, this: &MemberInfo) -> Option<JoinedRecord> {
        let mut groups = BTreeMap::<_, Vec<(u64, u32)>>::new();
        let state = self.state.lock();
        for joined in state.processes.values() {
            for (group, times) in &joined.groups {
                groups.entry((Arc::clone(group), joined.server)).or_default().push((joined.number, *times));
            }
        }
        let groups = groups.into_iter().map(|((group, (server, version)), processes)| InGroup {
            group: group.to_string(),
            server: server.to_owned(),
            version,
            processes,
        });
        (state.last > 0).then(|| JoinedRecord::new(this, groups.collect()))
    }

    fn notify(&self) {
        self.written.notify();
        self.seen.notify();
    }
}

impl State {
    fn enter(&mut self, group: &Arc<str>, process: ProcessRef, server: ServerName) -> Entered {
        let number = self.last + 1;
        let joined = self.processes.entry(process.pid()).or_insert_with(|| Joined {
            number,
            server,
            process,
            groups: BTreeMap::new(),
        });
        *joined.groups.entry(Arc::clone(group)).or_default() += 1;
        if joined.number == number {
            self.last = number;
            Entered::New(number)
        } else {
            Entered::Again
        }
    }

    fn size(&self) -> usize {
        let sizes = self.processes.values().map(|joined| {
            let each = joined.groups.iter();
            each.map(|(group, times)| size_of_join(group, joined.server) * (*times as usize)).sum::<usize>()
        });
        sizes.sum()
    }
}

impl Joined {
    fn leave(&mut self, group: &str) -> bool {
        let Some(times) = self.groups.get_mut(group) else { return false };
        *times -= 1;
        if *times == 0 {
            self.groups.remove(group);
        }
        true
    }
}

fn size_of_join(group: &str, server: ServerName) -> usize {
    group.len() + server.0.len() + SIZE_EACH
}

/// Lets a process leave all groups when this is dropped.
pub(crate) struct LeavesAll {
    pub(super) table: Arc<Table>,
    pub(super) pid: Pid,
    pub(super) number: u64,
}

impl Drop for LeavesAll {
    fn drop(&mut self) {
        self.table.leave_all(self.pid, self.number);
    }
}
