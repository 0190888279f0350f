//! Where a manager leaves events for the consumer of a stream.
//!
//! 1. What lies in the queue, and what the consumer took along when it was there last, is never more than the capacity.
//! 2. An event that somebody waits for has a number, and the consumer says how far it is. Whoever drops such an event, or will
//!    never come to it, says that too: nobody waits for what cannot happen.
//! 3. Of the manager and the consumer, each wakes the other only if it sleeps.
//! 4. A consumer that is gone is seen at the next event, and swept out with the others when a stream is added: so streams that
//!    come and go without events cost no more than twice those that are there.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use parking_lot::Mutex;

use super::Lag;
use crate::context::Mode;
use crate::id::HandlerId;

/// How many events a consumer takes along at once. It is a lock for each batch instead of one for each event.
const BATCH: usize = 32;

/// Shared by the manager and one consumer.
pub(crate) struct Tap<E> {
    copy: fn(&E) -> E,
    capacity: usize,
    lag: Lag,
    line: Mutex<Line<E>>,
}

struct Line<E> {
    queue: VecDeque<Entry<E>>,
    /// How many events the consumer took along when it was here last.
    in_hand: usize,
    /// How many were dropped since the consumer was told.
    lost: u64,
    consumer: Option<Waker>,
    manager: Option<Waker>,
    received: u64,
    finished: u64,
    end: Option<End>,
    /// The consumer takes no more.
    is_gone: bool,
}

/// An event on its way to a consumer.
pub(crate) struct Entry<E> {
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

/// What has become of an event.
enum Offered {
    /// It is in the queue, or an older one was dropped for it.
    Taken,
    /// There is no room, and the manager is to wait for it.
    NoRoom,
    /// The consumer takes no more.
    Refused,
}

/// Why there will be no more events.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The manager has ended as it should, or the stream was cancelled.
    Orderly,
    /// The manager is gone without a word.
    Died,
    /// The consumer was too slow.
    Lagged,
}

/// What a consumer finds.
pub(crate) enum Found {
    /// There are some in what it brought along to put them in.
    Events,
    Lost(u64),
    End(End),
}

impl<E> Tap<E> {
    pub(crate) fn new(capacity: usize, lag: Lag) -> Self
    where
        E: Clone,
    {
        let line = Line {
            queue: VecDeque::new(),
            in_hand: 0,
            lost: 0,
            consumer: None,
            manager: None,
            received: 0,
            finished: 0,
            end: None,
            is_gone: false,
        };
        Self { copy: E::clone, capacity: capacity.max(1), lag, line: Mutex::new(line) }
    }

    /// Leaves an event there.
    fn offer(&self, event: &E, awaited: Awaited) -> Offered {
        // A copy is the user's function, and runs before the lock is taken.
        let event = (self.copy)(event);
        let mut line = self.line.lock();
        if line.is_over() {
            return Offered::Refused;
        }
        if !line.has_room(self.capacity) {
            match self.lag {
                Lag::Wait => return Offered::NoRoom,
                Lag::End => {
                    line.end(End::Lagged);
                    return Offered::Refused;
                }
                Lag::DropOldest => {
                    let oldest = line.queue.pop_front();
                    line.lost += u64::from(oldest.is_some());
                    if let Some(Entry { awaited, .. }) = oldest {
                        line.settle(awaited);
                    }
                }
            }
        }
        line.queue.push_back(Entry { event, awaited });
        let consumer = line.consumer.take();
        drop(line);
        wake(consumer);
        Offered::Taken
    }

    /// What there is for the consumer, who is woken when there is something.
    pub(crate) fn poll_take(&self, taken: &mut VecDeque<Entry<E>>, task: &mut Context<'_>) -> Poll<Found> {
        let mut line = self.line.lock();
        line.in_hand = 0;
        if line.lost > 0 {
            return Poll::Ready(Found::Lost(std::mem::take(&mut line.lost)));
        }
        if line.queue.is_empty() {
            if let Some(end) = line.end {
                return Poll::Ready(Found::End(end));
            }
            let manager = line.manager.take();
            match &line.consumer {
                Some(known) if known.will_wake(task.waker()) => {}
                _ => line.consumer = Some(task.waker().clone()),
            }
            drop(line);
            wake(manager);
            return Poll::Pending;
        }
        // Where there is little room, what is taken along would be missed by those who wait for it.
        let batch = if self.capacity < 2 * BATCH { 1 } else { BATCH.min(line.queue.len()) };
        taken.extend(line.queue.drain(..batch));
        line.in_hand = batch - 1;
        let manager = line.manager.take();
        drop(line);
        wake(manager);
        Poll::Ready(Found::Events)
    }

    /// The consumer has received an event, or is done with it.
    pub(crate) fn settle(&self, awaited: Awaited) {
        let mut line = self.line.lock();
        line.settle(awaited);
        let manager = line.manager.take();
        drop(line);
        wake(manager);
    }

    /// The consumer takes no more.
    pub(crate) fn leave(&self) {
        let mut line = self.line.lock();
        line.is_gone = true;
        let rest = std::mem::take(&mut line.queue);
        let manager = line.manager.take();
        drop(line);
        // What is dropped here is the user's, so it is dropped without the lock.
        drop(rest);
        wake(manager);
    }

    /// There will be no more events; those that are there can still be taken.
    pub(crate) fn end(&self, end: End) {
        let mut line = self.line.lock();
        line.end(end);
        let (consumer, manager) = (line.consumer.take(), line.manager.take());
        drop(line);
        wake(consumer);
        wake(manager);
    }

    fn is_gone(&self) -> bool {
        self.line.lock().is_over()
    }

    /// Whether the consumer is as far as `mode` says with the event of this number.
    fn poll_settled(&self, mode: Mode, number: u64, task: &mut Context<'_>) -> Poll<()> {
        let mut line = self.line.lock();
        let so_far = if mode == Mode::Sync { line.finished } else { line.received };
        if so_far >= number || line.is_over() {
            return Poll::Ready(());
        }
        line.manager = Some(task.waker().clone());
        Poll::Pending
    }

    /// Ready when there may be room.
    fn poll_room(&self, task: &mut Context<'_>) -> Poll<()> {
        let mut line = self.line.lock();
        if line.has_room(self.capacity) || line.is_over() {
            return Poll::Ready(());
        }
        line.manager = Some(task.waker().clone());
        Poll::Pending
    }
}

impl<E> Line<E> {
    fn is_over(&self) -> bool {
        self.is_gone || self.end.is_some()
    }

    fn has_room(&self, capacity: usize) -> bool {
        self.queue.len() + self.in_hand < capacity
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

    fn end(&mut self, end: End) {
        if self.end.is_none() {
            self.end = Some(end);
        }
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// The streams of a manager, oldest first.
pub(crate) struct Taps<E> {
    list: Vec<(HandlerId, Arc<Tap<E>>)>,
    /// How many there were in all: each has a number.
    made: u64,
    /// The number of the last event that somebody waits for.
    awaited: u64,
    mode: Mode,
    /// At how many streams those are swept out that are gone (rule 4).
    sweep_at: usize,
}

impl<E> Taps<E> {
    pub(crate) fn new() -> Self {
        Self { list: Vec::new(), made: 0, awaited: 0, mode: Mode::Async, sweep_at: 8 }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn add(&mut self, tap: Arc<Tap<E>>) -> HandlerId {
        if self.list.len() >= self.sweep_at {
            self.sweep();
            self.sweep_at = (2 * self.list.len()).max(8);
        }
        self.made += 1;
        let id = HandlerId::stream::<E>(self.made);
        self.list.push((id.clone(), tap));
        id
    }

    /// The streams, newest first.
    pub(crate) fn ids(&self) -> Vec<HandlerId> {
        self.list.iter().rev().filter(|(_, tap)| !tap.is_gone()).map(|(id, _)| id.clone()).collect()
    }

    /// Ends one of them. Whether it was there.
    pub(crate) fn remove(&mut self, id: &HandlerId) -> bool {
        let Some(at) = self.list.iter().position(|(known, _)| known == id) else { return false };
        let (_, tap) = self.list.remove(at);
        let was_there = !tap.is_gone();
        tap.end(End::Orderly);
        was_there
    }

    fn sweep(&mut self) {
        self.list.retain(|(_, tap)| !tap.is_gone());
    }

    /// Leaves the event with every consumer, and waits for those that want to be waited for.
    pub(crate) async fn offer(&mut self, event: &E, mode: Mode)
    where
        E: Sync,
    {
        self.mode = mode;
        let awaited = match mode {
            Mode::Async => Awaited::Nothing,
            Mode::Ack => Awaited::Receipt(self.awaited + 1),
            Mode::Sync => Awaited::Finish(self.awaited + 1),
        };
        self.awaited += u64::from(mode != Mode::Async);
        let mut some_left = false;
        for (_, tap) in &self.list {
            loop {
                match tap.offer(event, awaited) {
                    Offered::Taken => break,
                    Offered::NoRoom => poll_fn(|task| tap.poll_room(task)).await,
                    Offered::Refused => {
                        some_left = true;
                        break;
                    }
                }
            }
        }
        if some_left {
            self.sweep();
        }
    }

    /// Until every consumer is as far as it should be with the last event, or is gone; or until the deadline, which is false.
    pub(crate) async fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut timer = std::pin::pin!(deadline.map(genserver::time::sleep_until));
        for (_, tap) in &self.list {
            let is_over = poll_fn(|task| {
                if let Poll::Ready(()) = tap.poll_settled(self.mode, self.awaited, task) {
                    return Poll::Ready(false);
                }
                timer.as_mut().as_pin_mut().map_or(Poll::Pending, |timer| timer.poll(task).map(|()| true))
            });
            if is_over.await {
                return false;
            }
        }
        true
    }

    /// The manager ends as it should.
    pub(crate) fn close(&mut self) {
        for (_, tap) in self.list.drain(..) {
            tap.end(End::Orderly);
        }
    }
}

/// A manager that is killed says nothing, but its streams end all the same.
impl<E> Drop for Taps<E> {
    fn drop(&mut self) {
        for (_, tap) in self.list.drain(..) {
            tap.end(End::Died);
        }
    }
}
