//! Which call is which: a number with the feature `sim`, and nothing without it.
//!
//! A slot is used for one call after the other, and a `Caller` belongs to one of them. So an answer can be told from that to another
//! call.

#[cfg(feature = "sim")]
use std::cell::Cell;
#[cfg(feature = "sim")]
use std::sync::atomic::{AtomicU64, Ordering};

/// A call, or another request that has one answer. Those of a thread are numbered in the order in which they are made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct CallId(#[cfg(feature = "sim")] u64);

#[cfg(feature = "sim")]
thread_local! {
    static LAST: Cell<u64> = const { Cell::new(0) };
}

impl CallId {
    /// That of no call.
    pub(crate) const NONE: Self = Self(
        #[cfg(feature = "sim")]
        0,
    );

    /// The one that this thread has made last.
    #[cfg(feature = "sim")]
    pub(crate) fn last() -> Self {
        Self(LAST.get())
    }

    /// How many the thread has made since `before`, up to this one; zero if it is not among them.
    #[cfg(feature = "sim")]
    pub(crate) fn number_since(self, before: Self) -> usize {
        usize::try_from(self.0.saturating_sub(before.0)).unwrap_or(usize::MAX)
    }

    /// The one that comes so many after this.
    #[cfg(all(test, feature = "sim"))]
    pub(crate) fn after(self, more: u64) -> Self {
        Self(self.0 + more)
    }
}

/// The call that a slot is used for.
pub(crate) struct CallUnderWay(#[cfg(feature = "sim")] AtomicU64);

#[cfg_attr(
    not(feature = "sim"),
    expect(clippy::unused_self, reason = "without the feature there is nothing to number")
)]
impl CallUnderWay {
    /// The first one.
    pub(crate) fn first() -> Self {
        let call = Self(
            #[cfg(feature = "sim")]
            AtomicU64::new(0),
        );
        call.next();
        call
    }

    /// The next one.
    #[inline]
    pub(crate) fn next(&self) {
        #[cfg(feature = "sim")]
        {
            LAST.set(LAST.get() + 1);
            self.0.store(LAST.get(), Ordering::Relaxed);
        }
    }

    /// It is over, and the next one has not begun.
    #[inline]
    pub(crate) fn end(&self) {
        #[cfg(feature = "sim")]
        self.0.store(0, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn get(&self) -> CallId {
        CallId(
            #[cfg(feature = "sim")]
            self.0.load(Ordering::Relaxed),
        )
    }
}
