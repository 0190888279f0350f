//! The list of a manager's handlers, in order.
//!
//! 1. The vectors have the same length, and an index means the same handler in each. They are separate because an event
//!    walks the slots, and stepping over the rest would take time.

use crate::handler::{HandlerCx, HandlerEntry, Registration, Slot};
use crate::values::{Event, HandlerId};

/// Handlers, without their types.
pub(super) type Slots<E, I> = [Box<dyn Slot<E, I>>];

pub(super) struct Handlers<E: Event, I: Event> {
    slots: Vec<Box<dyn Slot<E, I>>>,
    places: Vec<Registration>,
    /// What the callbacks that may have to wait are given. The others are given the manager's own.
    contexts: Vec<HandlerCx<E, I>>,
}

/// The vectors, borrowed each by itself.
pub(super) struct Parts<'a, E: Event, I: Event> {
    pub(super) slots: &'a mut Slots<E, I>,
    pub(super) contexts: &'a mut [HandlerCx<E, I>],
    pub(super) places: &'a [Registration],
}

impl<E: Event, I: Event> Handlers<E, I> {
    pub(super) fn new() -> Self {
        Self { slots: Vec::new(), places: Vec::new(), contexts: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn places(&self) -> &[Registration] {
        &self.places
    }

    /// Oldest first.
    pub(super) fn slots(&mut self) -> &mut Slots<E, I> {
        &mut self.slots
    }

    pub(super) fn parts(&mut self) -> Parts<'_, E, I> {
        Parts { slots: &mut self.slots, contexts: &mut self.contexts, places: &self.places }
    }

    pub(super) fn get(&self, at: usize) -> Option<(&Registration, &dyn Slot<E, I>)> {
        Some((self.places.get(at)?, &**self.slots.get(at)?))
    }

    pub(super) fn get_mut(&mut self, at: usize) -> Option<(&Registration, &mut dyn Slot<E, I>)> {
        Some((self.places.get(at)?, &mut **self.slots.get_mut(at)?))
    }

    pub(super) fn position(&self, id: &HandlerId) -> Option<usize> {
        self.places.iter().position(|place| place.id == *id)
    }

    pub(super) fn insert(&mut self, at: usize, HandlerEntry { place, slot }: HandlerEntry<E, I>, cx: HandlerCx<E, I>) {
        self.slots.insert(at, slot);
        self.places.insert(at, place);
        self.contexts.insert(at, cx);
    }

    pub(super) fn take(&mut self, at: usize) -> HandlerEntry<E, I> {
        drop(self.contexts.remove(at));
        HandlerEntry { place: self.places.remove(at), slot: self.slots.remove(at) }
    }

    /// Removes the newest handler.
    pub(super) fn pop(&mut self) -> Option<HandlerEntry<E, I>> {
        let newest = self.len().checked_sub(1)?;
        Some(self.take(newest))
    }
}
