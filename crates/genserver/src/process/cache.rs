//! What each thread keeps of its last calls and callbacks, so that the next ones allocate nothing.
//!
//! What is kept is in use for an instant only. If every server or reference kept its own, each would hold memory that it may never
//! need again. Servers run inside one another when a callback calls a further server, so there are places for each depth; and
//! a program mostly uses a few types in turn, so there are several places for each.

use std::any::Any;
use std::cell::Cell;
use std::sync::Arc;

use crate::node::current;
use crate::node::reply::Slot;
use crate::process::cold::drop_cold;
use crate::sync::thread_local;

/// More than servers may run inside one another.
const DEPTHS: usize = 8;
/// Places of a depth for boxes: eight for the slots of calls, four for the futures of callbacks, four for those of inits. Which of
/// them a type has is told by its size; two that have the same place take it from each other, and allocate.
const BOXES_MAX: usize = 16;
/// Places of a depth for the answer slots of calls that have waited.
const SLOTS_MAX: usize = 4;

/// The place of a call's slots.
pub(crate) const fn call_index(size: usize) -> usize {
    size % 8
}

/// The place of a callback's future.
pub(crate) const fn callback_index(size: usize) -> usize {
    8 + size / 8 % 4
}

/// The place of an init's future.
pub(crate) const fn init_index(size: usize) -> usize {
    12 + size / 8 % 4
}

type BoxPlace = Cell<Option<Box<dyn Any>>>;
type SlotPlace = Cell<Option<Arc<dyn Any + Send + Sync>>>;

thread_local! {
    static BOXES: [[BoxPlace; BOXES_MAX]; DEPTHS] = const { [const { [const { Cell::new(None) }; BOXES_MAX] }; DEPTHS] };
    static SLOTS: [[SlotPlace; SLOTS_MAX]; DEPTHS] = const { [const { [const { Cell::new(None) }; SLOTS_MAX] }; DEPTHS] };
}

/// The box that this thread keeps at a place of the present depth, if it holds a `T`.
///
/// A box of another type goes: its place is needed.
#[inline(always)]
#[expect(clippy::inline_always, reason = "every call passes here, and a call of it costs more than what it does")]
pub(crate) fn take<T: 'static>(index: usize) -> Option<Box<T>> {
    // A thread that is ending keeps nothing.
    let kept = BOXES.try_with(|places| places[current::depth() % DEPTHS][index % BOXES_MAX].take());
    match kept.ok().flatten().map(Box::<dyn Any>::downcast::<T>) {
        Some(Ok(kept)) => Some(kept),
        None => None,
        Some(Err(other)) => {
            drop_cold(other);
            None
        }
    }
}

/// Keeps a box at its place for later.
#[inline(always)]
#[expect(clippy::inline_always, reason = "every call passes here, and a call of it costs more than what it does")]
pub(crate) fn put<T: 'static>(index: usize, kept: Box<T>) {
    let _ = BOXES.try_with(|places| {
        // Mostly the place is empty, for the box was taken from there.
        if let Some(before) = places[current::depth() % DEPTHS][index % BOXES_MAX].replace(Some(kept)) {
            drop_cold(before);
        }
    });
}

/// The place of a slot: sizes tell most types of answer apart that one program gets in turn.
const fn slot_index<R>() -> usize {
    size_of::<R>() / 8 % SLOTS_MAX
}

/// A slot in which a call has waited for its reply, if this thread keeps one for answers of this type.
#[inline(always)]
#[expect(clippy::inline_always, reason = "every call passes here, and a call of it costs more than what it does")]
pub(crate) fn take_slot<R: Send + 'static>() -> Option<Arc<Slot<R>>> {
    // A thread that is ending keeps nothing.
    let kept = SLOTS.try_with(|slots| slots[current::depth() % DEPTHS][slot_index::<R>()].take());
    kept.ok().flatten()?.downcast().ok()
}

/// Keeps a slot whose call has got its reply: nobody else can fill it any more (rule 2 of `reply`).
#[inline(always)]
#[expect(clippy::inline_always, reason = "every call passes here, and a call of it costs more than what it does")]
pub(crate) fn put_slot<R: Send + 'static>(slot: Arc<Slot<R>>) {
    let _ = SLOTS.try_with(|slots| {
        // Another call of this thread has come back first. One slot is enough for calls that are made in turn.
        if let Some(before) = slots[current::depth() % DEPTHS][slot_index::<R>()].replace(Some(slot)) {
            drop_cold(before);
        }
    });
}
