//! Races of a run: two messages to one process, from two tasks, of which either could have come first.

use std::collections::BTreeMap;

use crate::node::record::Event;
use crate::sim::choices::Place;

/// What a step has done that others can notice.
#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct StepSeen {
    /// Whose step it was.
    pub(in crate::sim) task: u64,
    /// Where its first choice stands.
    pub(in crate::sim) place: Place,
    /// The number of the process whose task it was.
    pub(in crate::sim) owner: Option<u64>,
    pub(in crate::sim) sent: Vec<Sent>,
    /// The tasks that it has woken.
    pub(in crate::sim) woke: Vec<u64>,
}

impl StepSeen {
    /// A step with these events. `inline` has its decisions whether a caller may run a server: after how many events each was made,
    /// and its place in the schedule.
    pub(in crate::sim) fn of(
        task: u64,
        place: Place,
        events: &[Event],
        inline: &[(usize, usize)],
        woke: Vec<u64>,
    ) -> Self {
        let mut step = Self { task, place, owner: None, sent: Vec::new(), woke };
        // The last decision before the last message: if it had been the other one, its caller would have waited behind that message.
        let mut split = None;
        let mut decisions = inline.iter().peekable();
        let mut decided = None;
        for (number, event) in events.iter().enumerate() {
            while let Some((_, place)) = decisions.next_if(|(events, _)| *events <= number) {
                decided = Some(*place);
            }
            let (to, kind) = match event {
                Event::Entered { pid, depth: 0 } => {
                    step.owner = step.owner.or(Some(pid.number()));
                    continue;
                }
                Event::Arrived { at, kind, .. } => (at.number(), *kind),
                // A name is as good as a process that is sent to.
                Event::Name { name, .. } => (*name, *name),
                _ => continue,
            };
            step.sent.push(Sent { to, kind, split });
            split = decided;
        }
        step
    }
}

/// A message, or a name that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) struct Sent {
    /// The number of the process that it goes to.
    pub(in crate::sim) to: u64,
    /// Which kind of message it is.
    pub(in crate::sim) kind: u64,
    /// The place in the schedule of an earlier call of the same step. If that is queued, its caller waits, before this is sent.
    pub(in crate::sim) split: Option<usize>,
}

/// Two messages that could have come in the other order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sim) struct Race {
    /// The step of each.
    pub(in crate::sim) first: usize,
    pub(in crate::sim) second: usize,
    /// Where they went.
    pub(in crate::sim) to: u64,
    pub(in crate::sim) kinds: [u64; 2],
    /// As in [`Sent`], of the first one.
    pub(in crate::sim) split: Option<usize>,
}

/// How many steps of each task have happened before something, sorted by task. It is short, and joined for each message: a list is
/// quicker than a map.
type Clock = Vec<(u64, u64)>;

fn join(clock: &mut Clock, other: &[(u64, u64)]) {
    let mut place = 0;
    for (task, steps) in other {
        while clock.get(place).is_some_and(|(known, _)| known < task) {
            place += 1;
        }
        match clock.get_mut(place) {
            Some((known, count)) if known == task => *count = (*count).max(*steps),
            _ => clock.insert(place, (*task, *steps)),
        }
    }
}

/// How many steps of a task have happened before.
fn steps_of(clock: &[(u64, u64)], task: u64) -> u64 {
    clock.iter().find(|(known, _)| *known == task).map_or(0, |(_, steps)| *steps)
}

/// The last message of a task to a process.
struct Last {
    step: usize,
    /// How many steps its task had made with that one.
    count: u64,
    sent: Sent,
}

/// The races of a run.
///
/// A step comes after those that woke its task, and after all messages that had come to its process; and a message comes after the
/// ones that came to the same process before. Where only the last says so, the two are a race.
pub(in crate::sim) fn races(steps: &[StepSeen]) -> Vec<Race> {
    let mut found = Vec::new();
    let mut tasks: BTreeMap<u64, Clock> = BTreeMap::new();
    let mut processes: BTreeMap<u64, (Clock, BTreeMap<u64, Last>)> = BTreeMap::new();
    for (number, step) in steps.iter().enumerate() {
        let mut clock = tasks.remove(&step.task).unwrap_or_default();
        if let Some((arrived, _)) = step.owner.and_then(|owner| processes.get(&owner)) {
            join(&mut clock, arrived);
        }
        let count = steps_of(&clock, step.task) + 1;
        join(&mut clock, &[(step.task, count)]);
        for sent in &step.sent {
            let (arrived, last) = processes.entry(sent.to).or_default();
            let others =
                last.iter().filter(|(task, last)| **task != step.task && steps_of(&clock, **task) < last.count);
            found.extend(others.map(|(_, last)| Race {
                first: last.step,
                second: number,
                to: sent.to,
                kinds: [last.sent.kind, sent.kind],
                split: last.sent.split,
            }));
            join(&mut clock, arrived);
            join(arrived, &clock);
            last.insert(step.task, Last { step: number, count, sent: *sent });
        }
        for woken in &step.woke {
            if *woken != step.task {
                join(tasks.entry(*woken).or_default(), &clock);
            }
        }
        tasks.insert(step.task, clock);
    }
    found
}

#[cfg(test)]
mod tests {
    //! Small runs.

    use super::*;

    fn step(task: u64, to: &[u64], woke: &[u64]) -> StepSeen {
        let sent = to.iter().map(|to| Sent { to: *to, kind: task, split: None }).collect();
        StepSeen { task, sent, woke: woke.to_vec(), ..StepSeen::default() }
    }

    fn pairs(steps: &[StepSeen]) -> Vec<(usize, usize)> {
        races(steps).into_iter().map(|race| (race.first, race.second)).collect()
    }

    #[test]
    fn messages_of_two_tasks_to_one_process_are_a_race() {
        assert_eq!(pairs(&[step(0, &[], &[1, 2]), step(1, &[7], &[]), step(2, &[7], &[])]), [(1, 2)]);
        assert_eq!(pairs(&[step(0, &[], &[1, 2]), step(1, &[7], &[]), step(2, &[8], &[])]), []);
    }

    #[test]
    fn a_message_that_another_caused_is_not_in_a_race_with_it() {
        assert_eq!(pairs(&[step(1, &[7], &[2]), step(2, &[7], &[])]), []);
        // By way of a process that the first has sent to.
        let reader = StepSeen { owner: Some(8), ..step(3, &[], &[2]) };
        assert_eq!(pairs(&[step(1, &[7, 8], &[]), reader, step(2, &[7], &[])]), []);
    }

    #[test]
    fn a_message_is_in_a_race_with_the_last_of_each_other_task() {
        let steps = [step(1, &[7], &[]), step(2, &[7], &[]), step(3, &[7], &[])];
        assert_eq!(pairs(&steps), [(0, 1), (0, 2), (1, 2)]);
    }
}
