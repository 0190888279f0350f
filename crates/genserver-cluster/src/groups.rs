//! Groups of processes of all members: OTP's `pg`.
//!
//! # Rules
//!
//! - J1: A process is in a group as often as it has joined it. It leaves as often, or by its end.
//! - J2: Each member keeps one key with all of its processes that are in groups. It is written anew when one joins or leaves; several
//!   at a time are written together.
//! - J3: The processes of another member are in their groups while that member is [up](crate::members). Those of this one are always.
//! - J4: A process that has joined once has a subject, where it is asked, until it ends.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::Stream;
use genserver::{ProcessRef, Reason, ServerRef, StartError, spawn_link_labelled};

use crate::engine::Revision;
use crate::members::changes::{Change, Changes};
use crate::members::{MemberInfo, Members, MembersError};
use crate::name::member::Member;
use crate::remote::RemoteRef;
use crate::wire::messages::Clustered;

// The processes of this member that are in groups.
mod table;
// What the key of a member says of them.
mod joined_record;
// What the keys of the other members say.
mod other_members;
// The process that hands requests to one of them.
mod address;
// The processes that keep the key of this member and see those of the others.
mod processes;

use other_members::OtherMembers;
use table::Table;
pub(crate) use table::{Entered, LeavesAll};

/// A process has joined a group, or is not in it any more.
pub enum GroupEvent<S: Clustered> {
    /// It has joined. One that joins several times is told as often.
    Joined(RemoteRef<S>),
    /// It has left, has ended, or its member is down.
    Left(RemoteRef<S>),
}

/// Why a process has not joined a group.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// It has ended.
    #[error("a process that has ended does not join the group {group}")]
    NoProc {
        /// The group.
        group: Arc<str>,
    },
    /// What this member has in groups does not fit into one value of the engine.
    #[error(
        "the processes of this member have joined too many groups to join {group}: about {size} bytes, of {bound}; let fewer join, \
         such as one for many, or choose shorter names"
    )]
    Full {
        /// The group.
        group: Arc<str>,
        /// About how many bytes it would take to write all of them down.
        size: usize,
        /// How many may be.
        bound: usize,
    },
    /// This member does not run.
    #[error(
        "no process joins the group {group}, because this member does not run; start the cluster, or its supervisor"
    )]
    NotRunning {
        /// The group.
        group: Arc<str>,
    },
}

/// What all clones of a member share to know groups.
pub(crate) struct Groups {
    member: Arc<Member>,
    members: Arc<Members>,
    table: Arc<Table>,
    others: Arc<OtherMembers>,
}

impl Groups {
    pub(crate) fn new(member: Arc<Member>, members: Arc<Members>) -> Self {
        // Whatever changes, a monitor compares all: so they need not be told what.
        let notify = members.roster.notify();
        let (table, others) = (Arc::new(Table::new(notify.clone())), Arc::new(OtherMembers::new(notify.clone())));
        Self { member, members, table, others }
    }

    /// Starts the processes of this member, linked with the calling process.
    pub(crate) fn start(&self) -> Result<Vec<ProcessRef>, StartError> {
        processes::start(&self.member, &self.table, &self.others, &self.members.roster)
    }

    /// Lets a process join. If it has no address yet, it gets one from [`serve`](Self::serve).
    pub(crate) fn enter<S: Clustered>(&self, group: &Arc<str>, server: &ServerRef<S>) -> Result<Entered, JoinError> {
        let messages = S::messages();
        self.table.enter(group, server.process_ref(), (messages.server(), messages.version()))
    }

    /// Starts the process that hands requests to another, linked with the calling process.
    pub(crate) fn serve<S: Clustered>(
        &self,
        server: ServerRef<S>,
        number: u64,
        left: LeavesAll,
    ) -> Result<(), StartError> {
        let (space, info) = (self.member.space.clone(), self.members.this());
        spawn_link_labelled(
            format!("address of {}", server.pid()),
            move |_me: genserver::Probe<genserver::Never>| async move {
                let _left = left;
                address::serve(space, &info, number, server).await;
                Ok::<(), Reason>(())
            },
        )?;
        Ok(())
    }

    /// Takes back what [`enter`](Self::enter) has begun, when it is dropped.
    pub(crate) fn leaves_all<S: Clustered>(&self, server: &ServerRef<S>, number: u64) -> LeavesAll {
        LeavesAll { table: Arc::clone(&self.table), pid: server.pid(), number }
    }

    pub(crate) fn leave(&self, group: &str, process: &ProcessRef) -> bool {
        self.table.leave(group, process.pid())
    }

    /// Those of all members, once this one sees the others.
    pub(crate) async fn all<S: Clustered>(&self, group: &str) -> Result<Vec<RemoteRef<S>>, MembersError> {
        self.others.want();
        self.members.when_seen(|| self.others.is_seen().then(|| self.now(group).into_values().collect())).await
    }

    /// Those of this member.
    pub(crate) fn local<S: Clustered>(&self, group: &str) -> Vec<RemoteRef<S>> {
        self.here(group).into_values().collect()
    }

    pub(crate) fn monitor<S: Clustered>(self: &Arc<Self>, group: Arc<str>) -> GroupMonitor<S> {
        self.members.want();
        self.others.want();
        let groups = Arc::clone(self);
        let changes = Changes::new(self.members.roster.notify(), move || groups.now(&group));
        GroupMonitor(changes)
    }

    fn here<S: Clustered>(&self, group: &str) -> BTreeMap<Place, RemoteRef<S>> {
        let this = self.members.this();
        let found = self.table.find(group, S::messages().server());
        self.placed(Revision::default(), &this, found)
    }

    fn now<S: Clustered>(&self, group: &str) -> BTreeMap<Place, RemoteRef<S>> {
        let (this, server) = (self.members.this(), S::messages().server());
        let mut all = self.here(group);
        for (first, member) in self.members.roster.up() {
            // By J3.
            if member != this {
                let key = self.member.space.joined_key(&member.name, member.incarnation);
                all.extend(self.placed(first, &member, self.others.find(&key, group, server)));
            }
        }
        all
    }

    fn placed<S: Clustered>(
        &self,
        first: Revision,
        member: &MemberInfo,
        found: Vec<(u64, u32)>,
    ) -> BTreeMap<Place, RemoteRef<S>> {
        let mut placed = BTreeMap::new();
        for (number, times) in found {
            let process = address::remote_ref::<S>(&self.member.space, member, number);
            placed.extend((0..times).map(|nth| ((first, number, nth), process.clone())));
        }
        placed
    }
}

/// Where a process is in a group: the revision by which its member was seen first, its number on that, and a number for each time
/// that it has joined.
type Place = (Revision, u64, u32);

/// What happens to a group, as a stream: see [`Cluster::monitor_group`](crate::Cluster::monitor_group).
#[must_use = "nothing is told until it is attached or polled"]
pub struct GroupMonitor<S: Clustered>(Changes<Place, RemoteRef<S>>);

// Nothing in it is pinned.
impl<S: Clustered> Unpin for GroupMonitor<S> {}

impl<S: Clustered> Stream for GroupMonitor<S> {
    type Item = GroupEvent<S>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<GroupEvent<S>>> {
        self.0.poll_change(cx).map(|change| {
            Some(match change {
                Change::Begun(process) => GroupEvent::Joined(process),
                Change::Over(process) => GroupEvent::Left(process),
            })
        })
    }
}

impl<S: Clustered> fmt::Debug for GroupMonitor<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupMonitor").finish_non_exhaustive()
    }
}

impl<S: Clustered> fmt::Debug for GroupEvent<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Joined(process) => f.debug_tuple("Joined").field(process).finish(),
            Self::Left(process) => f.debug_tuple("Left").field(process).finish(),
        }
    }
}

impl<S: Clustered> Clone for GroupEvent<S> {
    fn clone(&self) -> Self {
        match self {
            Self::Joined(process) => Self::Joined(process.clone()),
            Self::Left(process) => Self::Left(process.clone()),
        }
    }
}
