//! The streams of a manager, and what it does with each event for them.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use genserver::DeclaredWait;

use super::consumer::Subscription;
use super::cursor::Terms;
use super::log::{Log, Rest};
use super::segment::CloneEvent;
use super::state::{Goal, Key};
use super::stream_end::StreamEnd;
use super::wait::{KeptTimer, Patience, WaitLimit};
use crate::values::{HandlerId, NotifyMode};

/// The streams of a manager, oldest first.
pub(crate) struct Subscriptions<E> {
    list: Vec<Key>,
    /// Made for the first stream.
    log: Option<ManagersLog<E>>,
    /// How many streams there have been. Each has a number.
    made: u64,
    /// The number of streams at which those that are gone are swept out (rule 5).
    sweep_at: usize,
}

struct ManagersLog<E> {
    log: Arc<Log<E>>,
    clone: CloneEvent<E>,
    rest: Box<Rest<E>>,
    timer: KeptTimer,
}

impl<E> Subscriptions<E> {
    pub(crate) fn new() -> Self {
        Self { list: Vec::new(), log: None, made: 0, sweep_at: 8 }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Adds a stream. It ends when what is returned is dropped.
    pub(crate) fn add(&mut self, terms: Terms, clone: CloneEvent<E>) -> (HandlerId, Subscription<E>) {
        if self.list.len() >= self.sweep_at {
            self.sweep();
            self.sweep_at = (2 * self.list.len()).max(8);
        }
        self.made += 1;
        let managers = self.log.get_or_insert_with(|| ManagersLog {
            log: Arc::new(Log::new()),
            clone,
            rest: Box::new(Rest::new()),
            timer: KeptTimer::default(),
        });
        let key = managers.log.add(self.made, terms);
        self.list.push(key);
        (id::<E>(key), Subscription::new(Arc::clone(&managers.log), key))
    }

    /// The ids of the streams, newest first.
    pub(crate) fn ids(&self) -> Vec<HandlerId> {
        let Some(ManagersLog { log, .. }) = &self.log else { return Vec::new() };
        let are_over = log.are_over(self.list.iter().copied());
        let live = self.list.iter().zip(are_over).filter(|(_, is_over)| !is_over);
        live.rev().map(|(key, _)| id::<E>(*key)).collect()
    }

    fn sweep(&mut self) {
        let Some(ManagersLog { log, .. }) = &self.log else { return };
        let mut are_over = log.are_over(self.list.iter().copied()).into_iter();
        self.list.retain(|_| !are_over.next().unwrap_or(true));
    }

    /// Writes the event to the log. Returns whether some buffer may hold more than its capacity: then
    /// [`reach`](Self::reach) has to be awaited before anything else.
    #[inline]
    pub(crate) fn offer(&mut self, event: &E, mode: NotifyMode) -> bool {
        let Some(managers) = self.log.as_mut() else { return false };
        let Some(copy) = managers.copy(event, &self.list) else {
            self.sweep();
            return false;
        };
        let written = managers.log.write(copy, mode, &mut managers.rest);
        if written.is_to_sweep {
            self.sweep();
        }
        written.is_over_full
    }

    /// Waits until every consumer has reached the goal, or is gone. Returns false if the limit is over first. Calls `stuck` for
    /// a consumer that takes long.
    pub(crate) async fn reach(&mut self, goal: Goal, limit: WaitLimit<'_>, mut stuck: impl FnMut(&HandlerId)) -> bool {
        let Self { list, log: Some(ManagersLog { log, timer, .. }), .. } = self else { return true };
        let mut wait = Wait { at: 0, declared: None, patience: None };
        poll_fn(|task| wait.poll(list, log, goal, limit, timer, &mut stuck, task)).await
    }

    /// The manager ends in order.
    pub(crate) fn close(&mut self) {
        self.end_all(&StreamEnd::Orderly);
    }

    fn end_all(&mut self, why: &StreamEnd) {
        self.list.clear();
        if let Some(ManagersLog { log, .. }) = self.log.take() {
            log.end_all(why);
        }
    }
}

/// The id of a stream.
fn id<E>(key: Key) -> HandlerId {
    HandlerId::stream::<E>(key.stream)
}

/// The manager's wait for one consumer after the other.
struct Wait {
    /// Those before this one have reached the goal.
    at: usize,
    /// That for the consumer at `at`, if the manager waits for it.
    declared: Option<DeclaredWait>,
    patience: Option<Patience>,
}

impl Wait {
    #[expect(clippy::too_many_arguments, reason = "it is the body of one future, and these are what that borrows")]
    fn poll<E>(
        &mut self,
        list: &[Key],
        log: &Log<E>,
        goal: Goal,
        limit: WaitLimit<'_>,
        timer: &mut KeptTimer,
        stuck: &mut impl FnMut(&HandlerId),
        task: &mut Context<'_>,
    ) -> Poll<bool> {
        while let Some(behind) = log.first_behind(list, self.at, goal) {
            let key = list[behind];
            if behind != self.at {
                *self = Self { at: behind, declared: None, patience: None };
            }
            if log.poll_until(key, goal, &mut self.declared, task).is_pending() {
                let patience = self.patience.get_or_insert_with(Patience::begin);
                ready!(patience.poll_over(limit, timer, || stuck(&id::<E>(key)), task));
                return Poll::Ready(false);
            }
        }
        Poll::Ready(true)
    }
}

impl<E> ManagersLog<E> {
    /// A copy of the event for the log. If `clone` panics, a stream ends, and it is tried again for the others.
    fn copy(&self, event: &E, list: &[Key]) -> Option<E> {
        let mut at = 0;
        loop {
            match (self.clone)(event) {
                Ok(copy) => return Some(copy),
                Err(panic) => {
                    at = self.log.first_live(list, at)?;
                    self.log.end(list[at], StreamEnd::Uncopied(panic));
                }
            }
        }
    }
}

// A manager that is killed does not terminate, but its streams end all the same.
impl<E> Drop for Subscriptions<E> {
    fn drop(&mut self) {
        self.end_all(&StreamEnd::Died);
    }
}
