//! The list of a manager's handlers, in order.
//!
//! 1. The vectors have the same length, and an index means the same handler in each. They are separate because an event
//!    walks the slots, and stepping over the rest would take time.

use crate::handler::{HandlerEntry, Registration, Slot};
use crate::values::{Event, HandlerId};

pub(super) struct Handlers<E: Event, I: Event> {
    slots: Vec<Box<dyn Slot<E, I>>>,
    /// Which handlers await.
    awaiting: Vec<bool>,
    places: Vec<Registration>,
}

impl<E: Event, I: Event> Handlers<E, I> {
    pub(super) fn new() -> Self {
        Self { slots: Vec::new(), awaiting: Vec::new(), places: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(super) fn places(&self) -> &[Registration] {
        &self.places
    }

    /// Oldest first.
    pub(super) fn slots(&mut self) -> &mut [Box<dyn Slot<E, I>>] {
        &mut self.slots
    }

    pub(super) fn get(&self, at: usize) -> Option<(&Registration, &dyn Slot<E, I>)> {
        Some((self.places.get(at)?, &**self.slots.get(at)?))
    }

    pub(super) fn awaits(&self, at: usize) -> Option<bool> {
        self.awaiting.get(at).copied()
    }

    pub(super) fn get_mut(&mut self, at: usize) -> Option<(&Registration, &mut dyn Slot<E, I>)> {
        Some((self.places.get(at)?, &mut **self.slots.get_mut(at)?))
    }

    pub(super) fn position(&self, id: &HandlerId) -> Option<usize> {
        self.places.iter().position(|place| place.id == *id)
    }

    pub(super) fn insert(&mut self, at: usize, HandlerEntry { place, slot }: HandlerEntry<E, I>) {
        self.awaiting.insert(at, slot.awaits());
        self.slots.insert(at, slot);
        self.places.insert(at, place);
    }

    pub(super) fn take(&mut self, at: usize) -> HandlerEntry<E, I> {
        self.awaiting.remove(at);
        HandlerEntry { place: self.places.remove(at), slot: self.slots.remove(at) }
    }

    /// Removes the newest handler.
    pub(super) fn pop(&mut self) -> Option<HandlerEntry<E, I>> {
        let newest = self.len().checked_sub(1)?;
        Some(self.take(newest))
    }
}
