//! Where the references to one child look for it: written by its supervisor, read by everybody.

use std::any::TypeId;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use super::child_ref::ChildError;
use super::policy::Restart;
use crate::ProcessRef;
use crate::sync::barrier;

/// The whereabouts of one child, in one life of its supervisor.
pub(super) struct Place {
    id: Cow<'static, str>,
    /// The type of the server that runs in the child, if one does.
    server: Option<TypeId>,
    now: Mutex<Now>,
}

struct Now {
    whereabouts: Whereabouts,
    /// One for each call that waits for the child, and its owner takes it out again.
    waiting: BTreeMap<u64, Waker>,
    /// The number of the next one that waits.
    next: u64,
}

/// What is known of a child.
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

    /// Whether an `S` runs in the child.
    pub(super) fn runs<S: 'static>(&self) -> bool {
        self.server == Some(TypeId::of::<S>())
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Changes what is known, and wakes whoever waits for that.
    pub(super) fn set(&self, whereabouts: Whereabouts) {
        let mut now = self.now.lock();
        let before = std::mem::replace(&mut now.whereabouts, whereabouts);
        let waiting = std::mem::take(&mut now.waiting);
        drop(now);
        drop(before);
        waiting.into_values().for_each(barrier::wake);
    }

    /// The child, if it runs.
    pub(super) fn current(&self) -> Result<ProcessRef, ChildError> {
        let whereabouts = self.now.lock().whereabouts.clone();
        match whereabouts {
            Whereabouts::Running(process, _) if process.is_alive() => Ok(process),
            elsewhere => Err(self.error(&elsewhere)),
        }
    }

    /// What to say of a child that turned out to have ended.
    pub(super) fn ended(&self) -> ChildError {
        let whereabouts = self.now.lock().whereabouts.clone();
        self.error(&whereabouts)
    }

    fn error(&self, whereabouts: &Whereabouts) -> ChildError {
        let id = self.id.to_string();
        match whereabouts {
            // Its supervisor has yet to hear of the end, but nothing else can come of it.
            Whereabouts::Running(_, Restart::Temporary) | Whereabouts::Gone => ChildError::Gone { id },
            Whereabouts::Running(..) | Whereabouts::Restarting => ChildError::Restarting { id },
            Whereabouts::NotStarted => ChildError::NotStarted { id },
            Whereabouts::Stopped => ChildError::Stopped { id },
        }
    }

    /// The child as soon as it runs; an error if it never will, or not without somebody's doing.
    ///
    /// `turn` is where the caller's waker stands; whoever gives up waiting calls [`leave`](Self::leave) with it.
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
            // Whoever changes what is known takes all wakers: one that was put down before a change is woken by it.
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

    /// Gives up waiting.
    pub(super) fn leave(&self, turn: u64) {
        let waker = self.now.lock().waiting.remove(&turn);
        barrier::drop_caught(waker);
    }
}
