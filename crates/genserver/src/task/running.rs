//! A task that runs, as its owner sees it: where its result comes from, and how it is let go or ended.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::sync::handover::Taker;
use crate::{Ended, ProcessRef, Reason};

/// A task whose result nobody has seen yet.
pub(super) struct Running<T> {
    process: ProcessRef,
    /// Whom it is linked with.
    owner: Option<ProcessRef>,
    result: Taker<T>,
    /// It will bring no result: this brings its reason.
    ended: Option<Ended>,
}

impl<T> Running<T> {
    pub(super) fn new(process: ProcessRef, owner: Option<ProcessRef>, result: Taker<T>) -> Self {
        Self { process, owner, result, ended: None }
    }

    /// The result, or the reason of an end without one. A result that is there wins over the end that follows it.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Reason>> {
        if self.ended.is_none() {
            match ready!(self.result.poll_value(cx)) {
                Some(value) => return Poll::Ready(Ok(value)),
                None => self.ended = Some(self.process.ended()),
            }
        }
        let Some(ended) = &mut self.ended else { return Poll::Pending };
        Pin::new(ended).poll(cx).map(Err)
    }

    /// Takes the link away: what becomes of the task concerns its spawner no more.
    pub(super) fn unlink(&mut self) {
        if let Some(owner) = self.owner.take() {
            owner.unlink(&self.process);
        }
    }

    pub(super) fn exit(&self, reason: Reason) {
        self.process.exit(reason);
    }

    pub(super) fn kill(&self) {
        self.process.kill();
    }
}
