//! The queue between the manager and one consumer of a stream.
//!
//! 1. The events in the queue, plus those that the consumer took in its last batch, never exceed the capacity.
//! 2. An event that a sender waits for has a number, and the consumer reports its progress by that number. Dropping such an
//!    event, or ending before it, reports progress too: so no sender waits for something that cannot happen.
//! 3. The manager and the consumer each wake the other only if it sleeps. Events and the consumers' wakers are user code:
//!    they are cloned, woken and dropped without the lock, and panics in wakers are caught.
//! 4. While the manager sleeps for a consumer that is a process, it declares that wait. So a call of that process to the
//!    manager is refused, instead of waiting for the manager that waits for it. Waking the manager ends the declaration.
//! 5. A consumer that is gone is noticed at the next event. Adding a stream sweeps such consumers out too, so streams that
//!    come and go without events cost at most twice as much as the live ones.

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
// The streams of a manager.
mod list;

pub(crate) use list::Subscriptions;
pub(crate) use wait_limit::{SLOW_AFTER, WaitLimit};

/// How many events a consumer takes at once: the lock is taken once for each batch.
const BATCH: usize = 32;

/// How much capacity an empty queue keeps.
const KEPT_CAPACITY: usize = 128;

/// The lock of the queue. It is taken for each event and consumer, and held for a few instructions. A lock that puts
/// threads to sleep would need as many instructions again to look for sleepers on release. A thread that finds it taken
/// yields.
type Locked<T> = SpinMutex<T, Yield>;

/// The queue, shared by the manager and one consumer.
pub(crate) struct Subscription<E> {
    copy: fn(&E) -> E,
    capacity: usize,
    lag: LagPolicy,
    /// Limits how long senders wait for this consumer.
    mode: NotifyMode,
    state: Locked<State<E>>,
}

struct State<E> {
    queue: VecDeque<QueuedEvent<E>>,
    /// How many events of its last batch the consumer still has.
    in_hand: usize,
    /// How many events were dropped since the consumer was last told.
    lost: u64,
    consumer: Option<Waker>,
    /// The process that polled last.
    process: Option<Pid>,
    manager: Option<WaitingManager>,
    received: u64,
    finished: u64,
    end: Option<StreamEnd>,
    /// The consumer takes no more events.
    is_gone: bool,
}

/// The manager, while it waits for the consumer.
struct WaitingManager {
    waker: Waker,
    /// Held while the declared wait lasts (rule 4).
    kept: Option<Arc<()>>,
}

/// An event in the queue.
pub(crate) struct QueuedEvent<E> {
    pub(crate) event: E,
    pub(crate) awaited: Awaited,
}

/// What a sender waits for, by the number of the event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Awaited {
    Nothing,
    Receipt(u64),
    Finish(u64),
}

impl Awaited {
    /// Reduces the wait to what the consumer's mode allows.
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
    /// The queue is full and the manager has to wait. Returns the event.
    NoRoom(E),
    /// The consumer takes no more events.
    Over,
}

/// Why there will be no more events.
#[derive(Clone)]
pub(crate) enum StreamEnd {
    /// The manager has ended in order, or the stream was cancelled.
    Orderly,
    /// The manager was killed or has crashed.
    Died,
    /// The consumer was too slow.
    Lagged,
    /// An event's `clone` panicked.
    Uncopied(Reason),
}

/// What a consumer finds.
pub(crate) enum Taken {
    /// Events were moved into the consumer's batch.
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

    /// Waits for space, then puts the event into the queue. Returns whether the consumer still takes events.
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
                    // The consumer is awake: its buffer is not empty.
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

    /// Takes what there is for the consumer, or registers its waker.
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

    /// Small buffers are not taken in batches: the taken events would count against the capacity.
    fn batch(&self) -> usize {
        if self.capacity < 2 * BATCH { 1 } else { BATCH }
    }

    /// Reports that the consumer has received an event or is done with it.
    pub(crate) fn settle(&self, awaited: Awaited) {
        let mut state = self.state.lock();
        state.settle(awaited);
        let manager = state.manager.take();
        drop(state);
        wake_manager(manager);
    }

    /// Ends the subscription from the consumer's side.
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

    /// Ends the subscription from the manager's side. The consumer can still take what is in the queue.
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

    /// Waits until the state satisfies the manager, or the consumer takes no more.
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

impl<E> State<E> {
    fn is_over(&self) -> bool {
        self.is_gone || self.end.is_some()
    }

    fn has_room(&self, capacity: usize) -> bool {
        self.queue.len() + self.in_hand < capacity
    }

    /// Whether the consumer has come as far as `mode` asks with the event of this number.
    fn has_settled(&self, mode: NotifyMode, number: u64) -> bool {
        let so_far = if mode == NotifyMode::Sync { self.finished } else { self.received };
        so_far >= number
    }

    /// Makes space, and counts the dropped event.
    fn drop_oldest(&mut self) -> Option<QueuedEvent<E>> {
        let oldest = self.queue.pop_front()?;
        self.lost += 1;
        self.settle(oldest.awaited);
        Some(oldest)
    }

    /// Moves the oldest events to the consumer. Returns the memory of a burst that is over, to be freed without the lock.
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

/// Runs user code of the consumer. A panic in it concerns neither the manager nor another task that holds the stream.
fn catch_panic(run: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(run)) {
        drop(Reason::caught(payload));
    }
}

fn wake_manager(manager: Option<WaitingManager>) {
    wake(manager.map(|waiting| waiting.waker));
}
