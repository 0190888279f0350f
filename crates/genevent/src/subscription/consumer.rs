//! The consumer's end of a stream.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use genserver::{Reason, poll_alive};

use super::log::{Batch, Log, Taken};
use super::segment::Read;
use super::state::Key;
use super::stream_end::StreamEnd;
use crate::values::NotifyMode;

/// The consumer's end of a stream. Dropping it ends the subscription.
pub(crate) struct Subscription<E> {
    log: Arc<Log<E>>,
    key: Key,
    batch: Option<Batch<E>>,
    /// The number after the event that the consumer works on, if a sender waits until it is done.
    at_work: Option<u64>,
    /// The panic of a `clone`, until the consumer is told.
    panic: Option<Box<Reason>>,
}

/// What a consumer gets.
pub(crate) enum Polled<E> {
    Event(E),
    Lost(u64),
    End(StreamEnd),
}

impl<E> Subscription<E> {
    pub(super) fn new(log: Arc<Log<E>>, key: Key) -> Self {
        Self { log, key, batch: None, at_work: None, panic: None }
    }

    /// The next event, if it is at hand and not the last that is: the frequent case of a consumer that is behind.
    #[inline]
    pub(crate) fn at_hand(&mut self) -> Option<E>
    where
        E: Clone,
    {
        let batch = self.batch.as_mut()?;
        if batch.next + 1 == batch.end {
            return None;
        }
        self.read()
    }

    /// Takes the next event. The consumer is done with the last one.
    pub(crate) fn poll_next(&mut self, task: &mut Context<'_>) -> Poll<Polled<E>>
    where
        E: Clone,
    {
        if self.panic.is_none() && self.batch.is_none() {
            // The event that a sender waits for is the last of a batch.
            let finished = self.at_work.take();
            match ready!(self.log.poll_take(self.key, finished, task)) {
                Taken::Batch(batch) => self.batch = Some(batch),
                Taken::Lost(missed) => return Poll::Ready(Polled::Lost(missed)),
                Taken::End(end) => return Poll::Ready(Polled::End(end)),
            }
            // The sender of the event may have sent the consumer an exit first.
            ready!(poll_alive(task));
        }
        if self.panic.is_none()
            && let Some(event) = self.read()
        {
            self.end_batch();
            return Poll::Ready(Polled::Event(event));
        }
        let Some(panic) = self.panic.take() else { unreachable!("an event is kept until its last reader has read it") };
        Poll::Ready(Polled::End(StreamEnd::Uncopied(*panic)))
    }

    /// Reads the next event of the batch. `None` if its `clone` has panicked: this stream cannot continue without the event,
    /// but the others can.
    #[inline]
    fn read(&mut self) -> Option<E>
    where
        E: Clone,
    {
        let batch = self.batch.as_mut()?;
        let number = batch.next;
        batch.next += 1;
        match batch.segment.read(number) {
            Read::Clone(event) => Some(event),
            Read::Last(event) => {
                batch.emptied += 1;
                Some(event)
            }
            Read::Panic(reason) => {
                self.panic = Some(Box::new(reason));
                None
            }
        }
    }

    /// Gives back the batch if it was read. Its last event is the only one that a sender may wait for: before it wrote the
    /// next one, the manager had stopped waiting for the others.
    fn end_batch(&mut self) {
        let Some(batch) = self.batch.take_if(|batch| batch.next == batch.end) else { return };
        self.log.note_read(&batch.segment, batch.end - 1, batch.emptied);
        match batch.awaited {
            NotifyMode::Async => {}
            NotifyMode::Ack => self.log.note_received(self.key, batch.end),
            NotifyMode::Sync => self.at_work = Some(batch.end),
        }
    }

    /// Something that ends the stream from elsewhere.
    pub(crate) fn canceller(&self) -> Canceller<E> {
        Canceller { log: Arc::clone(&self.log), key: self.key }
    }
}

impl<E> Drop for Subscription<E> {
    fn drop(&mut self) {
        self.log.remove(self.key);
        if let Some(batch) = self.batch.take() {
            self.log.skip_batch(batch);
        }
    }
}

/// Ends a stream from elsewhere.
pub(crate) struct Canceller<E> {
    log: Arc<Log<E>>,
    key: Key,
}

impl<E> Canceller<E> {
    pub(crate) fn cancel(&self) {
        self.log.end(self.key, StreamEnd::Orderly);
    }
}
