//! Requests of `sys` as messages: queued like all others, but never refused and not counted.

use std::sync::Arc;

use super::body::Body;
use super::envelope::{Envelope, Signal};
use super::inspected::{AnyInspected, Inspected};
use super::mail::{Process, Run};
use super::noted;
use super::work::Job;
use super::work::outgoing;
use crate::node::any_process::{Asked, Untyped};
use crate::node::record::Arrival;
use crate::node::reply::Waiting;
use crate::server::GenServer;
use crate::values::reason::Reason;

/// A request of [`sys`](crate::sys) as it lies in the mailbox.
pub(crate) struct SystemRequest<S: GenServer>(Box<Serve<S>>);

type Serve<S> = dyn FnOnce(&mut Inspected<'_, S>) + Send;

/// What an [`Untyped`] request does, at a server of any type.
type ServeAny = dyn FnOnce(&mut dyn AnyInspected) + Send;

/// A request to a server whose type is not known to who asks.
pub(crate) fn untyped(serve: impl FnOnce(&mut dyn AnyInspected) + Send + 'static) -> Untyped {
    let serve: Box<ServeAny> = Box::new(serve);
    Untyped(Box::new(serve))
}

impl<S: GenServer> SystemRequest<S> {
    pub(crate) fn new(serve: impl FnOnce(&mut Inspected<'_, S>) + Send + 'static) -> Self {
        Self(Box::new(serve))
    }

    pub(super) fn from_untyped(request: Untyped) -> Self {
        // What is made by `untyped`, and nothing else is, so it is never anything but this.
        match request.0.downcast::<Box<ServeAny>>() {
            Ok(serve) => Self::new(|inspected: &mut Inspected<'_, S>| serve(inspected)),
            Err(_) => Self::new(|_: &mut Inspected<'_, S>| {}),
        }
    }

    /// Does it. The reason, if it ends the server.
    pub(crate) fn serve(self, process: &Arc<Process<S>>, body: &mut Body<S>) -> Option<Reason> {
        let mut inspected = Inspected { process, body, stop: None };
        (self.0)(&mut inspected);
        inspected.stop
    }
}

impl<S: GenServer> Process<S> {
    /// Queues a request, or does it here and now if the server is idle and `inline` allows it. If the server ends before it
    /// comes to the request, the slot gets the reason.
    pub(crate) fn ask_typed(
        self: &Arc<Self>,
        request: SystemRequest<S>,
        slot: Arc<dyn Waiting>,
        inline: bool,
    ) -> Asked {
        noted::signal(self.head.pid, Arrival::System);
        let mut request = outgoing(Envelope::Signal(Box::new(Signal::System(request))));
        let mut mail = self.mail.lock();
        if mail.run == Run::Dead {
            return Asked::Dead;
        }
        // The end has begun. The request is not carried out, and its slot is told the reason with all others.
        if mail.closed {
            let swept = mail.ties().add_waiter(self.head.pid, slot);
            drop(mail);
            drop(swept);
            return Asked::Taken;
        }
        // A request never awaits: run here, it is answered here, and nobody has to be kept waiting.
        let Some(mut mail) = self.run_inline(mail, &mut request, inline) else { return Asked::Taken };
        // Entered before the request is queued, under the same lock: an end finds either both or none.
        let swept = mail.ties().add_waiter(self.head.pid, slot);
        if let Some(Job::Message(request)) = request.take() {
            self.enqueue(mail, request);
        }
        drop(swept);
        Asked::Taken
    }
}
