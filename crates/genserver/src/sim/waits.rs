//! Which process waits for which, when a run goes on no more.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::node;
use crate::{Node, Pid};

/// A line for each process that waits for others, and one for a cycle of them if there is one.
///
/// A process waits for another that has to answer its call, to end, or to start.
pub(super) fn shown(node: &Node) -> String {
    let mut waits = BTreeMap::<Pid, BTreeSet<Pid>>::new();
    for process in node.process_list() {
        let Some(found) = node::find(process.pid) else { continue };
        let starter = process.parent.filter(|_| found.is_in_init());
        for waiting in found.waiting().into_iter().chain(starter) {
            waits.entry(waiting).or_default().insert(process.pid);
        }
    }
    let title = |pid: &Pid| node::find(*pid).map_or_else(|| pid.to_string(), |process| process.head().title());
    let mut text = String::new();
    if let Some(cycle) = cycle(&waits) {
        let links = cycle.iter().zip(cycle.iter().cycle().skip(1));
        let links = links.map(|(from, to)| format!("{} waits for {}", title(from), title(to)));
        // Writing to a string does not fail.
        let _ = write!(text, "\na cycle: {}", links.collect::<Vec<_>>().join(", "));
    }
    for (from, to) in &waits {
        let to = to.iter().map(title).collect::<Vec<_>>().join(", ");
        let _ = write!(text, "\n{} waits for {to}", title(from));
    }
    text
}

/// Processes each of which waits for the next, and the last for the first.
fn cycle(waits: &BTreeMap<Pid, BTreeSet<Pid>>) -> Option<Vec<Pid>> {
    /// Looks on from the end of the way. What is not in a cycle is not looked at again.
    fn from(way: &mut Vec<Pid>, over: &mut BTreeSet<Pid>, waits: &BTreeMap<Pid, BTreeSet<Pid>>) -> Option<Vec<Pid>> {
        let last = *way.last()?;
        for next in waits.get(&last).into_iter().flatten() {
            if let Some(first) = way.iter().position(|pid| pid == next) {
                return Some(way[first..].to_vec());
            }
            if !over.contains(next) {
                way.push(*next);
                if let Some(cycle) = from(way, over, waits) {
                    return Some(cycle);
                }
                way.pop();
            }
        }
        over.insert(last);
        None
    }
    let mut over = BTreeSet::new();
    waits.keys().find_map(|first| from(&mut vec![*first], &mut over, waits))
}

#[cfg(test)]
mod tests {
    //! Cycles of waits.

    use super::*;

    fn cycle_of(waits: &[(u64, u64)]) -> Option<Vec<u64>> {
        let pid = |serial| Pid::new(1, 0, serial);
        let mut all = BTreeMap::<Pid, BTreeSet<Pid>>::new();
        for (from, to) in waits {
            all.entry(pid(*from)).or_default().insert(pid(*to));
        }
        cycle(&all).map(|cycle| cycle.into_iter().map(|pid| pid.serial).collect())
    }

    #[test]
    fn a_cycle_is_found_wherever_it_begins() {
        assert_eq!(cycle_of(&[(1, 2), (2, 3), (1, 3)]), None);
        assert_eq!(cycle_of(&[(1, 2), (2, 3), (3, 2)]), Some(vec![2, 3]));
        assert_eq!(cycle_of(&[(1, 1)]), Some(vec![1]));
        assert_eq!(cycle_of(&[(1, 4), (4, 5), (2, 3), (3, 4), (5, 2)]), Some(vec![4, 5, 2, 3]));
    }
}
