//! The streams of a manager.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use genserver::Reason;

use super::wait_limit::WaitLimit;
use super::{Awaited, Refused, State, StreamEnd, Subscription};
use crate::values::{HandlerId, NotifyMode};

/// The streams of a manager, oldest first.
pub(crate) struct Subscriptions<E> {
    list: Vec<(HandlerId, Arc<Subscription<E>>)>,
    /// How many streams there have been. Each has a number.
    made: u64,
    /// The number of the last event that a sender waits for.
    awaited: u64,
    mode: NotifyMode,
    /// The number of streams at which those that are gone are swept out (rule 5).
    sweep_at: usize,
}

impl<E> Subscriptions<E> {
    pub(crate) fn new() -> Self {
        Self { list: Vec::new(), made: 0, awaited: 0, mode: NotifyMode::Async, sweep_at: 8 }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn add(&mut self, tap: Arc<Subscription<E>>) -> HandlerId {
        if self.list.len() >= self.sweep_at {
            self.sweep();
            self.sweep_at = (2 * self.list.len()).max(8);
        }
        self.made += 1;
        let id = HandlerId::stream::<E>(self.made);
        self.list.push((id.clone(), tap));
        id
    }

    /// The ids of the streams, newest first.
    pub(crate) fn ids(&self) -> Vec<HandlerId> {
        self.list.iter().rev().filter(|(_, tap)| !tap.is_over()).map(|(id, _)| id.clone()).collect()
    }

    fn sweep(&mut self) {
        self.list.retain(|(_, tap)| !tap.is_over());
    }

    /// Puts the event into every queue, and waits for space where the policy says so. `stuck` is called for a consumer that
    /// takes long.
    pub(crate) async fn offer(&mut self, event: &E, mode: NotifyMode, mut stuck: impl FnMut(&HandlerId)) {
        self.mode = mode;
        let awaited = match mode {
            NotifyMode::Async => Awaited::Nothing,
            NotifyMode::Ack => Awaited::Receipt(self.awaited + 1),
            NotifyMode::Sync => Awaited::Finish(self.awaited + 1),
        };
        self.awaited += u64::from(mode != NotifyMode::Async);
        let mut some_left = false;
        let mut at = 0;
        loop {
            let passed = catch_unwind(AssertUnwindSafe(|| self.pass(&mut at, event, awaited, &mut some_left)));
            let Some((id, tap)) = self.list.get(at) else { break };
            match passed {
                Ok(Some(copy)) => some_left |= !tap.put_patiently(copy, awaited, || stuck(id)).await,
                Ok(None) => {}
                // `clone` is user code. This stream cannot continue without the event; the others can.
                Err(payload) => {
                    tap.end(StreamEnd::Uncopied(Reason::caught(payload)));
                    some_left = true;
                }
            }
            at += 1;
        }
        if some_left {
            self.sweep();
        }
    }

    /// Puts clones of the event into the queues from `at` on, until one is full and has to be waited for. Returns that
    /// clone.
    fn pass(&self, at: &mut usize, event: &E, awaited: Awaited, some_left: &mut bool) -> Option<E> {
        for (here, (_, tap)) in self.list.iter().enumerate().skip(*at) {
            *at = here;
            match tap.put((tap.copy)(event), awaited) {
                Ok(()) => {}
                Err(Refused::Over) => *some_left = true,
                Err(Refused::NoRoom(copy)) => return Some(copy),
            }
        }
        *at = self.list.len();
        None
    }

    /// Waits until every consumer has come as far as it should with the last event, or is gone. Returns false when the
    /// limit is over.
    pub(crate) async fn wait(&self, limit: WaitLimit<'_>, mut stuck: impl FnMut(&HandlerId)) -> bool {
        for (id, tap) in &self.list {
            let mode = self.mode.min(tap.mode);
            if mode == NotifyMode::Async {
                continue;
            }
            let has_settled = |state: &State<E>| state.has_settled(mode, self.awaited);
            if !limit.wait(tap.until(has_settled), || stuck(id)).await {
                return false;
            }
        }
        true
    }

    /// The manager ends in order.
    pub(crate) fn close(&mut self) {
        for (_, tap) in self.list.drain(..) {
            tap.end(StreamEnd::Orderly);
        }
    }
}

// A manager that is killed does not terminate, but its streams end all the same.
impl<E> Drop for Subscriptions<E> {
    fn drop(&mut self) {
        for (_, tap) in self.list.drain(..) {
            tap.end(StreamEnd::Died);
        }
    }
}
