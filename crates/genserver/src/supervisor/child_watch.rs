//! Which process a child is: published by its supervisor, read and waited for by all references to the child.

use std::any::TypeId;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use super::child_ref::ChildError;
use super::policy::Restart;
use crate::ProcessRef;
use crate::sync::barrier;

/// The state of one child, during one life of its supervisor. Like the channel `watch` of Tokio, but that a waiter may leave.
pub(super) struct ChildWatch {
    id: Cow<'static, str>,
    /// The type of the server that runs in the child, if it is a server.
    server: Option<TypeId>,
    state: Mutex<WatchState>,
}

struct WatchState {
    published: PublishedState,
    /// One waker per call that waits for the child; the call removes it again.
    wakers: BTreeMap<u64, Waker>,
    /// The number of the waker that was stored last.
    last_waker: u64,
}

/// The known state of a child.
#[derive(Clone)]
pub(super) enum PublishedState {
    NotStarted,
    Running(ProcessRef, Restart),
    Restarting,
    Stopped,
    Gone,
}

impl ChildWatch {
    pub(super) fn new(id: Cow<'static, str>, server: Option<TypeId>, published: PublishedState) -> Self {
        let state = WatchState { published, wakers: BTreeMap::new(), last_waker: 0 };
        Self { id, server, state: Mutex::new(state) }
    }

    /// Returns whether an `S` runs in the child.
    pub(super) fn runs<S: 'static>(&self) -> bool {
        self.server == Some(TypeId::of::<S>())
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Changes the state, and wakes everything that waits for a change.
    pub(super) fn publish(&self, published: PublishedState) {
        let mut state = self.state.lock();
        let before = std::mem::replace(&mut state.published, published);
        let wakers = std::mem::take(&mut state.wakers);
        // Wakers are foreign code, and a process may be dropped with its last reference: neither runs under the lock.
        drop(state);
        drop(before);
        wakers.into_values().for_each(barrier::wake);
    }

    /// The process of the child, if it runs.
    pub(super) fn current(&self) -> Result<ProcessRef, ChildError> {
        let published = self.state.lock().published.clone();
        match published {
            PublishedState::Running(process, _) if process.is_alive() => Ok(process),
            elsewhere => Err(self.error(&elsewhere)),
        }
    }

    fn error(&self, published: &PublishedState) -> ChildError {
        let id = self.id.to_string();
        match published {
            // Its supervisor has not been told of the end yet, but the child will not be restarted.
            PublishedState::Running(_, Restart::Temporary) | PublishedState::Gone => ChildError::Gone { id },
            PublishedState::Running(..) | PublishedState::Restarting => ChildError::Restarting { id },
            PublishedState::NotStarted => ChildError::NotStarted { id },
            PublishedState::Stopped => ChildError::Stopped { id },
        }
    }

    /// Ready with the child when it runs; an error if it will never run, or only on request.
    ///
    /// `waiter` is the number of the caller's waker. To give up waiting, call [`remove_waker`](Self::remove_waker) with it.
    pub(super) fn poll_running(
        &self,
        cx: &Context<'_>,
        waiter: &mut Option<u64>,
    ) -> Poll<Result<ProcessRef, ChildError>> {
        // Cloned before the lock is taken: a foreign waker is user code.
        let mut waker = Some(cx.waker().clone());
        loop {
            match self.current() {
                Err(ChildError::Restarting { .. } | ChildError::NotStarted { .. }) => {}
                settled => return Poll::Ready(settled),
            }
            // A change between the look above and the insertion below would wake nobody. So the loop looks once more with
            // the waker stored; every change takes all wakers, so one that was stored before a change is woken by it.
            let Some(waker) = waker.take() else { return Poll::Pending };
            let mut state = self.state.lock();
            let number = *waiter.get_or_insert_with(|| {
                state.last_waker += 1;
                state.last_waker
            });
            let before = state.wakers.insert(number, waker);
            drop(state);
            barrier::drop_caught(before);
        }
    }

    /// Removes the waker of a call that gives up waiting.
    pub(super) fn remove_waker(&self, waiter: u64) {
        let waker = self.state.lock().wakers.remove(&waiter);
        barrier::drop_caught(waker);
    }
}
