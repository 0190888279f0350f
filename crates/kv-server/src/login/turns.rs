//! Turns to do something costly: a fixed number at once, each source in its turn.
//!
//! - R1: The sources that wait have one turn each in a round, and one that begins to wait is the last of the round. So a flood from one
//!   source delays another by one turn, and not by all that wait.
//! - R2: Those of one source get their turns in the order in which they asked for them. One that has left takes no turn of its source.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::channel::oneshot;

use super::failures::Source;

/// A fixed number of turns.
pub(super) struct Turns(Arc<Mutex<Queue>>);

/// The turns that are free, and those who wait because none is: at most one for each session that logs in.
struct Queue {
    free: usize,
    /// Of each source that waits, in the order of R2. None is empty.
    waiting: BTreeMap<Source, VecDeque<oneshot::Sender<Turn>>>,
    /// The same sources, in the order of R1.
    order: VecDeque<Source>,
}

/// A turn, which goes to the next in the queue when this is dropped.
pub(super) struct Turn(Option<Arc<Mutex<Queue>>>);

impl Turns {
    pub(super) fn new(free: usize) -> Self {
        Self(Arc::new(Mutex::new(Queue { free, waiting: BTreeMap::new(), order: VecDeque::new() })))
    }

    /// Waits for a turn of this source. Dropping the future leaves the queue.
    pub(super) async fn take(&self, source: Source) -> Turn {
        let turn = lock(&self.0).enter(source);
        match turn {
            None => Turn(Some(Arc::clone(&self.0))),
            Some(turn) => turn.await.expect("a sender leaves the queue only with a turn"),
        }
    }
}

impl Queue {
    /// Takes a free turn, or waits for one.
    fn enter(&mut self, source: Source) -> Option<oneshot::Receiver<Turn>> {
        if self.free > 0 {
            self.free -= 1;
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        let of_source = self.waiting.entry(source).or_default();
        if of_source.is_empty() {
            self.order.push_back(source);
        }
        of_source.push_back(sender);
        Some(receiver)
    }

    /// Takes out the one whose turn it is. If nobody waits, the turn is free.
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        while let Some(source) = self.order.pop_front() {
            let of_source = self.waiting.get_mut(&source).expect("a source in the order waits");
            let next = std::iter::from_fn(|| of_source.pop_front()).find(|next| !next.is_canceled());
            if of_source.is_empty() {
                self.waiting.remove(&source);
            } else {
                self.order.push_back(source);
            }
            if next.is_some() {
                return next;
            }
        }
        self.free += 1;
        None
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(queue) = self.0.take() else { return };
        loop {
            let next = lock(&queue).next();
            let Some(next) = next else { return };
            // Sent without the lock: it wakes a task.
            match next.send(Turn(Some(Arc::clone(&queue)))) {
                Ok(()) => return,
                // It has left the queue in this moment. The turn that came back is not dropped as one: there may be thousands
                // of them, each in the destructor of another.
                Err(mut back) => back.0 = None,
            }
        }
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    // Nothing under this lock panics.
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    //! The order of turns, and those who leave the queue.

    use std::net::Ipv4Addr;
    use std::pin::{Pin, pin};

    use futures::FutureExt;
    use futures::future::{join_all, poll_immediate};

    use super::*;

    fn is_free(turns: &Turns) -> usize {
        let queue = lock(&turns.0);
        assert!(queue.free == 0 || (queue.waiting.is_empty() && queue.order.is_empty()));
        queue.free
    }

    /// The output of a future, if it has one now.
    fn now<F: Future + Unpin>(future: F) -> Option<F::Output> {
        poll_immediate(future).now_or_never().flatten()
    }

    fn source(number: u32) -> Source {
        Source::of(Some(Ipv4Addr::from(number).into()))
    }

    type Waiting<'a> = Vec<(u32, Pin<Box<dyn Future<Output = Turn> + 'a>>)>;

    /// Waits for a turn of each of these sources.
    fn wait<'a>(turns: &'a Turns, sources: &[u32]) -> Waiting<'a> {
        let wait = |&number: &u32| {
            let mut turn = Box::pin(turns.take(source(number)));
            assert!(now(&mut turn).is_none());
            (number, turn as Pin<Box<dyn Future<Output = Turn>>>)
        };
        sources.iter().map(wait).collect()
    }

    /// Gives the turn to the others, one after the other, and returns their sources in the order in which they got it.
    fn pass_on(mut turn: Turn, mut waiting: Waiting<'_>) -> Vec<u32> {
        let mut order = Vec::new();
        while !waiting.is_empty() {
            drop(turn);
            let mut got = waiting.iter_mut().enumerate().filter_map(|(at, (_, taken))| Some((at, now(taken)?)));
            let (at, next) = got.next().expect("it is somebody's turn");
            assert!(got.next().is_none(), "it is one turn");
            turn = next;
            order.push(waiting.remove(at).0);
        }
        order
    }

    #[test]
    fn turns_of_one_source_come_in_the_order_in_which_they_were_asked_for() {
        let turns = Turns::new(2);
        let [first, second] = [(); 2].map(|()| now(pin!(turns.take(Source::Local))).unwrap());
        let mut third = pin!(turns.take(Source::Local));
        let mut fourth = pin!(turns.take(Source::Local));
        assert!(now(third.as_mut()).is_none() && now(fourth.as_mut()).is_none());
        drop(second);
        assert!(now(fourth.as_mut()).is_none());
        let third = now(third).unwrap();
        drop((first, third));
        let fourth = now(fourth).unwrap();
        assert_eq!(is_free(&turns), 1);
        drop(fourth);
        assert_eq!(is_free(&turns), 2);
    }

    #[test]
    fn a_flood_from_one_source_delays_another_by_one_turn() {
        let turns = Turns::new(1);
        let first = now(pin!(turns.take(source(1)))).unwrap();
        let mut waiting = wait(&turns, &[1; 1000]);
        waiting.extend(wait(&turns, &[2, 3, 2]));
        assert_eq!(pass_on(first, waiting)[..6], [1, 2, 3, 1, 2, 1]);
        assert_eq!(is_free(&turns), 1);
    }

    #[test]
    fn each_source_has_its_turn_in_a_round_however_many_of_it_wait() {
        let turns = Turns::new(1);
        let first = now(pin!(turns.take(source(9)))).unwrap();
        let waiting = wait(&turns, &[1, 1, 1, 2, 3, 3]);
        assert_eq!(pass_on(first, waiting), [1, 2, 3, 1, 3, 1]);
        assert_eq!(is_free(&turns), 1);
    }

    #[test]
    fn those_who_have_left_take_no_turn_of_their_source() {
        let turns = Turns::new(1);
        let first = now(pin!(turns.take(source(9)))).unwrap();
        let mut waiting = wait(&turns, &[1, 1, 1, 2, 2, 2]);
        waiting.drain(..2);
        assert_eq!(pass_on(first, waiting), [1, 2, 2, 2]);
        assert_eq!(is_free(&turns), 1);
    }

    #[test]
    fn a_turn_goes_past_those_who_have_left() {
        let turns = Turns::new(1);
        let first = now(pin!(turns.take(Source::Local))).unwrap();
        let mut left: Vec<_> = (0..10_000).map(|number| Box::pin(turns.take(source(number % 100)))).collect();
        assert!(now(join_all(left.iter_mut())).is_none());
        let mut last = pin!(turns.take(Source::Local));
        assert!(now(last.as_mut()).is_none());
        // One has its turn already when it leaves.
        let early = left.remove(0);
        drop(left);
        drop(first);
        assert!(now(last.as_mut()).is_none());
        drop(early);
        drop(now(last).unwrap());
        assert_eq!(is_free(&turns), 1);
    }
}
