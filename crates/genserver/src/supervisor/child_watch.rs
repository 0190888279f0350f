//! The place where references look up one child: written by its supervisor, read by all of them.

use std::any::TypeId;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use super::child_ref::ChildError;
use super::policy::Restart;
use crate::ProcessRef;
use crate::sync::barrier;

/// The state of one child, during one life of its supervisor.
pub(super) struct Place {
    id: Cow<'static, str>,
    /// The type of the server that runs in the child, if it is a server.
    server: Option<TypeId>,
    now: Mutex<Now>,
}

struct Now {
    whereabouts: Whereabouts,
    /// One waker per call that waits for the child; the call removes it again.
    waiting: BTreeMap<u64, Waker>,
    /// The number of the next waker.
    next: u64,
}

/// The known state of a child.
#[derive(Clone)]
pub(super) enum Whereabouts {
    NotStarted,
    Running(ProcessRef, Restart),
    Restarting,
    Stopped,
    Gone,
}

impl Place {
    pub(super) fn new(id: Cow<'static, str>, server: Option<TypeId>, whereabouts: Whereabouts) -> Self {
        let now = Now { whereabouts, waiting: BTreeMap::new(), next: 0 };
        Self { id, server, now: Mutex::new(now) }
    }

    /// Returns whether an `S` runs in the child.
    pub(super) fn runs<S: 'static>(&self) -> bool {
        self.server == Some(TypeId::of::<S>())
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Changes the state, and wakes everything that waits for a change.
    pub(super) fn set(&self, whereabouts: Whereabouts) {
        let mut now = self.now.lock();
        let before = std::mem::replace(&mut now.whereabouts, whereabouts);
        let waiting = std::mem::take(&mut now.waiting);
        drop(now);
        drop(before);
        waiting.into_values().for_each(barrier::wake);
    }

    /// The process of the child, if it runs.
    pub(super) fn current(&self) -> Result<ProcessRef, ChildError> {
        let whereabouts = self.now.lock().whereabouts.clone();
        match whereabouts {
            Whereabouts::Running(process, _) if process.is_alive() => Ok(process),
            elsewhere => Err(self.error(&elsewhere)),
        }
    }

    fn error(&self, whereabouts: &Whereabouts) -> ChildError {
        let id = self.id.to_string();
        match whereabouts {
            // Its supervisor has not been told of the end yet, but the child will not be restarted.
            Whereabouts::Running(_, Restart::Temporary) | Whereabouts::Gone => ChildError::Gone { id },
            Whereabouts::Running(..) | Whereabouts::Restarting => ChildError::Restarting { id },
            Whereabouts::NotStarted => ChildError::NotStarted { id },
            Whereabouts::Stopped => ChildError::Stopped { id },
        }
    }

    /// Ready with the child when it runs; an error if it will never run, or only on request.
    ///
    /// `turn` is the number of the caller's waker. To give up waiting, call [`leave`](Self::leave) with it.
    pub(super) fn poll_running(
        &self,
        cx: &Context<'_>,
        turn: &mut Option<u64>,
    ) -> Poll<Result<ProcessRef, ChildError>> {
        // Cloned before the lock is taken: a foreign waker is user code.
        let mut waker = Some(cx.waker().clone());
        loop {
            match self.current() {
                Err(ChildError::Restarting { .. } | ChildError::NotStarted { .. }) => {}
                settled => return Poll::Ready(settled),
            }
            // Every change of the state takes all wakers, so a waker that was stored before a change is woken by it.
            let Some(waker) = waker.take() else { return Poll::Pending };
            let mut now = self.now.lock();
            let number = *turn.get_or_insert_with(|| {
                now.next += 1;
                now.next
            });
            let before = now.waiting.insert(number, waker);
            drop(now);
            barrier::drop_caught(before);
        }
    }

    /// Removes the waker of a call that gives up waiting.
    pub(super) fn leave(&self, turn: u64) {
        let waker = self.now.lock().waiting.remove(&turn);
        barrier::drop_caught(waker);
    }
}
