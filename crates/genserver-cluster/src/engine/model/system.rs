//! The engine's servers as one: what they hold, and what is on its way to them and from them.
//!
//! Nothing here waits. What happens later is noted with its instant, and the driver lets it happen.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use genserver::time;

use super::events::{Events, Follower};
use super::faults::{Dice, Faults};
use super::keys::{Change, Watch};
use super::links::Link;
use super::messages::{Inbox, Subscription};
use super::past::{Moment, Past};
use crate::engine::LogEntry;

/// Something that happens at its instant.
pub(super) type Happens = Box<dyn FnOnce(&mut System, Instant) + Send>;

/// What is done when the lock is free: waking and dropping what belongs to others.
pub(super) type After = Box<dyn FnOnce() + Send>;

/// Where something is on its way, and so what can keep it from arriving.
#[derive(Clone)]
pub(super) enum Way {
    /// Within the engine.
    Inside,
    /// An operation of this member, to the engine.
    From(Arc<str>),
    /// A message of this member, to the engine.
    Published(Arc<str>),
    /// From the engine to this member.
    To(Arc<str>),
}

/// What will happen.
pub(super) struct Due {
    pub(super) way: Way,
    pub(super) happens: Happens,
}

/// All that the engine knows.
pub(super) struct System {
    pub(super) faults: Faults,
    pub(super) dice: Dice,
    /// How long operations wait for their answers.
    pub(super) answer_within: Duration,
    /// How late a watch may ever have been.
    pub(super) late_max: Duration,
    /// The last revision or position.
    last: u64,
    pub(super) keys: Past<Change>,
    pub(super) logs: Past<Vec<LogEntry>>,
    pub(super) events: BTreeMap<String, Events>,
    pub(super) followers: BTreeMap<u64, Follower>,
    pub(super) links: BTreeMap<Arc<str>, Link>,
    pub(super) watches: BTreeMap<u64, Watch>,
    pub(super) subscriptions: BTreeMap<u64, Subscription>,
    pub(super) inboxes: BTreeMap<String, Inbox>,
    /// In the order of their instants, and of one instant in the order in which they were noted. Its bound is that of what members
    /// have asked and published.
    due: BTreeMap<(Instant, u64), Due>,
    /// Tells things of one instant apart, and everything else that needs a number.
    number: u64,
    after: Vec<After>,
}

impl System {
    pub(super) fn new(answer_within: Duration) -> Self {
        Self {
            faults: Faults::new(),
            dice: Dice::default(),
            answer_within,
            late_max: Duration::ZERO,
            last: 0,
            keys: Past::default(),
            logs: Past::default(),
            events: BTreeMap::new(),
            followers: BTreeMap::new(),
            links: BTreeMap::new(),
            watches: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            inboxes: BTreeMap::new(),
            due: BTreeMap::new(),
            number: 0,
            after: Vec::new(),
        }
    }

    /// Says what may go wrong from now on.
    pub(super) fn set_faults(&mut self, faults: Faults) {
        self.late_max = self.late_max.max(faults.stale + faults.latency);
        self.faults = faults;
    }

    /// A number that nothing else has.
    pub(super) fn next_number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    /// The number of the next change of a key or a log: they share one row of numbers, as they do in a stream of NATS.
    pub(super) fn next_change(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Now, and all changes so far.
    pub(super) fn moment(&self, now: Instant) -> Moment {
        Moment { at: now, last: self.last }
    }

    /// Lets something happen after some time.
    pub(super) fn note(
        &mut self,
        way: Way,
        after: Duration,
        happens: impl FnOnce(&mut Self, Instant) + Send + 'static,
    ) {
        self.note_at(time::now() + after, Due { way, happens: Box::new(happens) });
    }

    /// Lets something happen at an instant.
    pub(super) fn note_at(&mut self, at: Instant, due: Due) {
        let number = self.next_number();
        self.due.insert((at, number), due);
    }

    /// When the next thing is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// What is due now.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Happens> {
        let first = self.due.first_entry().filter(|first| first.key().0 <= now)?;
        Some(first.remove().happens)
    }

    /// Takes out what is on its way to a member or from it.
    pub(super) fn take_on_its_way(&mut self, member: &str) -> Vec<Due> {
        let is_its =
            |due: &Due| matches!(&due.way, Way::From(name) | Way::Published(name) | Way::To(name) if **name == *member);
        self.due.extract_if(.., |_, due| is_its(due)).map(|(_, due)| due).collect()
    }

    /// Does something when the lock is free.
    pub(super) fn afterwards(&mut self, follows: impl FnOnce() + Send + 'static) {
        self.after.push(Box::new(follows));
    }

    pub(super) fn take_after(&mut self) -> Vec<After> {
        std::mem::take(&mut self.after)
    }

    /// A time for a way to the engine or back.
    pub(super) fn latency(&self) -> Duration {
        self.dice.up_to(self.faults.latency)
    }
}
