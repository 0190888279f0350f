//! A running task, as its owner sees it: where its result comes from, and how it is let go or ended.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::sync::oneshot;
use crate::{Ended, ProcessRef, Reason};

/// A task whose result has not been seen yet.
pub(super) struct Running<T> {
    process: ProcessRef,
    /// The process it is linked with.
    owner: Option<ProcessRef>,
    result: oneshot::Receiver<T>,
    /// Set when no result will come: it yields the reason.
    ended: Option<Ended>,
}

impl<T> Running<T> {
    pub(super) fn new(process: ProcessRef, owner: Option<ProcessRef>, result: oneshot::Receiver<T>) -> Self {
        Self { process, owner, result, ended: None }
    }

    /// Ready with the result, or with the reason of an end without one. A result wins over the end that follows it.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Reason>> {
        if self.ended.is_none() {
            match ready!(self.result.poll_recv(cx)) {
                Some(value) => return Poll::Ready(Ok(value)),
                None => self.ended = Some(self.process.ended()),
            }
        }
        let Some(ended) = &mut self.ended else { return Poll::Pending };
        Pin::new(ended).poll(cx).map(Err)
    }

    /// Removes the link: the fate of the task no longer affects its spawner.
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
