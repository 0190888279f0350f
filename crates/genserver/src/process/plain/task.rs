//! The task of a process that runs a function: polls it, and ends the process with it.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::{Plain, PlainStage};
use crate::node::current;
use crate::node::record;
use crate::process::death::{drop_caught, end_the_next};
use crate::values::reason::Reason;

/// What runs in a process that runs a function.
pub(crate) type Function = Pin<Box<dyn Future<Output = Result<(), Reason>> + Send>>;

/// The task of a process that runs a function.
pub(crate) struct PlainTask<M: Send + 'static> {
    process: Arc<Plain<M>>,
    /// Gone when the function has ended.
    function: Option<Function>,
    /// What the function is called, for reports.
    entry: &'static str,
}

impl<M: Send + 'static> PlainTask<M> {
    pub(crate) fn new(process: Arc<Plain<M>>, function: Function, entry: &'static str) -> Self {
        record::runs(process.head.pid, entry);
        Self { process, function: Some(function), entry }
    }

    /// Drops what is left of the function, then tells everybody.
    fn end(&mut self, reason: Reason) {
        let _entered = current::enter(self.process.head.pid);
        let begun = current::begin_death();
        // Its drop is the user's code, and runs as the process that it belonged to. Nobody is told of the end before.
        drop_caught(self.function.take());
        self.process.finish(reason);
        drop(begun);
        end_the_next();
    }
}

impl<M: Send + 'static> Future for PlainTask<M> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if let Some(reason) = this.process.begin_turn(cx.waker()) {
            this.end(reason);
            return Poll::Ready(());
        }
        let Some(function) = &mut this.function else { return Poll::Ready(()) };
        let polled = {
            // What the function sends, links and starts is in the name of this process.
            let _entered = current::enter(this.process.head.pid);
            // A function that panicked is not polled again: it is dropped in `end`.
            catch_unwind(AssertUnwindSafe(|| function.as_mut().poll(cx)))
        };
        let reason = match (polled, this.process.end_turn()) {
            // The doom came before the function ended by itself, and the first reason counts.
            (polled, Some(reason)) => {
                drop_caught(polled);
                reason
            }
            (Ok(Poll::Pending), None) => return Poll::Pending,
            (Ok(Poll::Ready(Ok(()))), None) => Reason::Normal,
            (Ok(Poll::Ready(Err(reason))), None) => crate::report::crashed(&*this.process, this.entry, reason),
            (Err(payload), None) => crate::report::crashed(&*this.process, this.entry, Reason::caught(payload)),
        };
        this.end(reason);
        Poll::Ready(())
    }
}

impl<M: Send + 'static> Plain<M> {
    /// Keeps the waker of the task, unless it is known. Returns the reason to end with, if there is one.
    fn begin_turn(&self, waker: &Waker) -> Option<Reason> {
        // Cloned and dropped outside the lock: a foreign waker is the user's code.
        let mut fresh = None;
        loop {
            let mut state = self.state.lock();
            if state.stage == PlainStage::Doomed {
                return Some(state.doomed_by());
            }
            let is_known = state.task.as_ref().is_some_and(|known| known.will_wake(waker));
            if state.stage != PlainStage::Alive || is_known {
                state.runs = true;
                return None;
            }
            let Some(fresh) = fresh.take() else {
                drop(state);
                fresh = Some(waker.clone());
                continue;
            };
            let before = state.task.replace(fresh);
            state.runs = true;
            drop(state);
            drop_caught(before);
            return None;
        }
    }

    /// The function has been polled. Returns the reason to end with, if it was doomed meanwhile.
    fn end_turn(&self) -> Option<Reason> {
        let mut state = self.state.lock();
        // Under the lock that a doom takes: it finds a function that runs and is cut, or one that is never polled again.
        state.runs = false;
        (state.stage == PlainStage::Doomed).then(|| state.doomed_by())
    }

    fn doomed_by(&self) -> Option<Reason> {
        let state = self.state.lock();
        (state.stage == PlainStage::Doomed).then(|| state.doomed_by())
    }
}

// The runtime dropped the task: it is shut down.
impl<M: Send + 'static> Drop for PlainTask<M> {
    fn drop(&mut self) {
        if self.function.is_some() {
            let reason = self.process.doomed_by().unwrap_or(Reason::RuntimeGone);
            self.end(reason);
        }
    }
}
