//! The list of waits, in parts with a lock each, and the search for a cycle in it (rule 4).
//!
//! With one lock for the list, every thread whose callback waits would meet there. The parts let that grow with the
//! processors, and cost nothing where there are few. The table has what a queued call inside a callback takes, in those of a
//! call that allows cycles and so is not entered, on two cores of an Intel Xeon that other programs used too. With more
//! threads than cores, a lock that is held this briefly is seldom met, so both columns are level:
//!
//! | callers, each in a thread of its own | one lock | 16 parts |
//! |---|---|---|
//! | 1 | 1.57 | 1.64 |
//! | 4 | 1.51 | 1.55 |
//! | 16 | 1.55 | 1.59 |
//!
//! `cargo xtask bench --tail --only "inside callbacks"` prints the column of the parts there are: see [`PARTS`].

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::{Token, WaitInfo};
use crate::node::reply::Waiting;
use crate::sync::parking::Mutex;
use crate::sync::program_static;
use crate::values::pid::Pid;

/// How many parts the list has. Two threads meet at one only if their processes have the same part.
const PARTS: usize = 16;

program_static! {
    /// Every caller that waits inside a callback (rule 2). Bounded by the number of those calls.
    static WAITS: [Mutex<Part>; PARTS] = [const { Mutex::new(Part { last: 0, edges: BTreeMap::new() }) }; PARTS];
}

program_static! {
    /// Held by a call that has found a cycle, until it is broken. Taken before the lock of any part.
    static BREAKING: Mutex<()> = Mutex::new(());
}

/// Where a wait stands in the list: the process that waits, and a number that tells its waits apart, for a callback may join
/// several. No two waits ever have the same.
pub(super) type Key = (Pid, u64);

/// The waits of some processes. Aligned, so that no two parts share a cache line.
#[repr(align(64))]
struct Part {
    last: u64,
    edges: BTreeMap<Key, Wait>,
}

/// The caller's end of an edge.
pub(super) struct Wait {
    pub(super) to: Pid,
    pub(super) token: Token,
    /// None if it is not a call (rule 7).
    pub(super) answer: Option<Arc<dyn Waiting>>,
}

impl Wait {
    /// Rule 3. Once it is false it is false for good.
    pub(super) fn counts(&self) -> bool {
        self.token.is_there() && self.answer.as_ref().is_none_or(|answer| answer.is_open())
    }
}

impl Part {
    /// What the callback of `pid` waits for.
    fn waits_of(&self, pid: Pid) -> impl Iterator<Item = (Key, Pid)> {
        let waits = self.edges.range((pid, 0)..=(pid, u64::MAX));
        waits.filter(|(_, wait)| wait.counts()).map(|(key, wait)| (*key, wait.to))
    }
}

fn part(pid: Pid) -> &'static Mutex<Part> {
    #[expect(clippy::cast_possible_truncation, reason = "less than the number of parts")]
    let at = (pid.serial % PARTS as u64) as usize;
    &WAITS[at]
}

/// Enters a wait.
pub(super) fn enter(from: Pid, wait: Wait) -> Key {
    let mut part = part(from).lock();
    part.last += 1;
    let key = (from, part.last);
    part.edges.insert(key, wait);
    key
}

/// Takes a wait out, to be dropped without a lock: it may be the last to know the answer, which is the user's.
pub(super) fn leave(key: Key) -> Option<Wait> {
    part(key.0).lock().edges.remove(&key)
}

/// All waits that count and begin at a process of this node, one part after the other.
pub(super) fn all(node: u32) -> Vec<WaitInfo> {
    let in_node = |&(pid, _): &Key| pid.node() == node;
    let mut all = Vec::new();
    let parts: &[Mutex<Part>; PARTS] = &WAITS;
    for part in parts {
        let part = part.lock();
        let counted = part.edges.iter().filter(|(key, wait)| in_node(key) && wait.counts());
        all.extend(counted.map(|((pid, _), wait)| WaitInfo {
            process: *pid,
            waits_for: wait.to,
            is_declared: wait.answer.is_none(),
        }));
    }
    all
}

/// Reads a wait, if it is still there and counts.
fn look<R>(key: Key, read: impl FnOnce(&Wait) -> R) -> Option<R> {
    part(key.0).lock().edges.get(&key).filter(|wait| wait.counts()).map(read)
}

/// Breaks a cycle that the wait `own` for `to` closes, if there is one: takes out `own` itself if that is a call, and otherwise
/// the last call of the cycle. Returns the wait that was taken out, and the cycle as its caller sees it.
pub(super) fn break_cycle(own: Key, to: Pid, starters: &[Pid]) -> Option<(Wait, Vec<Pid>)> {
    // Nearly every search ends here, with the look at one part.
    walk(own, to, starters)?;
    // Of two calls that close a cycle together, each may have seen the other. Only the first that comes here still finds it.
    let breaking = BREAKING.lock();
    let broken = loop {
        let Some(cycle) = walk(own, to, starters) else { break None };
        let Some(own_is_call) = look(own, |own| own.answer.is_some()) else { break None };
        // The walk takes one lock after the other, so its waits need not have stood at the same time. If all still stand, they
        // did, for none comes back: then each process of the cycle waits, and the cycle stays.
        let Some(calls) =
            cycle.waits.iter().map(|key| look(*key, |wait| wait.answer.is_some())).collect::<Option<Vec<_>>>()
        else {
            continue;
        };
        let place = if own_is_call { Some(0) } else { calls.iter().rposition(|is_call| *is_call) };
        let Some(place) = place else { break None };
        // None if its caller has given up in this instant. Then there may be another cycle.
        if let Some(taken) = leave(cycle.waits[place]) {
            let mut pids = cycle.pids;
            pids.rotate_left(place);
            break Some((taken, pids));
        }
    };
    drop(breaking);
    broken
}

/// A cycle that a walk has come upon, beginning with the process that closes it.
pub(super) struct Cycle {
    pub(super) pids: Vec<Pid>,
    /// The waits between them. A start (rule 6) is none, and comes after all of them.
    waits: Vec<Key>,
}

/// The shortest way from `to` back to the process of `own`: by calls alone, or by calls to one of those who wait for its init,
/// and by their starts from there.
pub(super) fn walk(own: Key, to: Pid, starters: &[Pid]) -> Option<Cycle> {
    let from = own.0;
    if to != from && !starters.contains(&to) && part(to).lock().waits_of(to).next().is_none() {
        return None;
    }
    let mut reached = BTreeMap::from([(to, own)]);
    // Breadth first, so that the cycle that is reported is one of the shortest. Each process is visited once.
    let mut next = VecDeque::from([to]);
    while let Some(pid) = next.pop_front() {
        if pid == from {
            return Some(way_back(&reached, own, pid));
        }
        if let Some(place) = starters.iter().position(|starter| *starter == pid) {
            let mut cycle = way_back(&reached, own, pid);
            cycle.pids.push(pid);
            cycle.pids.extend(starters[..place].iter().rev());
            return Some(cycle);
        }
        for (key, further) in part(pid).lock().waits_of(pid) {
            reached.entry(further).or_insert_with(|| {
                next.push_back(further);
                key
            });
        }
    }
    None
}

/// The way by waits from `own` to `end`, without `end` itself. `reached` has the wait by which each process was reached.
fn way_back(reached: &BTreeMap<Pid, Key>, own: Key, end: Pid) -> Cycle {
    let mut waits = Vec::new();
    let mut at = reached.get(&end);
    while let Some(key) = at {
        waits.push(*key);
        at = if *key == own { None } else { reached.get(&key.0) };
    }
    waits.reverse();
    Cycle { pids: waits.iter().map(|(pid, _)| *pid).collect(), waits }
}
