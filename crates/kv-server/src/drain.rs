//! The signal that makes sessions answer what has arrived, and close.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use genserver::Reason;

/// Tells sessions to drain: to answer what has arrived, and close. Clones are the same signal.
///
/// # Examples
///
/// ```
/// use kv_server::Drain;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let drain = Drain::new();
/// let told = drain.told();
/// assert!(!drain.has_begun());
/// drain.begin();
/// told.await;
/// assert!(drain.has_begun());
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Drain(Arc<Signal>);

#[derive(Default)]
struct Signal {
    begun: AtomicBool,
    next: AtomicU64,
    /// The wakers of the waiting futures, by number: at most one for each [`DrainSignal`].
    waiting: Mutex<BTreeMap<u64, Waker>>,
}

impl Signal {
    fn waiting(&self) -> MutexGuard<'_, BTreeMap<u64, Waker>> {
        // Nothing under this lock panics.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drain {
    /// Creates a signal that has not been given.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the signal, for good. Giving it again does nothing.
    pub fn begin(&self) {
        self.0.begun.store(true, Ordering::SeqCst);
        let wakers = std::mem::take(&mut *self.0.waiting());
        // Without the lock, because a waker is user code. A panic of one must not keep the others from being woken.
        for waker in wakers.into_values() {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
                drop(Reason::caught(payload));
            }
        }
    }

    /// Whether the signal was given.
    ///
    /// # Examples
    ///
    /// A loop that checks between two pieces of work:
    ///
    /// ```
    /// use kv_server::Drain;
    ///
    /// let drain = Drain::new();
    /// let mut done = 0;
    /// while !drain.has_begun() {
    ///     done += 1;
    ///     if done == 3 {
    ///         drain.begin();
    ///     }
    /// }
    /// assert_eq!(done, 3);
    /// ```
    pub fn has_begun(&self) -> bool {
        self.0.begun.load(Ordering::SeqCst)
    }

    /// A future that completes when the signal is given, or at once if it was.
    ///
    /// # Cancel safety
    ///
    /// Dropping it has no other effect.
    ///
    /// # Examples
    ///
    /// Giving work up when the signal comes:
    ///
    /// ```
    /// use std::pin::pin;
    /// use futures::future::{Either, pending, select};
    /// use kv_server::Drain;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let drain = Drain::new();
    /// drain.begin();
    /// let work = pending::<u8>();
    /// assert!(matches!(select(pin!(work), drain.told()).await, Either::Right(_)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn told(&self) -> DrainSignal {
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        DrainSignal { signal: Arc::clone(&self.0), number, waker: None }
    }
}

impl fmt::Debug for Drain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain").field("begun", &self.has_begun()).finish_non_exhaustive()
    }
}

/// Waits for the signal; made by [`Drain::told`].
#[must_use = "nothing happens until this is awaited"]
pub struct DrainSignal {
    signal: Arc<Signal>,
    number: u64,
    /// The waker that the signal will wake.
    waker: Option<Waker>,
}

impl Future for DrainSignal {
    type Output = ();

    /// Takes the lock only when the task has changed, which for most happens once.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.signal.begun.load(Ordering::SeqCst) {
            return Poll::Ready(());
        }
        if self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            return Poll::Pending;
        }
        // Cloned, and the old one dropped, without the lock: a waker is user code.
        let (kept, waiting) = (cx.waker().clone(), cx.waker().clone());
        let old = self.signal.waiting().insert(self.number, waiting);
        drop((old, self.waker.replace(kept)));
        // The signal may have been given before the waker was registered.
        if self.signal.begun.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for DrainSignal {
    fn drop(&mut self) {
        if self.waker.is_some() {
            let old = self.signal.waiting().remove(&self.number);
            drop(old);
        }
    }
}

impl fmt::Debug for DrainSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Told").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Wake;

    use super::*;

    struct Panics;

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a waker that panics");
        }
    }

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Counts(AtomicU64);

    impl Wake for Counts {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_waker_that_panics_does_not_keep_the_others_from_being_woken() {
        let drain = Drain::new();
        let (mut first, mut second) = (drain.told(), drain.told());
        let counts = Arc::<Counts>::default();
        let wakers = [Waker::from(Arc::new(Panics)), Waker::from(Arc::clone(&counts))];
        for (told, waker) in [&mut first, &mut second].into_iter().zip(&wakers) {
            assert!(Pin::new(told).poll(&mut Context::from_waker(waker)).is_pending());
        }
        drain.begin();
        assert_eq!(counts.0.load(Ordering::SeqCst), 1);
        assert!(Pin::new(&mut first).poll(&mut Context::from_waker(Waker::noop())).is_ready());
    }
}
