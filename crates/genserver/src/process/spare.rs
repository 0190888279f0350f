//! Spare parts of calls: each thread keeps what its last calls and callbacks used, so that the next ones allocate nothing.
//!
//! A part is in use for an instant only. If every server or reference kept its own, each would hold memory that it may never
//! need again. Servers run inside one another when a callback calls a further server, so there are places for each depth; and
//! a program mostly uses a few types of part in turn, so there are several places for each.

use std::any::Any;
use std::cell::Cell;
use std::sync::Arc;

use crate::node::current;
use crate::node::reply::Slot;
use crate::sync::thread_local;

/// More than servers may run inside one another.
const LEVELS: usize = 8;
/// Places of a level: eight for the kits of calls, four for the futures of callbacks, four for those of inits. Which of them a
/// type has is told by its size; two that have the same place take it from each other, and allocate.
const WAYS: usize = 16;
/// Places of a level for the slots of calls that have waited.
const SLOT_WAYS: usize = 4;

/// The place of a call's kit.
pub(crate) const fn kit(size: usize) -> usize {
    size % 8
}

/// The place of a callback's future.
pub(crate) const fn callback(size: usize) -> usize {
    8 + size / 8 % 4
}

/// The place of an init's future.
pub(crate) const fn init(size: usize) -> usize {
    12 + size / 8 % 4
}

type SparePlace = Cell<Option<Box<dyn Any>>>;
type SpareSlotPlace = Cell<Option<Arc<dyn Any + Send + Sync>>>;

thread_local! {
    static PLACES: [[SparePlace; WAYS]; LEVELS] = const { [const { [const { Cell::new(None) }; WAYS] }; LEVELS] };
    static SLOTS: [[SpareSlotPlace; SLOT_WAYS]; LEVELS] = const { [const { [const { Cell::new(None) }; SLOT_WAYS] }; LEVELS] };
}

/// The part that this thread keeps at the place `way` of the present depth, if it is one of the type `T`.
///
/// A part of another type goes: its place is needed.
#[inline(always)]
#[expect(clippy::inline_always, reason = "every call passes here, and a call of it costs more than what it does")]
pub(crate) fn take<T: 'static>(way: usize) -> Option<Box<T>> {
    // A thread that is ending keeps nothing.
    let kept = PLACES.try_with(|places| places[current::depth() % LEVELS][way % WAYS].take());
    match kept.ok().flatten().map(Box::<dyn Any>::downcast::<T>) {
        Some(Ok(part)) => Some(part),
        None => None,
        Some(Err(other)) => lose(other),
    }
}

#[cold]
fn lose<T>(_other: Box<dyn Any>) -> Option<T> {
    None
}

/// Keeps a part at its place for later.
#[inline(always)]
#[expect(clippy::inline_always, reason = "every call passes here, and a call of it costs more than what it does")]
pub(crate) fn put<T: 'static>(way: usize, part: Box<T>) {
    let _ = PLACES.try_with(|places| {
        // Mostly the place is empty, for the part was taken from there.
        if let Some(before) = places[current::depth() % LEVELS][way % WAYS].replace(Some(part)) {
            lose::<()>(before);
        }
    });
}

/// The place of a slot: sizes tell most types of answer apart that one program gets in turn.
const fn slot_way<R>() -> usize {
    size_of::<R>() / 8 % SLOT_WAYS
}

/// A slot in which a call has waited for its reply, if this thread keeps one for answers of this type.
#[inline(always)]
#[expect(clippy::inline_always, reason = "every call passes here, and a call of it costs more than what it does")]
pub(crate) fn take_slot<R: Send + 'static>() -> Option<Arc<Slot<R>>> {
    // A thread that is ending keeps nothing.
    let kept = SLOTS.try_with(|slots| slots[current::depth() % LEVELS][slot_way::<R>()].take());
    kept.ok().flatten()?.downcast().ok()
}

/// Keeps a slot whose call has got its reply: nobody else can fill it any more (rule 2 of `reply`).
#[inline(always)]
#[expect(clippy::inline_always, reason = "every call passes here, and a call of it costs more than what it does")]
pub(crate) fn put_slot<R: Send + 'static>(slot: Arc<Slot<R>>) {
    let _ = SLOTS.try_with(|slots| {
        // Another call of this thread has come back first. One slot is enough for calls that are made in turn.
        if let Some(before) = slots[current::depth() % LEVELS][slot_way::<R>()].replace(Some(slot)) {
            drop_slot(before);
        }
    });
}

#[cold]
fn drop_slot(_surplus: Arc<dyn Any + Send + Sync>) {}
