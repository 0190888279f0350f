//! What a call needs that runs its server on the caller's thread: a slot for the answer, and a place for the callback's
//! future.
//!
//! What a call takes along, because it has to wait, is missing from the kit until the next call makes it anew, or a reply has
//! ended the wait and the slot comes back (rule 2 of `reply`).

use std::sync::Arc;

use crate::pid::Pid;
use crate::process::work::CallbackPlace;
use crate::reply::Slot;
use crate::spare;

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
        let slot = self.slot.get_or_insert_with(|| Arc::new(Slot::new(home)));
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

    /// Puts a slot back that a reply has ended.
    #[inline]
    pub(crate) fn give_back(slot: Arc<Slot<R>>) {
        let mut kit = Self::take();
        let _surplus = kit.slot.replace(slot);
        kit.put();
    }
}
