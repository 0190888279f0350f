//! The log that the manager writes and its consumers read.

use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use genserver::{DeclaredWait, Pid, current_pid, declare_wait};
use spin::mutex::SpinMutex;

use super::cursor::Terms;
use super::lock::Locked;
use super::segment::{Segment, Unread};
use super::state::{Goal, Key, State, WaitingManager};
use super::stream_end::StreamEnd;
use super::user_code::{catch_panic, wake};
use crate::values::NotifyMode;

/// The events that some consumer has still to take, and how far each consumer has come.
pub(crate) struct Log<E> {
    state: Locked<State<E>>,
}

/// What became of an event.
pub(super) struct Written {
    /// Some consumer may lack space for it.
    pub(super) is_over_full: bool,
    /// Some consumer has ended.
    pub(super) is_to_sweep: bool,
}

/// What writing an event leaves to do without the lock. Its memory is used again for the next event.
pub(super) struct Rest<E> {
    wakers: Vec<Waker>,
    skipped: Vec<Unread<E>>,
}

/// Events that a consumer has taken, and reads one by one.
pub(super) struct Batch<E> {
    pub(super) segment: Arc<Segment<E>>,
    pub(super) next: u64,
    pub(super) end: u64,
    /// How many of its events had no other reader.
    pub(super) emptied: u32,
    /// How long the sender of the last one waits for this consumer.
    pub(super) awaited: NotifyMode,
}

/// What a consumer finds.
pub(super) enum Taken<E> {
    Batch(Batch<E>),
    Lost(u64),
    End(StreamEnd),
}

impl<E> Log<E> {
    pub(super) fn new() -> Self {
        Self { state: SpinMutex::new(State::new()) }
    }

    /// Adds a consumer, who takes the next event.
    pub(super) fn add(&self, stream: u64, terms: Terms) -> Key {
        self.state.lock().add(stream, terms)
    }

    /// Writes an event for all consumers that are not over, and wakes those that sleep.
    pub(super) fn write(&self, event: E, mode: NotifyMode, rest: &mut Rest<E>) -> Written {
        let mut state = self.state.lock();
        if state.head >= state.full_at {
            state.make_space(&mut rest.skipped);
        }
        let unwanted = state.write(event, mode);
        if !state.asleep.is_empty() {
            state.take_wakers(&mut rest.wakers);
        }
        let written =
            Written { is_over_full: state.head > state.full_at, is_to_sweep: std::mem::take(&mut state.is_to_sweep) };
        drop(state);
        if unwanted.is_some() {
            catch_panic(|| drop(unwanted));
        }
        if !rest.is_empty() {
            self.finish(rest);
        }
        written
    }

    /// Does what was left to do without the lock.
    fn finish(&self, rest: &mut Rest<E>) {
        for waker in rest.wakers.drain(..) {
            catch_panic(|| waker.wake());
        }
        for unread in rest.skipped.drain(..) {
            self.skip(&unread);
        }
    }

    /// Gives up events for one of their readers.
    fn skip(&self, unread: &Unread<E>) {
        let mut emptied = 0;
        for number in unread.from..unread.to {
            if let Some(event) = unread.segment.skip(number) {
                emptied += 1;
                catch_panic(|| drop(event));
            }
        }
        self.note_read(&unread.segment, unread.from, emptied);
    }

    /// Notes that so many events of the segment that has this one have no reader left.
    pub(super) fn note_read(&self, segment: &Segment<E>, number: u64, emptied: u32) {
        if emptied > 0 && segment.note_read(emptied) {
            self.retire(number);
        }
    }

    /// Gives up what a consumer has taken and not read.
    pub(super) fn skip_batch(&self, Batch { segment, next, end, emptied, .. }: Batch<E>) {
        self.note_read(&segment, end - 1, emptied);
        self.skip(&Unread { segment, from: next, to: end });
    }

    /// Puts away the segment of this event, which is read up.
    fn retire(&self, number: u64) {
        let mut state = self.state.lock();
        let freed = state.segments.retire(number);
        drop(state);
        drop(freed);
    }

    /// Takes what there is for a consumer, or registers its waker. It is done with all that it has taken.
    pub(super) fn poll_take(&self, key: Key, finished: Option<u64>, task: &mut Context<'_>) -> Poll<Taken<E>> {
        let process = current_pid();
        let mut waker = None;
        loop {
            let mut state = self.state.lock();
            let (head, mode) = (state.head, state.mode);
            let Some(cursor) = state.cursor_mut(key) else { unreachable!("its consumer removes it, and is here") };
            cursor.process = process;
            cursor.in_hand = 0;
            if let Some(finished) = finished {
                cursor.finished = finished;
            }
            let until = cursor.until(head);
            let taken = if cursor.lost > 0 {
                Taken::Lost(std::mem::take(&mut cursor.lost))
            } else if cursor.next < until {
                let next = cursor.next;
                let end = until.min(next + cursor.batch()).min(Segment::<E>::end(next));
                cursor.next = end;
                cursor.in_hand = end - next - 1;
                let awaited = if end == head { mode.min(cursor.terms.mode) } else { NotifyMode::Async };
                Taken::Batch(Batch { segment: state.segments.of(next), next, end, emptied: 0, awaited })
            } else if let Some(end) = &cursor.end {
                Taken::End(end.why.clone())
            } else {
                let is_known = cursor.waker.as_ref().is_some_and(|known| known.will_wake(task.waker()));
                if !is_known && waker.is_none() {
                    drop(state);
                    waker = Some(task.waker().clone());
                    continue;
                }
                let before = if is_known { None } else { std::mem::replace(&mut cursor.waker, waker) };
                state.list_sleeper(key);
                let manager = state.take_manager(key);
                drop(state);
                wake_manager(manager);
                catch_panic(|| drop(before));
                return Poll::Pending;
            };
            let manager = state.take_manager(key);
            drop(state);
            wake_manager(manager);
            return Poll::Ready(taken);
        }
    }

    /// Notes that a consumer has received all events below this number.
    pub(super) fn note_received(&self, key: Key, received: u64) {
        let mut state = self.state.lock();
        let Some(cursor) = state.cursor_mut(key) else { return };
        cursor.received = received;
        let manager = state.take_manager(key);
        drop(state);
        wake_manager(manager);
    }

    /// Removes a consumer that is gone.
    pub(super) fn remove(&self, key: Key) {
        let mut unread = Vec::new();
        let mut state = self.state.lock();
        let cursor = state.remove(key, &mut unread);
        let manager = state.take_manager(key);
        drop(state);
        wake_manager(manager);
        catch_panic(|| drop(cursor));
        for unread in &unread {
            self.skip(unread);
        }
    }

    /// Ends a stream. Its consumer can still take what is in its buffer.
    pub(super) fn end(&self, key: Key, why: StreamEnd) {
        let mut rest = Rest::new();
        let mut state = self.state.lock();
        rest.wakers.extend(state.end(key, why, &mut rest.skipped));
        let manager = state.take_manager(key);
        drop(state);
        wake_manager(manager);
        self.finish(&mut rest);
    }

    /// Ends all streams.
    pub(super) fn end_all(&self, why: &StreamEnd) {
        let mut rest = Rest::new();
        let mut state = self.state.lock();
        for key in state.keys() {
            rest.wakers.extend(state.end(key, why.clone(), &mut rest.skipped));
        }
        drop(state);
        self.finish(&mut rest);
    }

    /// Whether a stream takes no more events.
    pub(super) fn are_over(&self, keys: impl Iterator<Item = Key>) -> Vec<bool> {
        let state = self.state.lock();
        keys.map(|key| state.is_over(key)).collect()
    }

    /// The first of these streams, from `at` on, that is not over.
    pub(super) fn first_live(&self, keys: &[Key], at: usize) -> Option<usize> {
        let state = self.state.lock();
        (at..keys.len()).find(|at| !state.is_over(keys[*at]))
    }

    /// The first consumer of these, from `at` on, that has not reached the goal.
    pub(super) fn first_behind(&self, keys: &[Key], at: usize, goal: Goal) -> Option<usize> {
        let state = self.state.lock();
        (at..keys.len()).find(|at| !state.has_reached(keys[*at], goal))
    }

    /// Waits until the consumer has reached the goal, or takes no more events.
    pub(super) fn poll_until(
        &self,
        key: Key,
        goal: Goal,
        wait: &mut Option<DeclaredWait>,
        task: &mut Context<'_>,
    ) -> Poll<()> {
        let state = self.state.lock();
        if state.has_reached(key, goal) {
            return Poll::Ready(());
        }
        let process = state.cursor(key).and_then(|cursor| cursor.process);
        drop(state);
        let kept = process.map(|_| Arc::new(()));
        let declared = process.zip(kept.as_ref().map(Arc::downgrade));
        let waiting = WaitingManager { place: key.place, waker: task.waker().clone(), kept };
        let mut state = self.state.lock();
        if state.has_reached(key, goal) {
            return Poll::Ready(());
        }
        let mut before = state.manager.replace(waiting);
        // Ends the earlier declaration under the lock. The consumer finds only the new one, so it could not end it.
        drop(before.as_mut().and_then(|before| before.kept.take()));
        drop(state);
        drop(before);
        // Declared only after the lock is released and the waker is in place. If the consumer came in between, the
        // declaration is over at once, because its token is gone.
        *wait = declared.map(|(process, kept): (Pid, Weak<()>)| declare_wait(&process, kept));
        Poll::Pending
    }
}

impl<E> Rest<E> {
    pub(super) fn new() -> Self {
        Self { wakers: Vec::new(), skipped: Vec::new() }
    }

    fn is_empty(&self) -> bool {
        self.wakers.is_empty() && self.skipped.is_empty()
    }
}

fn wake_manager(manager: Option<WaitingManager>) {
    wake(manager.map(|waiting| waiting.waker));
}
