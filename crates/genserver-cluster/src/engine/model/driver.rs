//! What members share, and who lets things happen when they are due: one process for each model.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use genserver::runtime::Sleep;
use genserver::time;

use super::system::{After, System};

/// The system, and who is woken when something new is due.
pub(super) struct Shared {
    system: Mutex<System>,
    driver: Mutex<Option<Waker>>,
}

impl Shared {
    pub(super) fn new(answer_within: Duration) -> Self {
        Self { system: Mutex::new(System::new(answer_within)), driver: Mutex::new(None) }
    }

    /// Does something with the system, and then what follows from it outside of its lock.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut System) -> T) -> T {
        let (result, after, is_earlier) = {
            let mut system = self.lock();
            let due = system.next_due();
            let result = work(&mut system);
            (result, system.take_after(), system.next_due() != due)
        };
        for follows in after {
            follows();
        }
        if is_earlier {
            self.wake_driver();
        }
        result
    }

    /// Lets one thing happen, if it is due. Returns what follows from it, or else when the next is due.
    fn step(&self) -> Result<Vec<After>, Option<Instant>> {
        let now = time::now();
        let mut system = self.lock();
        let happens = system.take_due(now).ok_or_else(|| system.next_due())?;
        happens(&mut system, now);
        Ok(system.take_after())
    }

    fn lock(&self) -> MutexGuard<'_, System> {
        self.system.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_driver(&self) {
        let waker = self.driver.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.wake_driver();
    }
}

/// The process of a model. It ends when nobody has the model any more.
pub(super) struct Driver {
    shared: Weak<Shared>,
    sleep: Option<Sleep>,
}

impl Driver {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::downgrade(shared), sleep: None }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(shared) = self.shared.upgrade() {
            let before = shared.driver.lock().unwrap_or_else(PoisonError::into_inner).replace(cx.waker().clone());
            drop(before);
            let due = loop {
                match shared.step() {
                    Ok(after) => after.into_iter().for_each(|follows| follows()),
                    Err(due) => break due,
                }
            };
            // Its last owner may have gone meanwhile, and then its end wakes this.
            drop(shared);
            self.sleep = due.map(time::sleep_until);
            match &mut self.sleep {
                Some(sleep) => ready!(sleep.as_mut().poll(cx)),
                None => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }
}
