//! Links, monitors and waiters of a process, and how they are told of its end.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use crate::alarm::AlarmKey;
use crate::exit::Exit;
use crate::monitor::{Down, MonitorRef};
use crate::pid::Pid;
use crate::process::room::Seat;
use crate::process::waiters::Waiters;
use crate::process::{AnyProcess, ExitKind};
use crate::reason::Reason;
use crate::reply::{Slot, Unanswered, Waiting};

/// One process's half of a link.
pub(crate) struct Half {
    peer: Arc<dyn AnyProcess>,
    laid_by: LaidBy,
}

/// Who laid a half. Two processes may link with each other at the same time, and one of them may fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LaidBy {
    Own,
    Peer,
    Both,
}

/// Who wants to hear of the end of a process. Kept by most processes as nothing at all.
#[derive(Default)]
pub(crate) struct Ties {
    pub(crate) monitors: BTreeMap<MonitorRef, Arc<dyn AnyProcess>>,
    pub(crate) links: BTreeMap<Pid, Half>,
    /// Calls that really wait.
    pub(crate) waiters: Waiters<dyn Waiting>,
    /// Linked processes whose trapped exits are queued and not handled yet.
    pub(crate) exits_queued: BTreeSet<Pid>,
    /// Whoever waits in `stop`, or for the end.
    pub(crate) stoppers: Waiters<Slot<Reason>>,
    /// The process is dead and everybody has been told; until then the dead still has its stoppers.
    pub(crate) told: bool,
    /// Senders that wait for room, oldest first. Those who gave up are swept out when the line would have to grow.
    pub(crate) room: VecDeque<Arc<Seat>>,
    /// The reason of an end that was ordered from outside; the first wins.
    pub(crate) doom: Option<Reason>,
    /// When the process is to be woken by the clock.
    pub(crate) alarm: Option<(Instant, AlarmKey)>,
}

impl Ties {
    /// Lays a half, or adds to who laid it. Returns the reference that is not needed, to be dropped outside the lock.
    pub(crate) fn lay(&mut self, pid: Pid, peer: Arc<dyn AnyProcess>, by: LaidBy) -> Option<Arc<dyn AnyProcess>> {
        let half = match self.links.entry(pid) {
            Entry::Vacant(place) => {
                place.insert(Half { peer, laid_by: by });
                return None;
            }
            Entry::Occupied(half) => half.into_mut(),
        };
        if half.laid_by != by {
            half.laid_by = LaidBy::Both;
        }
        Some(peer)
    }

    /// Takes back what this process laid: the whole half, unless the peer laid it too.
    pub(crate) fn take_back(&mut self, peer: Pid) -> Option<Half> {
        match self.links.get_mut(&peer)? {
            Half { laid_by: LaidBy::Own, .. } => self.links.remove(&peer),
            half => {
                half.laid_by = LaidBy::Peer;
                None
            }
        }
    }

    /// Adds a call that waits. Returns what was swept out, to be dropped outside the lock.
    pub(crate) fn add_waiter(&mut self, slot: Arc<dyn Waiting>) -> Vec<Arc<dyn Waiting>> {
        self.waiters.add(slot)
    }

    /// Adds somebody who waits for the end.
    pub(crate) fn add_stopper(&mut self, slot: Arc<Slot<Reason>>) {
        // Those who gave up go before the list grows; a reason has no destructor of the user's that could run here.
        drop(self.stoppers.add(slot));
    }

    /// Everybody has been told: takes whoever waits for just that.
    pub(crate) fn told(&mut self) -> Waiters<Slot<Reason>> {
        self.told = true;
        std::mem::take(&mut self.stoppers)
    }

    /// Takes everybody who has to be told, and leaves whoever waits until they are: see [`told`](Ties::told).
    pub(crate) fn farewell(&mut self) -> Farewell {
        Farewell {
            monitors: std::mem::take(&mut self.monitors),
            links: std::mem::take(&mut self.links),
            waiters: std::mem::take(&mut self.waiters),
            room: std::mem::take(&mut self.room),
            alarm: self.alarm.take(),
        }
    }
}

/// Everybody who is told of an end, taken out of the lock of the process that ended.
pub(crate) struct Farewell {
    monitors: BTreeMap<MonitorRef, Arc<dyn AnyProcess>>,
    links: BTreeMap<Pid, Half>,
    waiters: Waiters<dyn Waiting>,
    room: VecDeque<Arc<Seat>>,
    alarm: Option<(Instant, AlarmKey)>,
}

impl Farewell {
    pub(crate) fn alarm(&self) -> Option<AlarmKey> {
        self.alarm.map(|(_, key)| key)
    }

    /// Tells everybody, in the order that the promises of the architecture name: waiting callers, links, monitors. Whoever
    /// waits in `stop` is released after this.
    ///
    /// A linked `starter` hears of a failed start from `start` itself, and of nothing else.
    pub(crate) fn tell(mut self, pid: Pid, reason: &Reason, starter: Option<Pid>) {
        for waiter in self.waiters.drain() {
            waiter.fail(Unanswered::Exit(reason.clone()));
        }
        for seat in self.room {
            if let Some(waker) = seat.call() {
                waker.wake();
            }
        }
        for (peer_pid, Half { peer, .. }) in self.links {
            if starter == Some(peer_pid) {
                peer.unlink(pid);
                continue;
            }
            peer.exit(Exit { from: pid, reason: reason.clone() }, ExitKind::Link);
        }
        for (reference, watcher) in self.monitors {
            watcher.down(Down { reference, pid, reason: reason.clone() });
        }
    }
}
