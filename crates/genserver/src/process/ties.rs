//! Links, monitors and waiters of a process, and how they are told of its end.

use std::collections::{BTreeSet, VecDeque};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Instant;

use crate::node::alarm::AlarmKey;
use crate::node::any_process::{About, AnyProcess, ExitKind, Head, LaidBy};
use crate::node::dense::{Dense, Keyed};
use crate::node::reply::{Slot, Unanswered, Waiting};
use crate::process::queued_sender::QueuedSender;
use crate::process::waiters::Waiters;
use crate::sync::barrier;
use crate::values::exit::Exit;
use crate::values::monitor::{Down, MonitorRef};
use crate::values::pid::Pid;
use crate::values::reason::Reason;

/// One process's half of a link. A supervisor has very many, so the two bits that say who laid it lie in the peer's pid.
pub(crate) struct Half {
    place: u64,
    serial_and_laid_by: u64,
    peer: Arc<dyn AnyProcess>,
}

impl Half {
    fn new(pid: Pid, peer: Arc<dyn AnyProcess>, by: LaidBy) -> Self {
        Self { place: pid.place(), serial_and_laid_by: pid.serial << 2 | by as u64, peer }
    }
}

impl Keyed for Half {
    type Key = Pid;

    fn key(&self) -> Pid {
        Pid::from_parts(self.place, self.serial_and_laid_by >> 2)
    }
}

/// A process that monitors this one.
pub(crate) struct Watcher {
    reference: MonitorRef,
    process: Arc<dyn AnyProcess>,
}

impl Keyed for Watcher {
    // With the watcher's node: two nodes may have given the same number.
    type Key = (MonitorRef, u32);

    fn key(&self) -> (MonitorRef, u32) {
        (self.reference, self.process.head().pid.node())
    }
}

/// Everything that is told of the end of a process. Most processes have none.
#[derive(Default)]
pub(crate) struct Ties {
    monitors: Dense<Watcher>,
    links: Dense<Half>,
    rare: Option<Box<RareTies>>,
}

/// Ties that few processes have: callers that wait, trapped exits that are queued, senders that wait for space.
#[derive(Default)]
pub(crate) struct RareTies {
    /// Calls that wait for an answer.
    pub(crate) waiters: Waiters<dyn Waiting>,
    /// Trapped exits of links that are queued and not handled yet: whose they are, and their numbers in the order of arrival.
    pub(crate) exits_queued: BTreeSet<(Pid, NonZeroU64)>,
    /// Callers of `stop`, and futures that wait for the end.
    pub(crate) stoppers: Waiters<Slot<Reason>>,
    /// Senders that wait for space, oldest first. Those that gave up are removed before it grows.
    pub(crate) senders: VecDeque<Arc<QueuedSender>>,
    /// When the clock wakes the process.
    pub(crate) alarm: Option<(Instant, AlarmKey)>,
    /// What the processes it starts have in common.
    about_child: Option<Arc<About>>,
}

impl Ties {
    /// What a process that this one starts knows of it.
    pub(crate) fn about_child(&mut self, own: &Head) -> Arc<About> {
        Arc::clone(self.rare().about_child.get_or_insert_with(|| Arc::new(own.about_child())))
    }

    pub(crate) fn rare(&mut self) -> &mut RareTies {
        self.rare.get_or_insert_default()
    }

    /// Adds a monitor.
    pub(crate) fn watch(&mut self, reference: MonitorRef, process: Arc<dyn AnyProcess>) {
        self.monitors.insert(Watcher { reference, process });
    }

    /// Takes a monitor away. What is returned is to be dropped outside the lock.
    pub(crate) fn unwatch(&mut self, reference: MonitorRef, node: u32) -> Option<Watcher> {
        self.monitors.remove((reference, node))
    }

    /// How many monitors there are.
    pub(crate) fn watchers(&self) -> usize {
        self.monitors.len()
    }

    /// Lays a half, or adds to who laid it. Returns the reference that is not needed, to be dropped outside the lock.
    pub(crate) fn lay(&mut self, pid: Pid, peer: Arc<dyn AnyProcess>, by: LaidBy) -> Option<Arc<dyn AnyProcess>> {
        if let Some(half) = self.links.get_mut(pid) {
            // Both sides may lay the same link at once. The half remembers both, so that either may take back its own.
            half.serial_and_laid_by |= by as u64;
            return Some(peer);
        }
        self.links.insert(Half::new(pid, peer, by));
        None
    }

    /// Takes back what this process laid: the whole half, unless the peer laid it too.
    pub(crate) fn take_back(&mut self, peer: Pid) -> Option<Half> {
        let half = self.links.get_mut(peer)?;
        if half.serial_and_laid_by & LaidBy::Peer as u64 != 0 {
            half.serial_and_laid_by &= !(LaidBy::Own as u64);
            return None;
        }
        self.links.remove(peer)
    }

    /// Takes a half away. What is returned is to be dropped outside the lock.
    pub(crate) fn unlink(&mut self, peer: Pid) -> Option<Half> {
        self.links.remove(peer)
    }

    /// The linked processes.
    pub(crate) fn peers(&self) -> impl Iterator<Item = Pid> {
        self.links.iter().map(Half::key)
    }

    /// Whether the trapped exit with that number is queued; after this it is not.
    pub(crate) fn take_queued_exit(&mut self, peer: Pid, number: NonZeroU64) -> bool {
        self.rare.as_mut().is_some_and(|rare| rare.exits_queued.remove(&(peer, number)))
    }

    /// Throws away the first trapped exit that came of a link with `peer`.
    pub(crate) fn forget_exit(&mut self, peer: Pid) -> bool {
        let Some(rare) = &mut self.rare else { return false };
        let first = rare.exits_queued.range((peer, NonZeroU64::MIN)..=(peer, NonZeroU64::MAX)).next().copied();
        first.is_some_and(|first| rare.exits_queued.remove(&first))
    }

    /// Adds a call that waits. Returns the waiters that were removed to make space, to be dropped outside the lock.
    pub(crate) fn add_waiter(&mut self, own: Pid, slot: Arc<dyn Waiting>) -> Vec<Arc<dyn Waiting>> {
        self.rare().waiters.add(own, slot)
    }

    /// The processes that wait for an answer or for the end.
    #[cfg(feature = "sim")]
    pub(crate) fn waiting(&self, own: Pid) -> Vec<Pid> {
        let Some(rare) = &self.rare else { return Vec::new() };
        rare.waiters.clients(own).chain(rare.stoppers.clients(own)).collect()
    }

    /// Frees the memory that a burst of calls made the list of waiters take.
    pub(crate) fn shrink_waiters(&mut self, own: Pid) {
        if let Some(rare) = &mut self.rare {
            rare.waiters.shrink(own);
        }
    }

    /// Adds a future that waits for the end.
    pub(crate) fn add_stopper(&mut self, own: Pid, slot: Arc<Slot<Reason>>) {
        // Waiters that gave up are dropped here, under the lock: a reason has no destructor of the user's.
        drop(self.rare().stoppers.add(own, slot));
    }

    /// Takes the futures that wait until everybody has been told.
    pub(crate) fn take_stoppers(&mut self) -> Waiters<Slot<Reason>> {
        self.rare.as_mut().map(|rare| std::mem::take(&mut rare.stoppers)).unwrap_or_default()
    }

    /// Takes everybody that is told of the end. Those that wait until that is done stay: see
    /// [`take_stoppers`](Ties::take_stoppers).
    pub(crate) fn take_end_notices(&mut self) -> EndNotices {
        let mut notices = EndNotices {
            monitors: std::mem::take(&mut self.monitors),
            links: std::mem::take(&mut self.links),
            waiters: Waiters::default(),
            senders: VecDeque::new(),
            alarm: None,
        };
        if let Some(rare) = &mut self.rare {
            notices.waiters = std::mem::take(&mut rare.waiters);
            notices.senders = std::mem::take(&mut rare.senders);
            notices.alarm = rare.alarm.take();
        }
        notices
    }
}

/// Everybody that is told of an end, taken out of the lock of the process that ended.
pub(crate) struct EndNotices {
    monitors: Dense<Watcher>,
    links: Dense<Half>,
    waiters: Waiters<dyn Waiting>,
    senders: VecDeque<Arc<QueuedSender>>,
    alarm: Option<(Instant, AlarmKey)>,
}

impl EndNotices {
    pub(crate) fn alarm(&self) -> Option<AlarmKey> {
        self.alarm.map(|(_, key)| key)
    }

    /// Tells everybody, in the order that promise 6 of the architecture names: waiting callers, links, monitors. Callers of
    /// `stop` are released after this.
    ///
    /// A linked `starter` hears of a failed start from `start` itself, and of nothing else.
    pub(crate) fn tell(mut self, pid: Pid, reason: &Reason, starter: Option<Pid>) {
        for waiter in self.waiters.drain() {
            waiter.fail_of(pid, Unanswered::Exit(reason.clone()));
        }
        for sender in self.senders {
            if let Some(waker) = sender.call() {
                barrier::wake(waker);
            }
        }
        for half in self.links.drain() {
            if starter == Some(half.key()) {
                // Taken from the starter too, or it would keep a half whose process is dead.
                half.peer.unlink(pid);
                continue;
            }
            // The peer ignores it if it has taken the link back meanwhile: it looks under its own lock.
            half.peer.exit(Exit { from: pid, reason: reason.clone() }, ExitKind::Link);
        }
        for Watcher { reference, process } in self.monitors.drain() {
            process.down(Down { reference, pid, reason: reason.clone() });
        }
    }
}
