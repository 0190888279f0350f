//! Turns to do something costly: a fixed number at once, in the order in which they were asked for.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::channel::oneshot;

/// A fixed number of turns.
pub(super) struct Turns(Arc<Mutex<Line>>);

/// The turns that are free, and those who wait because none is.
struct Line {
    free: usize,
    /// At most one for each session that logs in.
    waiting: VecDeque<oneshot::Sender<Turn>>,
}

/// A turn, which goes to the next in the line when this is dropped.
pub(super) struct Turn(Option<Arc<Mutex<Line>>>);

impl Turns {
    pub(super) fn new(free: usize) -> Self {
        Self(Arc::new(Mutex::new(Line { free, waiting: VecDeque::new() })))
    }

    /// Waits for a turn. Dropping the future leaves the line.
    pub(super) async fn take(&self) -> Turn {
        let turn = {
            let mut line = lock(&self.0);
            if line.free > 0 {
                line.free -= 1;
                None
            } else {
                let (sender, receiver) = oneshot::channel();
                line.waiting.push_back(sender);
                Some(receiver)
            }
        };
        match turn {
            None => Turn(Some(Arc::clone(&self.0))),
            Some(turn) => turn.await.expect("a sender leaves the line only with a turn"),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(line) = self.0.take() else { return };
        loop {
            let next = {
                let mut line = lock(&line);
                let next = line.waiting.pop_front();
                line.free += usize::from(next.is_none());
                next
            };
            let Some(next) = next else { return };
            // Sent without the lock: it wakes a task.
            match next.send(Turn(Some(Arc::clone(&line)))) {
                Ok(()) => return,
                // It has left the line. The turn that came back is not dropped as one: there may be thousands of them, each in the
                // destructor of another.
                Err(mut back) => back.0 = None,
            }
        }
    }
}

fn lock(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    // Nothing under this lock panics.
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    //! The order of turns, and those who leave the line.

    use std::pin::pin;

    use futures::FutureExt;
    use futures::future::{join_all, poll_immediate};

    use super::*;

    fn is_free(turns: &Turns) -> usize {
        lock(&turns.0).free
    }

    /// The output of a future, if it has one now.
    fn now<F: Future + Unpin>(future: F) -> Option<F::Output> {
        poll_immediate(future).now_or_never().flatten()
    }

    #[test]
    fn turns_come_in_the_order_in_which_they_were_asked_for() {
        let turns = Turns::new(2);
        let [first, second] = [(); 2].map(|()| now(pin!(turns.take())).unwrap());
        let mut third = pin!(turns.take());
        let mut fourth = pin!(turns.take());
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
    fn a_turn_goes_past_those_who_have_left() {
        let turns = Turns::new(1);
        let first = now(pin!(turns.take())).unwrap();
        let mut left: Vec<_> = (0..10_000).map(|_| Box::pin(turns.take())).collect();
        assert!(now(join_all(left.iter_mut())).is_none());
        let mut last = pin!(turns.take());
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
