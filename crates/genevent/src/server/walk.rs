//! The loops over the handlers, which every event passes.
//!
//! A small handler takes two nanoseconds, so every instruction here counts. Three things keep them few:
//!
//! 1. One `catch_unwind` is around the whole loop. Whose panic it was is in a local variable, which nothing but the loop can
//!    reach. So the compiler does not store it at each handler: it works it out where the panic arrives.
//! 2. A loop over many handlers is a function that is not inlined. Its variables are in registers; as a part of the future that
//!    calls it, it would keep them in memory.
//! 3. That loop checks for its end only after each [`GROUP`] of handlers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Context;

use genserver::Reason;

use super::handlers::Slots;
use crate::handler::{Begun, HandlerCx, Place, Reaction, Slot};
use crate::values::Event;

/// How many handlers a loop calls before it checks for its end.
const GROUP: usize = 4;

/// The position of the handler that did not simply stay, and what came of its callback.
type Stop<E, I> = (usize, Begun<E, I>);

/// Calls handlers, until one does not simply stay.
#[inline]
pub(super) fn call<E: Event, I: Event>(
    slots: &mut Slots<E, I>,
    cx: &mut HandlerCx<E, I>,
    callback: impl Fn(&mut dyn Slot<E, I>, &mut HandlerCx<E, I>) -> Begun<E, I>,
) -> Option<Stop<E, I>> {
    if slots.len() >= GROUP {
        return call_many(slots, cx, callback);
    }
    // With so few, calling a function would cost more than it saves.
    let mut at = 0;
    let begun = caught(|| {
        for (position, slot) in slots.iter_mut().enumerate() {
            at = position;
            let begun = callback(&mut **slot, cx);
            if !matches!(begun, Begun::Stays) {
                return Some(begun);
            }
        }
        None
    });
    Some((at, begun?))
}

#[inline(never)]
fn call_many<E: Event, I: Event>(
    slots: &mut Slots<E, I>,
    cx: &mut HandlerCx<E, I>,
    callback: impl Fn(&mut dyn Slot<E, I>, &mut HandlerCx<E, I>) -> Begun<E, I>,
) -> Option<Stop<E, I>> {
    let (groups, rest) = slots.as_chunks_mut::<GROUP>();
    in_groups(groups.iter_mut(), rest, |slot| callback(&mut **slot, cx))
}

/// Begins the callbacks of handlers that may await, until one does not simply stay. `place` is empty before, and is where the
/// future of that one is afterwards.
#[inline(never)]
pub(super) fn begin<'a, D, E: Event, I: Event>(
    slots: &'a mut Slots<E, I>,
    contexts: &'a mut [HandlerCx<E, I>],
    delivered: &'a D,
    mut place: Pin<&mut Place<'a, Reaction<E, I>>>,
    task: &mut Context<'_>,
    callback: impl Fn(
        &'a mut dyn Slot<E, I>,
        &'a D,
        &'a mut HandlerCx<E, I>,
        Pin<&mut Place<'a, Reaction<E, I>>>,
        &mut Context<'_>,
    ) -> Begun<E, I>,
) -> Option<Stop<E, I>> {
    let (groups, rest) = slots.as_chunks_mut::<GROUP>();
    let (context_groups, contexts) = contexts.as_chunks_mut::<GROUP>();
    let groups = groups.iter_mut().zip(context_groups).map(|(slots, contexts)| slots.iter_mut().zip(contexts));
    in_groups(groups, rest.iter_mut().zip(contexts), |(slot, cx)| {
        let begun = callback(&mut **slot, delivered, cx, place.as_mut(), task);
        if matches!(begun, Begun::Stays) {
            place.set(None);
        }
        begun
    })
}

/// Calls the handlers of the groups, then the rest, until one does not simply stay.
///
/// The compiler unrolls the loop over a group only if both loops are written here, and end with `return`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "it is what the two functions above consist of")]
fn in_groups<T, E: Event, I: Event>(
    groups: impl ExactSizeIterator<Item: IntoIterator<Item = T>>,
    rest: impl IntoIterator<Item = T>,
    mut callback: impl FnMut(T) -> Begun<E, I>,
) -> Option<Stop<E, I>> {
    let grouped = groups.len() * GROUP;
    let mut at = 0;
    let begun = caught(|| {
        for (number, group) in groups.enumerate() {
            for (position, handler) in group.into_iter().enumerate() {
                at = number * GROUP + position;
                let begun = callback(handler);
                if !matches!(begun, Begun::Stays) {
                    return Some(begun);
                }
            }
        }
        for (position, handler) in rest.into_iter().enumerate() {
            at = grouped + position;
            let begun = callback(handler);
            if !matches!(begun, Begun::Stays) {
                return Some(begun);
            }
        }
        None
    });
    Some((at, begun?))
}

/// Makes a panic an error of the handler that was called last.
#[inline(always)]
#[expect(clippy::inline_always, reason = "rule 1 needs the loop and what is around it in one function")]
fn caught<E: Event, I: Event>(walk: impl FnOnce() -> Option<Begun<E, I>>) -> Option<Begun<E, I>> {
    let walked = catch_unwind(AssertUnwindSafe(walk));
    walked.unwrap_or_else(|payload| Some(Begun::other(Err(Reason::caught(payload)))))
}
