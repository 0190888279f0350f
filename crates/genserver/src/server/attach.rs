//! Streams whose items a server receives as infos.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::Stream;

use crate::node::any_process::Tied as _;
use crate::node::reply::Slot;
use crate::process::envelope::Signal;
use crate::process::mail::Process;
use crate::server::GenServer;
use crate::sync::barrier;
use crate::sync::parking::Mutex;
use crate::values::reason::Reason;

/// Identifies one stream that is attached to a server.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AttachRef(pub(crate) u64);

/// An item on its way. The function that was passed to `attach` knows its type.
pub(crate) type Item = Box<dyn Any + Send>;

/// Lets one item through at a time, and stops the pump when the server detaches the stream.
#[derive(Default)]
pub(crate) struct Gate {
    inner: Mutex<GateState>,
}

#[derive(Default)]
struct GateState {
    closed: bool,
    /// An item is in the mailbox.
    busy: bool,
    waker: Option<Waker>,
}

impl Gate {
    /// The item has been handled: the next one may come.
    pub(crate) fn open(&self) {
        let mut inner = self.inner.lock();
        inner.busy = false;
        let waker = inner.waker.take();
        drop(inner);
        if let Some(waker) = waker {
            barrier::wake(waker);
        }
    }

    /// The stream is detached: nothing may come any more.
    pub(crate) fn close(&self) {
        self.inner.lock().closed = true;
        self.open();
    }

    /// Ready when an item may come; `None` if the gate is closed.
    fn poll_pass(&self, cx: &Context<'_>) -> Poll<Option<()>> {
        let waker = cx.waker().clone();
        let mut inner = self.inner.lock();
        if inner.closed {
            return Poll::Ready(None);
        }
        // The waker is stored in either case: a pump that waits for its stream has to be woken when it is detached.
        let before = inner.waker.replace(waker);
        let busy = inner.busy;
        drop(inner);
        barrier::drop_caught(before);
        if busy { Poll::Pending } else { Poll::Ready(Some(())) }
    }

    fn enter(&self) {
        self.inner.lock().busy = true;
    }
}

/// The task that polls a stream and sends each item to the server. It ends with the stream, with the server, or when the
/// server detaches it.
pub(crate) struct Pump<S: GenServer, T> {
    pub(crate) process: Arc<Process<S>>,
    pub(crate) stream: Pin<Box<dyn Stream<Item = T> + Send>>,
    pub(crate) reference: AttachRef,
    pub(crate) gate: Arc<Gate>,
    pub(crate) ended: Option<Arc<Slot<Reason>>>,
}

impl<S: GenServer, T: Send + 'static> Future for Pump<S, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if this.ended.is_none() {
            let slot = Arc::new(Slot::new(this.process.head.pid));
            if this.process.await_end(Arc::clone(&slot)).is_some() {
                return Poll::Ready(());
            }
            this.ended = Some(slot);
        }
        if this.ended.as_ref().is_some_and(|slot| slot.poll(cx, None).is_ready()) {
            return Poll::Ready(());
        }
        loop {
            match this.gate.poll_pass(cx) {
                Poll::Ready(Some(())) => {}
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
            match this.stream.as_mut().poll_next(cx) {
                Poll::Ready(Some(item)) => {
                    this.gate.enter();
                    if !this.process.signal(Signal::Attached(this.reference, Box::new(item))) {
                        return Poll::Ready(());
                    }
                }
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl<S: GenServer, T> Drop for Pump<S, T> {
    fn drop(&mut self) {
        if let Some(slot) = &self.ended {
            slot.close();
        }
    }
}
