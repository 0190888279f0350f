//! Where a manager leaves events for the consumer of a stream.
//!
//! 1. What lies in the queue, and what the consumer took along when it was there last, is never more than the capacity.
//! 2. An event that somebody waits for has a number, and the consumer says how far it is. Whoever drops such an event, or will
//!    never come to it, says that too: nobody waits for what cannot happen.
//! 3. Of the manager and the consumer, each wakes the other only if it sleeps. Events, and the wakers of consumers, are the user's:
//!    they are copied, woken and dropped without the lock, and the wakers behind a barrier.
//! 4. The manager says whom it waits for, if the consumer is a process: so a call of that process to its manager is refused instead
//!    of waiting for the manager, which waits for it. It does so while it sleeps; what wakes it ends that.
//! 5. A consumer that is gone is seen at the next event, and swept out with the others when a stream is added: so streams that
//!    come and go without events cost no more than twice those that are there.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use genserver::{DeclaredWait, Pid, Reason, current_process, declare_wait};
use spin::Yield;
use spin::mutex::SpinMutex;

use crate::values::{LagPolicy, NotifyMode};

// How long the manager waits for a consumer.
mod wait_limit;
// All streams of a manager.
mod list;

pub(crate) use list::Subscriptions;
pub(crate) use wait_limit::{SLOW_AFTER, WaitLimit};

/// How many events a consumer takes along at once. It is a lock for each batch instead of one for each event.
const BATCH: usize = 32;

/// How many places an empty queue keeps.
const KEPT_CAPACITY: usize = 128;

/// The lock of a state. It is taken for each event and consumer, for a few instructions, and one that can put threads to sleep
/// would need as many again to look for sleepers when it is released. Who finds it taken gives way to other threads.
type Locked<T> = SpinMutex<T, Yield>;

/// Shared by the manager and one consumer.
pub(crate) struct Subscription<E> {
    copy: fn(&E) -> E,
    capacity: usize,
    lag: LagPolicy,
    /// How far the sender of an event waits for this consumer, at most.
    mode: NotifyMode,
    state: Locked<State<E>>,
}

struct State<E> {
    queue: VecDeque<QueuedEvent<E>>,
    /// How many events the consumer took along when it was here last.
    in_hand: usize,
    /// How many were dropped since the consumer was told.
    lost: u64,
    consumer: Option<Waker>,
    /// The process that was here last.
    process: Option<Pid>,
    manager: Option<WaitingManager>,
    received: u64,
    finished: u64,
    end: Option<StreamEnd>,
    /// The consumer takes no more.
    is_gone: bool,
}

/// The manager, which waits for the consumer.
struct WaitingManager {
    waker: Waker,
    /// Kept for as long as it waits (rule 4).
    kept: Option<Arc<()>>,
}

/// An event on its way to a consumer.
pub(crate) struct QueuedEvent<E> {
    pub(crate) event: E,
    pub(crate) awaited: Awaited,
}

/// What the manager waits for, by the number of the event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Awaited {
    Nothing,
    Receipt(u64),
    Finish(u64),
}

impl Awaited {
    /// What is left of it for a consumer that is waited for no further than that.
    fn at_most(self, mode: NotifyMode) -> Self {
        match (mode, self) {
            (NotifyMode::Async, _) => Self::Nothing,
            (NotifyMode::Ack, Self::Finish(number)) => Self::Receipt(number),
            (_, as_it_is) => as_it_is,
        }
    }
}

/// Why an event was not put into the queue.
enum Refused<E> {
    /// There is no room, and the manager is to wait for it. The event comes back.
    NoRoom(E),
    /// The consumer takes no more.
    Over,
}

/// Why there will be no more events.
#[derive(Clone)]
pub(crate) enum StreamEnd {
    /// The manager has ended as it should, or the stream was cancelled.
    Orderly,
    /// The manager is gone without a word.
    Died,
    /// The consumer was too slow.
    Lagged,
    /// An event could not be copied.
    Uncopied(Reason),
}

/// What a consumer finds.
pub(crate) enum Taken {
    /// There are some in what it brought along to put them in.
    Events,
    Lost(u64),
    End(StreamEnd),
}

impl<E> Subscription<E> {
    pub(crate) fn new(capacity: usize, lag: LagPolicy, mode: NotifyMode) -> Self
    where
        E: Clone,
    {
        let state = State {
            queue: VecDeque::new(),
            in_hand: 0,
            lost: 0,
            consumer: None,
            process: None,
            manager: None,
            received: 0,
            finished: 0,
            end: None,
            is_gone: false,
        };
        Self { copy: E::clone, capacity: capacity.max(1), lag, mode, state: SpinMutex::new(state) }
    }

    /// Leaves an event there as soon as there is room. Whether the consumer takes any more.
    async fn put_patiently(&self, mut event: E, awaited: Awaited, mut stuck: impl FnMut()) -> bool {
        loop {
            WaitLimit::Unlimited.wait(self.until(|state| state.has_room(self.capacity)), &mut stuck).await;
            match self.put(event, awaited) {
                Ok(()) => return true,
                Err(Refused::Over) => return false,
                Err(Refused::NoRoom(back)) => event = back,
            }
        }
    }

    #[inline]
    fn put(&self, event: E, awaited: Awaited) -> Result<(), Refused<E>> {
        let mut oldest = None;
        let mut state = self.state.lock();
        if state.is_over() {
            drop(state);
            return Err(Refused::Over);
        }
        if !state.has_room(self.capacity) {
            match self.lag {
                LagPolicy::Wait => return Err(Refused::NoRoom(event)),
                LagPolicy::End => {
                    // The consumer is awake: there is something in its buffer.
                    state.end(StreamEnd::Lagged);
                    return Err(Refused::Over);
                }
                LagPolicy::DropOldest => oldest = state.drop_oldest(),
            }
        }
        state.queue.push_back(QueuedEvent { event, awaited: awaited.at_most(self.mode) });
        let consumer = state.consumer.take();
        drop(state);
        wake(consumer);
        drop(oldest);
        Ok(())
    }

    /// What there is for the consumer, who is woken when there is something.
    pub(crate) fn poll_take(&self, taken: &mut VecDeque<QueuedEvent<E>>, task: &mut Context<'_>) -> Poll<Taken> {
        let mut waker = None;
        let process = current_process().map(|process| process.pid());
        loop {
            let mut state = self.state.lock();
            state.process = process;
            state.in_hand = 0;
            if state.lost > 0 {
                return Poll::Ready(Taken::Lost(std::mem::take(&mut state.lost)));
            }
            if !state.queue.is_empty() {
                let spare = state.hand_out(self.batch(), taken);
                let manager = state.manager.take();
                drop(state);
                wake_manager(manager);
                drop(spare);
                return Poll::Ready(Taken::Events);
            }
            if let Some(end) = &state.end {
                return Poll::Ready(Taken::End(end.clone()));
            }
            let known = state.consumer.as_ref().is_some_and(|known| known.will_wake(task.waker()));
            if !known && waker.is_none() {
                drop(state);
                waker = Some(task.waker().clone());
                continue;
            }
            let before = if known { None } else { std::mem::replace(&mut state.consumer, waker) };
            let manager = state.manager.take();
            drop(state);
            wake_manager(manager);
            catch_panic(|| drop(before));
            return Poll::Pending;
        }
    }

    /// Where there is little room, what is taken along would be missed by those who wait for it.
    fn batch(&self) -> usize {
        if self.capacity < 2 * BATCH { 1 } else { BATCH }
    }

    /// The consumer has received an event, or is done with it.
    pub(crate) fn settle(&self, awaited: Awaited) {
        let mut state = self.state.lock();
        state.settle(awaited);
        let manager = state.manager.take();
        drop(state);
        wake_manager(manager);
    }

    /// The consumer takes no more.
    pub(crate) fn leave(&self) {
        let mut state = self.state.lock();
        state.is_gone = true;
        let rest = std::mem::take(&mut state.queue);
        let (consumer, manager) = (state.consumer.take(), state.manager.take());
        drop(state);
        wake_manager(manager);
        catch_panic(|| drop(consumer));
        drop(rest);
    }

    /// There will be no more events; those that are there can still be taken.
    pub(crate) fn end(&self, end: StreamEnd) {
        let mut state = self.state.lock();
        state.end(end);
        let (consumer, manager) = (state.consumer.take(), state.manager.take());
        drop(state);
        wake(consumer);
        wake_manager(manager);
    }

    fn is_over(&self) -> bool {
        self.state.lock().is_over()
    }

    /// Until the state is as the manager wants it, or the consumer takes no more.
    async fn until(&self, is_so: impl Fn(&State<E>) -> bool) {
        let mut wait = None;
        poll_fn(|task| self.poll_until(&is_so, &mut wait, task)).await;
    }

    fn poll_until(
        &self,
        is_so: impl Fn(&State<E>) -> bool,
        wait: &mut Option<DeclaredWait>,
        task: &mut Context<'_>,
    ) -> Poll<()> {
        let is_so = |state: &State<E>| is_so(state) || state.is_over();
        let state = self.state.lock();
        if is_so(&state) {
            return Poll::Ready(());
        }
        let process = state.process;
        drop(state);
        let kept = process.map(|_| Arc::new(()));
        let declared = process.zip(kept.as_ref().map(Arc::downgrade));
        let waiting = WaitingManager { waker: task.waker().clone(), kept };
        let mut state = self.state.lock();
        if is_so(&state) {
            return Poll::Ready(());
        }
        let mut before = state.manager.replace(waiting);
        // What was declared before is over under the lock: the consumer, which finds only the new one, could not end it.
        drop(before.as_mut().and_then(|before| before.kept.take()));
        drop(state);
        drop(before);
        // Only now: had the consumer come between, it would have let go of what it could not find later.
        *wait = declared.map(|(process, kept): (Pid, Weak<()>)| declare_wait(&process, kept));
        Poll::Pending
    }
}

impl<E> State<E> {
    fn is_over(&self) -> bool {
        self.is_gone || self.end.is_some()
    }

    fn has_room(&self, capacity: usize) -> bool {
        self.queue.len() + self.in_hand < capacity
    }

    /// Whether the consumer is as far as `mode` says with the event of this number.
    fn has_settled(&self, mode: NotifyMode, number: u64) -> bool {
        let so_far = if mode == NotifyMode::Sync { self.finished } else { self.received };
        so_far >= number
    }

    /// Makes room, and counts that.
    fn drop_oldest(&mut self) -> Option<QueuedEvent<E>> {
        let oldest = self.queue.pop_front()?;
        self.lost += 1;
        self.settle(oldest.awaited);
        Some(oldest)
    }

    /// Gives the oldest events to the consumer. What comes back is the memory of a burst, if it is over.
    fn hand_out(&mut self, most: usize, taken: &mut VecDeque<QueuedEvent<E>>) -> VecDeque<QueuedEvent<E>> {
        let batch = most.min(self.queue.len());
        taken.extend(self.queue.drain(..batch));
        self.in_hand = batch - 1;
        let is_heavy = self.queue.is_empty() && self.queue.capacity() > KEPT_CAPACITY;
        if is_heavy { std::mem::take(&mut self.queue) } else { VecDeque::new() }
    }

    fn settle(&mut self, awaited: Awaited) {
        match awaited {
            Awaited::Nothing => {}
            Awaited::Receipt(number) => self.received = self.received.max(number),
            Awaited::Finish(number) => {
                self.received = self.received.max(number);
                self.finished = self.finished.max(number);
            }
        }
    }

    fn end(&mut self, end: StreamEnd) {
        if self.end.is_none() {
            self.end = Some(end);
        }
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        catch_panic(|| waker.wake());
    }
}

/// Runs what belongs to the consumer. Its panic is neither the manager's nor that of another task with the stream.
fn catch_panic(run: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(run)) {
        drop(Reason::caught(payload));
    }
}

fn wake_manager(manager: Option<WaitingManager>) {
    wake(manager.map(|waiting| waiting.waker));
}
