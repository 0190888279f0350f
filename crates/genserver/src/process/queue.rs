//! A queue of messages that is nothing but a null pointer until something is put into it.

use std::collections::VecDeque;

use super::envelope::Envelope;
use crate::server::GenServer;

/// Messages in the order of their arrival. Most servers never need one: their callers run them.
#[expect(clippy::box_collection, reason = "the pointer is what most servers pay for: they never queue anything")]
pub(crate) struct Queue<S: GenServer>(Option<Box<VecDeque<Envelope<S>>>>);

/// How many places an empty queue keeps.
const KEPT: usize = 1024;

/// How many messages are looked at for the oldest that may be dropped: it is done under the lock of the mailbox.
const LOOKED_AT: usize = 1024;

impl<S: GenServer> Queue<S> {
    pub(crate) const fn new() -> Self {
        Self(None)
    }

    #[inline]
    pub(crate) fn push_back(&mut self, message: Envelope<S>) {
        match &mut self.0 {
            Some(queue) => queue.push_back(message),
            None => self.begin(message),
        }
    }

    pub(crate) fn push_front(&mut self, message: Envelope<S>) {
        match &mut self.0 {
            Some(queue) => queue.push_front(message),
            None => self.begin(message),
        }
    }

    /// Puts in the first message. It gets one place and not four: many a server queues nothing but what it is told when it starts.
    #[cold]
    fn begin(&mut self, message: Envelope<S>) {
        let mut queue = Box::new(VecDeque::with_capacity(1));
        queue.push_back(message);
        self.0 = Some(queue);
    }

    #[inline]
    pub(crate) fn pop_front(&mut self) -> Option<Envelope<S>> {
        self.0.as_mut()?.pop_front()
    }

    /// Takes out the first message, if it is a call that needs no look before it is handled.
    #[inline]
    pub(crate) fn pop_call(&mut self) -> Option<S::Call> {
        let queue = self.0.as_mut()?;
        if !matches!(queue.front(), Some(Envelope::Call(_, None))) {
            return None;
        }
        match queue.pop_front() {
            Some(Envelope::Call(call, _)) => Some(call),
            _ => None,
        }
    }

    /// Takes out the first message, if it is a cast.
    #[inline]
    pub(crate) fn pop_cast(&mut self) -> Option<S::Cast> {
        let queue = self.0.as_mut()?;
        if !matches!(queue.front(), Some(Envelope::Cast(_))) {
            return None;
        }
        match queue.pop_front() {
            Some(Envelope::Cast(cast)) => Some(cast),
            _ => None,
        }
    }

    /// Takes out the oldest message that nobody waits for an answer to, as far as that is looked for.
    pub(crate) fn take_oldest(&mut self) -> Option<Envelope<S>> {
        let queue = self.0.as_mut()?;
        let is_droppable = |message: &Envelope<S>| !matches!(message.inner(), Envelope::Call(..) | Envelope::Signal(_));
        // Calls and signals stay: a caller waits for the one, and a sender was promised the other.
        let place = queue.iter().take(LOOKED_AT).position(is_droppable)?;
        queue.remove(place)
    }

    #[inline]
    pub(crate) fn front(&self) -> Option<&Envelope<S>> {
        self.0.as_ref()?.front()
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.len())
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|queue| queue.is_empty())
    }

    /// Whether it is empty and has not grown to more than an empty queue may keep.
    #[inline]
    pub(crate) fn is_light(&self) -> bool {
        self.0.as_ref().is_none_or(|queue| queue.is_empty() && queue.capacity() <= KEPT)
    }

    /// Gives back what a burst made it grow to, once it is empty. Whether there was such a burst.
    pub(crate) fn shrink(&mut self) -> bool {
        let had_burst = self.is_empty() && !self.is_light();
        // The box goes too, so that a server that is idle again costs one pointer.
        if had_burst {
            self.0 = None;
        }
        had_burst
    }

    /// Gives everything back, if it is empty.
    pub(crate) fn release(&mut self) {
        if self.is_empty() {
            self.0 = None;
        }
    }

    /// Takes all messages out.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = Envelope<S>> + use<S> {
        self.0.take().map(|queue| *queue).into_iter().flatten()
    }
}
