//! A local process that ends when a server on another machine does: what monitors and links of it are set to.
//!
//! # Rules
//!
//! - T1: A stand-in is of one owner, with one fence. It does not come back with the next.
//! - T2: It ends with the reason that the owner's keeper publishes, as soon as that arrives.
//! - T3: It reads the key fifteen times within a time to live, or more often. It ends with [`Reason::NoConnection`] if it reads of a
//!   later owner, if two reads in a row find no key, or if for a time to live it has read of no renewal. A live owner renews three times
//!   in that time, so then either the owner is gone or this member has lost the engine.
//! - T4: A key that is gone was perhaps deleted after its reason was published, so the reason is waited for a little.
//! - T5: If an owner is gone without a word, its stand-in ends within its time to live and a second, as long as what is read is not old.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::future::{Either, select};
use futures::stream::BoxStream;
use genserver::{AsProcess, Never, Probe, ProbeRef, ProcessRef, Reason, StartError, time};

use crate::engine::{Delivery, EngineError, Revision};
use crate::name::owner_record::OwnerRecord;
use crate::remote::RemoteRef;
use crate::space::Space;
use crate::wire;
use crate::wire::messages::Clustered;

/// How often the key is read within a time to live.
const READS: u32 = 15;

/// At least this often, however long a name lives: T5.
const READ_WITHIN: Duration = Duration::from_millis(800);

/// A local process that ends when the server of a [`RemoteRef`] does, with its reason. Monitor it, or link with it.
///
/// It stands for the owner that the name has when it is made, and not for the next one. It ends with
/// [`Reason::NoConnection`] when the owner's machine is gone, or when this one has lost the engine for longer than a name lives: then
/// nobody knows whether the server still runs.
///
/// An exit signal to it is not passed on: a link tells this side of the end of the other, and not the other way round.
#[derive(Clone)]
pub struct StandIn {
    process: ProbeRef<Never>,
    fence: Revision,
}

/// Why there is no stand-in.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StandInError {
    /// Nobody has the name, as far as the engine shows. What it shows may be old.
    #[error("nobody has the name {name}; start a server with it, or try again")]
    NoProc {
        /// The name.
        name: Arc<str>,
    },
    /// It is a process of a group, and has no name.
    #[error("the process {name} of a group has no name to watch; monitor the group, or give it a name")]
    Unnamed {
        /// What errors call it.
        name: Arc<str>,
    },
    /// The engine cannot be asked.
    #[error("it is not known who has the name {name}: {why}")]
    Engine {
        /// The name.
        name: Arc<str>,
        /// Why not.
        why: EngineError,
    },
    /// The process was not started.
    #[error(transparent)]
    Start(#[from] StartError),
}

impl<S: Clustered> RemoteRef<S> {
    /// Starts a local process that ends when the server does: for monitors and links.
    ///
    /// It returns when the end of the owner that the name has now cannot be missed any more.
    ///
    /// # Errors
    ///
    /// [`StandInError`] if nobody has the name, or if that is not known.
    ///
    /// # Cancel safety
    ///
    /// Dropping it has no other effect.
    pub async fn stand_in(&self) -> Result<StandIn, StandInError> {
        let (space, name): (Space, Arc<str>) = (self.space().clone(), self.name().into());
        let engine = |why| StandInError::Engine { name: Arc::clone(&name), why };
        if !self.is_named() {
            return Err(StandInError::Unnamed { name });
        }
        let nobody = || StandInError::NoProc { name: Arc::clone(&name) };
        let patience = space.time_to_live / 6;
        let owner = read(&space, &name, patience).await.map_err(engine)?.ok_or_else(nobody)?;
        let subject = space.down_subject(&name, owner.fence);
        let subscribe = time::timeout(patience, space.engine.subscribe(&subject)).await;
        let ends = subscribe.unwrap_or(Err(EngineError::Unanswered)).map_err(engine)?;
        // It may have ended before the subscription was there.
        let owner = match read(&space, &name, patience).await.map_err(engine)? {
            Some(again) if again.fence == owner.fence => again,
            _ => return Err(nobody()),
        };
        let (fence, seen) = (owner.fence, time::now());
        let watch = Watch { space, name: Arc::clone(&name), owner, seen };
        let process = genserver::spawn(move |_me: Probe<Never>| async move { Err(watch.end(ends).await) })?;
        Ok(StandIn { process, fence })
    }
}

impl StandIn {
    /// The revision by which the owner has the name: see [`RemoteRef::pinned`].
    pub fn fence(&self) -> Revision {
        self.fence
    }

    /// The process.
    pub fn process_ref(&self) -> ProcessRef {
        self.process.process_ref()
    }
}

impl AsProcess for StandIn {
    fn as_process(&self) -> Option<ProcessRef> {
        self.process.as_process()
    }
}

impl fmt::Debug for StandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StandIn").field("process", &self.process.pid()).field("fence", &self.fence).finish()
    }
}

/// An owner, as it was read.
struct Owner {
    fence: Revision,
    revision: Revision,
    time_to_live: Duration,
}

async fn read(space: &Space, name: &str, patience: Duration) -> Result<Option<Owner>, EngineError> {
    let key = space.name_key(name);
    let entry = time::timeout(patience, space.engine.get(&key)).await;
    let Some(entry) = entry.unwrap_or(Err(EngineError::Unanswered))? else { return Ok(None) };
    // What is not an owner was not written by a member.
    Ok(OwnerRecord::read(&entry).map(|record| Owner {
        fence: record.fence_of(&entry),
        revision: entry.revision,
        time_to_live: record.times().time_to_live,
    }))
}

/// Looks after one owner of a name.
struct Watch {
    space: Space,
    name: Arc<str>,
    owner: Owner,
    /// When this revision was read first.
    seen: Instant,
}

impl Watch {
    /// Returns why the owner's server has ended, when it has.
    async fn end(mut self, mut ends: BoxStream<'static, Delivery>) -> Reason {
        let (period, fence) = ((self.owner.time_to_live / READS).min(READ_WITHIN), self.owner.fence);
        let (space, name) = (self.space.clone(), Arc::clone(&self.name));
        let reason = {
            let heard = Box::pin(heard(&space, &name, fence, &mut ends, period));
            match select(heard, Box::pin(self.lost(period))).await {
                Either::Left((reason, _)) => return reason,
                // By T4.
                Either::Right(((), heard)) => time::timeout(period / 8, heard).await,
            }
        };
        reason.unwrap_or(Reason::NoConnection)
    }

    /// Returns when the owner is gone, by T3.
    async fn lost(&mut self, period: Duration) {
        let mut missing = 0;
        loop {
            let over = self.seen + self.owner.time_to_live;
            let pause = if missing == 0 { period } else { period / 8 };
            time::sleep_until(over.min(time::now() + pause)).await;
            let left = over.saturating_duration_since(time::now());
            match read(&self.space, &self.name, left.min(period)).await {
                Ok(None) => missing += 1,
                Ok(Some(owner)) if owner.fence > self.owner.fence => return,
                Ok(Some(owner)) if owner.fence == self.owner.fence => {
                    missing = 0;
                    if owner.revision > self.owner.revision {
                        (self.owner, self.seen) = (owner, time::now());
                    }
                }
                // It is old, or the engine was not asked.
                Ok(Some(_)) | Err(_) => {}
            }
            if missing == 2 || time::now() - self.seen >= self.owner.time_to_live {
                return;
            }
        }
    }
}

/// Returns the reason that is published, over as many subscriptions as it takes.
async fn heard(
    space: &Space,
    name: &str,
    fence: Revision,
    ends: &mut BoxStream<'static, Delivery>,
    period: Duration,
) -> Reason {
    loop {
        if let Some(end) = ends.next().await {
            return wire::decode_reason(&end.payload);
        }
        time::sleep(period).await;
        if let Ok(again) = space.engine.subscribe(&space.down_subject(name, fence)).await {
            *ends = again;
        }
    }
}
