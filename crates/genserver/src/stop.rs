//! Stopping a server from outside.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::process::AnyProcess;
use crate::reason::Reason;
use crate::reply::Slot;

/// A stop under way.
#[must_use = "nothing is stopped until this is awaited"]

pub struct Stop {
    process: Arc<dyn AnyProcess>,
    reason: Reason,
    slot: Option<Arc<Slot<Reason>>>,
}

impl Stop {
    pub(crate) fn new(process: Arc<dyn AnyProcess>, reason: Reason) -> Self {
        Self { process, reason, slot: None }
    }
}

impl Future for Stop {
    type Output = Result<(), Reason>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if this.slot.is_none() {
            let slot = Arc::new(Slot::new(this.process.head().pid));
            let inline = this.process.head().home.runtime().is_current();
            Arc::clone(&this.process).stop(this.reason.clone(), Arc::clone(&slot), inline);
            this.slot = Some(slot);
        }
        let Some(slot) = &this.slot else { return Poll::Pending };
        match ready!(slot.poll(cx, None)) {
            Ok(reason) if reason == this.reason => Poll::Ready(Ok(())),
            Ok(reason) => Poll::Ready(Err(reason)),
            Err(_) => Poll::Ready(Err(Reason::NoProc)),
        }
    }
}
