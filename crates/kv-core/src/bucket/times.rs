//! When the keys of a bucket expire. A bucket has this only if some of its keys do.
//!
//! - T1: `order` has exactly the keys and times of `of`.
//! - T2: the clock never goes back. So what a client has seen to be gone stays gone when the clock of the machine is set back.
//! - T3: `due` counts the keys whose time the clock has reached. They are gone for every client, and wait to be removed.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use genserver::TimerRef;

use super::entries::Secret;
use crate::expiry::Millis;

/// Keys and the times at which they expire.
#[derive(Default)]
pub(super) struct Times {
    of: HashMap<Bytes, Millis, Secret>,
    order: BTreeSet<(Millis, Bytes)>,
    clock: Millis,
    due: usize,
    /// The timer of the next turn of removing.
    pub(super) sweep: Option<Sweep>,
}

/// The timer of the next turn of removing.
pub(super) struct Sweep {
    pub(super) timer: TimerRef,
    pub(super) at: Millis,
}

impl Times {
    pub(super) fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.of.len()
    }

    pub(super) fn clock(&self) -> Millis {
        self.clock
    }

    pub(super) fn due(&self) -> usize {
        self.due
    }

    pub(super) fn get(&self, key: &Bytes) -> Option<Millis> {
        self.of.get(key).copied()
    }

    pub(super) fn is_expired(&self, key: &Bytes) -> bool {
        // Nearly always nothing is due, and then there is nothing to look up.
        self.due > 0 && self.of.get(key).is_some_and(|at| *at <= self.clock)
    }

    /// The first time at which a key expires.
    pub(super) fn first(&self) -> Option<Millis> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Some of the keys that are due, those first that have been so the longest.
    pub(super) fn some_due(&self, limit: usize) -> Vec<Bytes> {
        self.order.iter().take(self.due.min(limit)).map(|(_, key)| key.clone()).collect()
    }

    /// Moves the clock on (T2). Each key that comes due is counted once.
    pub(super) fn advance(&mut self, now: Millis) {
        if now <= self.clock {
            return;
        }
        // Nothing has an earlier time than the next millisecond and is not counted yet.
        let next = (self.clock.next(), Bytes::new());
        self.clock = now;
        self.due += self.order.range(next..).take_while(|(at, _)| *at <= now).count();
    }

    /// Sets when a key expires, or that it does not. Returns when it did before.
    pub(super) fn set(&mut self, key: &Bytes, at: Option<Millis>) -> Option<Millis> {
        let before = match at {
            Some(at) => {
                self.order.insert((at, key.clone()));
                self.due += usize::from(at <= self.clock);
                self.of.insert(key.clone(), at)
            }
            None => self.of.remove(key),
        };
        if let Some(before) = before {
            // To insert what was there already has changed nothing but the count.
            if at != Some(before) {
                self.order.remove(&(before, key.clone()));
            }
            self.due -= usize::from(before <= self.clock);
        }
        before
    }

    /// Times of no keys, with this clock and this timer.
    pub(super) fn rest(&mut self) -> Self {
        Self { clock: self.clock, sweep: self.sweep.take(), ..Self::default() }
    }
}
