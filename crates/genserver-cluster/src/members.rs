//! The members of a cluster: each has a key while it is up, and sees those of the others.
//!
//! # Rules
//!
//! - N1: A member has a key, which it renews three times within its time to live. It deletes the key when it ends in order.
//! - N2: A member that asks for the others watches their keys. One is up from when its key is seen until the key is gone, or until
//!   no renewal was seen for its time to live: then either it is gone or this member has lost the engine.
//! - N3: What a watch begins with never ends a member: it may be old. One that is not in it any more ends by N2.
//!   One that has ended by N2 is up again when a later change of its key is seen, and not by one that was seen before.
//! - N4: A member is told apart from one of the same name, and from itself when it is up again, by the revision with which it was seen
//!   first.
//! - N5: A monitor remembers what it has told, and tells the difference to what is up now. So it is told of each end, and nothing
//!   waits but what is up.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::Stream;
use genserver::{ProcessRef, StartError, time};

use crate::engine::{EngineError, Revision};
use crate::name::member::Member;

// Waking those who wait for a change.
pub(crate) mod notify;
// Starting a watch when it is first needed.
pub(crate) mod first_use;
// A key that is kept in the engine, with a value that may change.
pub(crate) mod kept_key;
// The changes of keys, over as many watches as it takes.
pub(crate) mod follow;
// What the key of a member says.
mod member_record;
// Who is up, as far as this member has seen.
pub(crate) mod roster;
// The difference between what was told and what is.
pub(crate) mod changes;
// The processes that keep the key of this member and see those of the others.
mod processes;

use changes::{Change, Changes};
use roster::Roster;

/// A member of a cluster, as others see it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub struct MemberInfo {
    /// The name that it was [given](crate::ClusterOptions::member).
    pub name: Arc<str>,
    /// A number that was drawn when it was started: it tells members of one name apart.
    pub incarnation: u64,
}

impl MemberInfo {
    pub(crate) fn of(member: &Member) -> Self {
        Self { name: Arc::clone(&member.id), incarnation: member.incarnation }
    }
}

/// A member is up, or is not up any more. OTP's `nodeup` and `nodedown`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum MemberEvent {
    /// It is up.
    #[doc(alias = "nodeup")]
    Up(MemberInfo),
    /// It has ended, its machine is gone, or this member has lost the engine for longer than a time to live.
    #[doc(alias = "nodedown")]
    Down(MemberInfo),
}

/// Why the members of a cluster are not known.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MembersError {
    /// This member does not run, or was stopped.
    #[error(
        "the members of the cluster are not known, because this one does not run; start the cluster, or its supervisor"
    )]
    NotRunning,
    /// The engine does not show this member itself, so it may not show others.
    #[error("the members of the cluster are not known: {why}")]
    Engine {
        /// What the engine said last.
        why: EngineError,
    },
}

/// What all clones of a member share to know the others.
pub(crate) struct Members {
    member: Arc<Member>,
    pub(crate) roster: Arc<Roster>,
}

impl Members {
    pub(crate) fn new(member: Arc<Member>) -> Self {
        Self { member, roster: Arc::new(Roster::default()) }
    }

    /// This member.
    pub(crate) fn this(&self) -> MemberInfo {
        MemberInfo::of(&self.member)
    }

    /// Starts the processes of this member, linked with the calling process.
    pub(crate) fn start(&self) -> Result<Vec<ProcessRef>, StartError> {
        processes::start(&self.member, &self.roster)
    }

    /// All members that are up, once this one is.
    pub(crate) async fn all(&self) -> Result<Vec<MemberInfo>, MembersError> {
        self.when_seen(|| Some(self.roster.up().into_values().collect())).await
    }

    /// What `look` returns, once this member sees itself and so the others.
    pub(crate) async fn when_seen<T>(&self, look: impl Fn() -> Option<T>) -> Result<T, MembersError> {
        let this = self.this();
        let mut listener = self.roster.notify().listen();
        self.want();
        let seen = async {
            loop {
                if !self.member.is_running() {
                    return Err(MembersError::NotRunning);
                }
                if let Some(found) = self.roster.is_up(&this).then(&look).flatten() {
                    return Ok(found);
                }
                listener.notified().await;
            }
        };
        let seen = time::timeout(self.member.space.time_to_live / 3, seen).await;
        seen.unwrap_or_else(|_elapsed| Err(MembersError::Engine { why: self.roster.why() }))
    }

    /// Says that somebody wants to know who is up.
    pub(crate) fn want(&self) {
        self.roster.wanted.want();
    }

    pub(crate) fn monitor(&self) -> MemberMonitor {
        let roster = Arc::clone(&self.roster);
        let changes = Changes::new(self.roster.notify(), move || roster.up());
        self.want();
        MemberMonitor(changes)
    }
}

/// What happens to the members of a cluster, as a stream: see [`Cluster::monitor_members`](crate::Cluster::monitor_members).
#[must_use = "nothing is told until it is attached or polled"]
pub struct MemberMonitor(Changes<Revision, MemberInfo>);

impl Stream for MemberMonitor {
    type Item = MemberEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<MemberEvent>> {
        self.0.poll_change(cx).map(|change| {
            Some(match change {
                Change::Begun(member) => MemberEvent::Up(member),
                Change::Over(member) => MemberEvent::Down(member),
            })
        })
    }
}

impl fmt::Debug for MemberMonitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemberMonitor").finish_non_exhaustive()
    }
}
