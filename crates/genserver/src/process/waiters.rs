//! Who waits at a process, for an answer or for its end, and until when.
//!
//! To wait costs nothing but a place in a list: most waits are over long before their deadlines. Only when the clock comes are
//! those who still wait put in order, and each of them once, so that many deadlines do not make many looks at everybody.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Instant;

use crate::node::reply::{Patience, Waiting};
use crate::values::pid::Pid;

/// Everybody who waits for one thing. Those who do so no more are swept out when a list would have to grow, so each stays below
/// twice the number of those who wait, and a few.
pub(crate) struct Waiters<W: Waiting + ?Sized> {
    /// Nobody has looked yet how long they wait.
    fresh: Vec<Arc<W>>,
    /// Those who were still there when the clock came.
    known: Option<Box<Known<W>>>,
}

struct Known<W: Waiting + ?Sized> {
    /// Waits with a deadline, the next one on top.
    dated: BinaryHeap<Dated<W>>,
    /// Waits without one.
    patient: Vec<Arc<W>>,
    /// How often the clock came since those were swept, times [`SWEPT_A_ROUND`].
    unswept: usize,
}

/// How many of those without a deadline are looked at each time the clock comes: on the average, because all are at once.
const SWEPT_A_ROUND: usize = 64;

/// A wait with a deadline. The earliest is the greatest.
struct Dated<W: ?Sized>(Instant, Arc<W>);

impl<W: Waiting + ?Sized> Waiters<W> {
    /// Adds a wait. Returns the waits that were removed to make space, to be dropped outside the lock.
    pub(crate) fn add(&mut self, home: Pid, slot: Arc<W>) -> Vec<Arc<W>> {
        let swept = sweep(&mut self.fresh, home);
        // Entered after the sweep: a slot that is used again is in the list until a sweep takes it out (rule 3 of `reply`).
        slot.enter();
        self.fresh.push(slot);
        swept
    }

    /// Gives back what a burst of calls made it grow to: those who wait no more, and the space that they took.
    pub(crate) fn shrink(&mut self, home: Pid) {
        // No answer is dropped here, under the lock: the caller of a wait that is not over holds the slot too.
        self.fresh.retain(|slot| !is_over(slot, home));
        // Not to the length itself: the next call would make it grow again.
        self.fresh.shrink_to(self.fresh.len() * 2);
    }

    /// Ends the waits whose deadline has passed, and says when the next one would be. Called outside the lock:
    /// the code of any caller may be woken.
    pub(crate) fn expire(&mut self, home: Pid, now: Instant) -> Option<Instant> {
        if self.fresh.is_empty() && self.known.is_none() {
            return None;
        }
        let known = self.known.get_or_insert_default();
        // Each slot is looked at once here, and from then on at its own deadline only.
        let fresh = std::mem::take(&mut self.fresh);
        self.fresh = fresh.into_iter().filter_map(|slot| known.sort(slot, home, now)).collect();
        while known.dated.peek().is_some_and(|Dated(at, slot)| *at <= now || !slot.is_open()) {
            let due = known.dated.pop().and_then(|Dated(_, slot)| known.sort(slot, home, now));
            self.fresh.extend(due);
        }
        known.unswept += SWEPT_A_ROUND;
        if known.unswept >= known.patient.len() {
            known.unswept = 0;
            known.patient.retain(|slot| !is_over(slot, home));
        }
        let next = known.dated.peek().map(|Dated(at, _)| *at);
        if next.is_none() && known.patient.is_empty() {
            self.known = None;
        }
        next
    }

    /// Takes back the waits that were taken out for [`expire`](Waiters::expire), and keeps those that came meanwhile.
    pub(crate) fn take_back(&mut self, mut sorted: Self) {
        // Nobody is in order here but if the clock came twice at once; then they are put in order once more.
        sorted.fresh.extend(self.drain());
        *self = sorted;
    }

    /// The processes that wait, of those that are processes.
    #[cfg(feature = "sim")]
    pub(crate) fn clients(&self, home: Pid) -> impl Iterator<Item = Pid> {
        let known = self.known.iter();
        let known = known.flat_map(|known| known.dated.iter().map(|Dated(_, slot)| slot).chain(&known.patient));
        let slots = self.fresh.iter().chain(known);
        // Its caller holds it, too, as long as it waits (rule 4 of `reply` says why the home is compared).
        slots
            .filter(move |slot| Arc::strong_count(slot) > 1 && slot.is_open() && slot.waits_at(home))
            .filter_map(|slot| slot.client())
    }

    /// Takes everybody.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Arc<W>> + use<W> {
        let known = self.known.take().map(|known| *known);
        let known = known.into_iter().flat_map(|Known { dated, patient, .. }| {
            dated.into_vec().into_iter().map(|Dated(_, slot)| slot).chain(patient)
        });
        std::mem::take(&mut self.fresh).into_iter().chain(known)
    }
}

impl<W: Waiting + ?Sized> Known<W> {
    /// Puts a wait into its list. Gives it back if it has not begun.
    fn sort(&mut self, slot: Arc<W>, home: Pid, now: Instant) -> Option<Arc<W>> {
        match slot.expire(home, now) {
            Patience::Over => {}
            Patience::Unknown => return Some(slot),
            Patience::Until(at) => {
                if self.dated.len() == self.dated.capacity() {
                    self.dated.retain(|Dated(_, slot)| !is_over(slot, home));
                    self.dated.reserve(self.dated.len().max(8));
                }
                self.dated.push(Dated(at, slot));
            }
            Patience::Endless => {
                drop(sweep(&mut self.patient, home));
                self.patient.push(slot);
            }
        }
        None
    }
}

/// Whether nobody waits for this server in the slot any more. If the list alone holds it, it was kept by a thread that has ended,
/// or whose place another slot took: such a slot stands open, and no call will ever close it.
fn is_over<W: Waiting + ?Sized>(slot: &Arc<W>, home: Pid) -> bool {
    Arc::strong_count(slot) == 1 || slot.leave(home)
}

/// Makes space for one more: removes the waits that are over, if the list would have to grow.
fn sweep<W: Waiting + ?Sized>(list: &mut Vec<Arc<W>>, home: Pid) -> Vec<Arc<W>> {
    if list.len() < list.capacity() {
        return Vec::new();
    }
    let (open, done) = std::mem::take(list).into_iter().partition(|slot| !is_over(slot, home));
    *list = open;
    list.reserve(list.len().max(8));
    done
}

impl<W: Waiting + ?Sized> Default for Waiters<W> {
    fn default() -> Self {
        Self { fresh: Vec::new(), known: None }
    }
}

impl<W: Waiting + ?Sized> Default for Known<W> {
    fn default() -> Self {
        Self { dated: BinaryHeap::new(), patient: Vec::new(), unswept: 0 }
    }
}

impl<W: ?Sized> Ord for Dated<W> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.cmp(&self.0)
    }
}

impl<W: ?Sized> PartialOrd for Dated<W> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<W: ?Sized> PartialEq for Dated<W> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<W: ?Sized> Eq for Dated<W> {}

#[cfg(test)]
mod tests {
    //! How often anybody is looked at, and that nobody is forgotten.

    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::node::reply::Unanswered;

    /// Waits until its deadline, and counts the looks at it.
    struct Counted {
        until: Option<Instant>,
        over: AtomicBool,
        looks: Arc<AtomicUsize>,
    }

    impl Waiting for Counted {
        fn fail(&self, _why: Unanswered) {
            self.over.store(true, Ordering::Relaxed);
        }

        fn client(&self) -> Option<Pid> {
            None
        }

        fn is_open(&self) -> bool {
            !self.over.load(Ordering::Relaxed)
        }

        fn fail_of(&self, _home: Pid, why: Unanswered) {
            self.fail(why);
        }

        fn enter(&self) {}

        fn leave(&self, _home: Pid) -> bool {
            !self.is_open()
        }

        fn expire(&self, _home: Pid, now: Instant) -> Patience {
            self.looks.fetch_add(1, Ordering::Relaxed);
            if self.over.load(Ordering::Relaxed) {
                return Patience::Over;
            }
            match self.until {
                None => Patience::Endless,
                Some(at) if at > now => Patience::Until(at),
                Some(_) => {
                    self.fail(Unanswered::Timeout);
                    Patience::Over
                }
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "any instant will do: nothing is waited for")]
    fn now() -> Instant {
        Instant::now()
    }

    /// So many, a millisecond apart, and as many without a deadline.
    fn crowd(many: u64, looks: &Arc<AtomicUsize>) -> (Waiters<Counted>, Vec<Arc<Counted>>, Instant) {
        let mut waiters = Waiters::default();
        let begun = now();
        let counted = |until| Arc::new(Counted { until, over: AtomicBool::new(false), looks: Arc::clone(looks) });
        let dated = (1..=many).map(|at| counted(Some(begun + Duration::from_millis(at))));
        let all: Vec<_> = dated.flat_map(|dated| [dated, counted(None)]).collect();
        for one in &all {
            waiters.add(Pid::NOBODY, Arc::clone(one));
        }
        (waiters, all, begun)
    }

    #[test]
    fn a_thousand_deadlines_are_a_few_thousand_looks() {
        let looks = Arc::new(AtomicUsize::new(0));
        let (mut waiters, all, begun) = crowd(1000, &looks);
        let mut next = begun + Duration::from_millis(1);
        let mut rounds = 0;
        while let Some(at) = waiters.expire(Pid::NOBODY, next) {
            rounds += 1;
            assert_eq!(all.iter().filter(|one| !one.is_open()).count(), rounds);
            next = at;
        }
        assert_eq!(rounds, 999);
        // Everybody once when the clock first came, and once more at the own deadline.
        assert_eq!(looks.load(Ordering::Relaxed), 2000 + 999);
        assert_eq!(waiters.drain().filter(|one| one.is_open()).count(), 1000, "those without a deadline still wait");
    }

    #[test]
    fn a_wait_that_is_over_is_removed_and_the_next_deadline_is_one_that_counts() {
        let looks = Arc::new(AtomicUsize::new(0));
        let (mut waiters, all, begun) = crowd(1000, &looks);
        assert_eq!(waiters.expire(Pid::NOBODY, begun), Some(begun + Duration::from_millis(1)));
        for one in &all[..1000] {
            one.fail(Unanswered::NoReply);
        }
        assert_eq!(waiters.expire(Pid::NOBODY, begun), Some(begun + Duration::from_millis(501)));
        assert_eq!(waiters.drain().filter(|one| one.is_open()).count(), 1000);
    }

    #[test]
    fn a_list_does_not_grow_by_those_who_are_over() {
        let looks = Arc::new(AtomicUsize::new(0));
        let mut waiters = Waiters::default();
        let begun = now();
        for round in 0..10_000_u32 {
            let until = (round % 2 == 0).then(|| begun + Duration::from_mins(1));
            let one = Arc::new(Counted { until, over: AtomicBool::new(false), looks: Arc::clone(&looks) });
            waiters.add(Pid::NOBODY, Arc::clone(&one));
            if round % 100 == 0 {
                waiters.expire(Pid::NOBODY, begun);
            }
            one.fail(Unanswered::NoReply);
        }
        assert!(waiters.drain().count() <= 3 * 16);
    }

    #[test]
    fn those_without_a_deadline_go_when_they_are_over() {
        let looks = Arc::new(AtomicUsize::new(0));
        let (mut waiters, all, begun) = crowd(1000, &looks);
        waiters.expire(Pid::NOBODY, begun);
        for one in &all[..1998] {
            one.fail(Unanswered::NoReply);
        }
        for _ in 0..=1000 / SWEPT_A_ROUND {
            waiters.expire(Pid::NOBODY, begun);
        }
        assert_eq!(waiters.drain().count(), 2);
    }

    #[test]
    fn those_who_came_while_others_were_looked_at_are_kept() {
        let looks = Arc::new(AtomicUsize::new(0));
        let (mut waiters, _held, begun) = crowd(10, &looks);
        let mut taken = std::mem::take(&mut waiters);
        let (mut late, _held_too, _) = crowd(1, &looks);
        late.drain().for_each(|one| drop(waiters.add(Pid::NOBODY, one)));
        taken.expire(Pid::NOBODY, begun);
        waiters.expire(Pid::NOBODY, begun);
        waiters.take_back(taken);
        assert_eq!(waiters.drain().count(), 22);
    }
}
