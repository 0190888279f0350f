//! Wakers that panic: when they are woken, or when they are dropped.
//!
//! A clone cannot panic here: that takes a waker made by hand, with unsafe code. It would panic on the thread that polls.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::thread;

/// When a waker panics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Bomb {
    OnWake,
    OnDrop,
}

pub(crate) const BOMBS: [Bomb; 2] = [Bomb::OnWake, Bomb::OnDrop];

/// Tells whether a waker has panicked.
pub(crate) struct Fuse(Arc<AtomicBool>);

impl Fuse {
    /// Checks once and resets: later checks return false.
    pub(crate) fn has_gone_off(&self) -> bool {
        self.0.swap(false, Ordering::SeqCst)
    }
}

struct Charge {
    bomb: Bomb,
    gone_off: Arc<AtomicBool>,
}

impl Charge {
    fn go_off(&self, when: Bomb) {
        if self.bomb == when {
            self.gone_off.store(true, Ordering::SeqCst);
            // A test that fails drops its wakers while it unwinds.
            assert!(thread::panicking(), "a waker that panics {when:?}");
        }
    }
}

impl Wake for Charge {
    fn wake(self: Arc<Self>) {
        self.go_off(Bomb::OnWake);
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.go_off(Bomb::OnDrop);
    }
}

/// Polls a future that is not ready, and leaves the only copy of such a waker with it.
#[track_caller]
pub(crate) fn plant<F: Future + Unpin>(bomb: Bomb, future: &mut F) -> Fuse {
    let fuse = Fuse(Arc::default());
    let waker = Waker::from(Arc::new(Charge { bomb, gone_off: Arc::clone(&fuse.0) }));
    let polled = std::pin::Pin::new(future).poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending(), "what is ready needs no waker");
    drop(waker);
    fuse
}
