//! The two slots of a call that may run its server on the caller's thread: one for the answer, one for the callback's future.
//!
//! A call that has to wait takes the slot of its answer along, and a callback that has to wait the slot of its future. The next
//! call gets new ones. An answer slot whose call has got its reply comes back to the thread (rule 2 of `reply`), but to a place of
//! its own: a call that only queues needs no slot for a callback.

use std::sync::Arc;

use crate::node::reply::Slot;
use crate::process::cache;
use crate::process::work::CallbackPlace;
use crate::values::pid::Pid;

/// The slots for calls that run the callback future `F` and are answered with an `R`.
pub(crate) struct CallSlots<F, R> {
    pub(crate) callback: CallbackPlace<F>,
    answer: Option<Arc<Slot<R>>>,
}

impl<F: 'static, R: Send + 'static> CallSlots<F, R> {
    /// Sizes tell most types of call apart that one program makes in turn.
    const INDEX: usize = cache::call_index(size_of::<F>() / 8 + size_of::<R>() / 8 * 3 + size_of::<R>() % 8);

    /// Takes those that this thread keeps.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "every call passes here, and a call of it costs more than what it does")]
    #[expect(clippy::unnecessary_box_returns, reason = "the thread keeps boxes")]
    pub(crate) fn take() -> Box<Self> {
        cache::take(Self::INDEX).unwrap_or_else(Self::make)
    }

    #[cold]
    #[expect(clippy::unnecessary_box_returns, reason = "the thread keeps boxes")]
    fn make() -> Box<Self> {
        Box::new(Self { callback: CallbackPlace::empty(), answer: None })
    }

    /// Puts them back.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "every call passes here, and a call of it costs more than what it does")]
    pub(crate) fn put(self: Box<Self>) {
        cache::put(Self::INDEX, self);
    }

    /// The slot of the answer, prepared for a call to `home`.
    #[inline]
    pub(crate) fn answer(&mut self, home: Pid) -> &Arc<Slot<R>> {
        let slot = self.answer.get_or_insert_with(|| take_or_make(home));
        slot.reopen(home);
        slot
    }

    /// Whether the slot of the answer is in its home's list of waiters.
    #[inline]
    pub(crate) fn is_listed(&self) -> bool {
        self.answer.as_ref().is_some_and(|slot| slot.is_listed())
    }

    /// Takes the reply, if it is there.
    #[inline]
    pub(crate) fn take_reply(&mut self) -> Option<R> {
        self.answer.as_ref()?.take_reply()
    }

    /// Takes the slot of the answer along.
    #[inline]
    pub(crate) fn take_answer(&mut self) -> Option<Arc<Slot<R>>> {
        self.answer.take()
    }
}

/// A slot for the answer to a call to `home` that does not run the server.
#[inline]
pub(crate) fn answer_slot<R: Send + 'static>(home: Pid) -> Arc<Slot<R>> {
    let slot = take_or_make(home);
    slot.reopen(home);
    slot
}

#[inline]
fn take_or_make<R: Send + 'static>(home: Pid) -> Arc<Slot<R>> {
    // A slot that came back is in the list of the server that this thread called last, and mostly calls next.
    cache::take_slot().unwrap_or_else(|| make_slot(home))
}

#[cold]
fn make_slot<R>(home: Pid) -> Arc<Slot<R>> {
    Arc::new(Slot::new(home))
}
