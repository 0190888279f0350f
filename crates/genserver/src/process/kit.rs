//! What a call needs that may run its server on the caller's thread: a slot for the answer, and a place for the callback's
//! future.
//!
//! A call that has to wait takes the slot along, and a callback that has to wait takes the place's slot. The kit gets new ones
//! at the next call. A slot whose call has got its reply comes back to the thread (rule 2 of `reply`), but to a place of its
//! own: a call that only queues needs a slot and no kit.

use std::sync::Arc;

use crate::node::reply::Slot;
use crate::process::spare;
use crate::process::work::CallbackPlace;
use crate::values::pid::Pid;

/// The kit for calls that run the callback future `F` and are answered with an `R`.
pub(crate) struct Kit<F, R> {
    pub(crate) place: CallbackPlace<F>,
    slot: Option<Arc<Slot<R>>>,
}

impl<F: 'static, R: Send + 'static> Kit<F, R> {
    /// Sizes tell most types of call apart that one program makes in turn.
    const WAY: usize = spare::kit(size_of::<F>() / 8 + size_of::<R>() / 8 * 3 + size_of::<R>() % 8);

    /// Takes the kit of this thread.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "every call passes here, and a call of it costs more than what it does")]
    #[expect(clippy::unnecessary_box_returns, reason = "the thread keeps boxes")]
    pub(crate) fn take() -> Box<Self> {
        spare::take(Self::WAY).unwrap_or_else(Self::make)
    }

    #[cold]
    #[expect(clippy::unnecessary_box_returns, reason = "the thread keeps boxes")]
    fn make() -> Box<Self> {
        Box::new(Self { place: CallbackPlace::empty(), slot: None })
    }

    /// Puts the kit back.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "every call passes here, and a call of it costs more than what it does")]
    pub(crate) fn put(self: Box<Self>) {
        spare::put(Self::WAY, self);
    }

    /// The slot, prepared for a call to `home`.
    #[inline]
    pub(crate) fn slot(&mut self, home: Pid) -> &Arc<Slot<R>> {
        let slot = self.slot.get_or_insert_with(|| take_or_make(home));
        slot.reopen(home);
        slot
    }

    /// Whether the slot is in its home's list of waiters.
    #[inline]
    pub(crate) fn is_listed(&self) -> bool {
        self.slot.as_ref().is_some_and(|slot| slot.is_listed())
    }

    /// Takes the reply, if it is there.
    #[inline]
    pub(crate) fn take_reply(&mut self) -> Option<R> {
        self.slot.as_ref()?.take_reply()
    }

    /// Takes the slot along.
    #[inline]
    pub(crate) fn take_slot(&mut self) -> Option<Arc<Slot<R>>> {
        self.slot.take()
    }
}

/// A slot prepared for a call to `home`, of a call that does not run the server.
#[inline]
pub(crate) fn slot<R: Send + 'static>(home: Pid) -> Arc<Slot<R>> {
    let slot = take_or_make(home);
    slot.reopen(home);
    slot
}

#[inline]
fn take_or_make<R: Send + 'static>(home: Pid) -> Arc<Slot<R>> {
    // A slot that came back is in the list of the server that this thread called last, and mostly calls next.
    spare::take_slot().unwrap_or_else(|| make_slot(home))
}

#[cold]
fn make_slot<R>(home: Pid) -> Arc<Slot<R>> {
    Arc::new(Slot::new(home))
}
