//! Requests of `sys`: into the queue like everything else, neither refused nor counted.

use std::sync::Arc;

use super::Asked;
use super::mail::{Envelope, Process, Run, Signal};
use super::send::parcel;
use super::work::Job;
use crate::reply::Waiting;
use crate::server::GenServer;
use crate::sys::SystemRequest;

impl<S: GenServer> Process<S> {
    /// Queues a request, or does it here and now if the server is idle and `inline` allows it. If the server ends before it
    /// comes to the request, the slot gets the reason.
    pub(crate) fn ask_typed(
        self: &Arc<Self>,
        request: SystemRequest<S>,
        slot: Arc<dyn Waiting>,
        inline: bool,
    ) -> Asked {
        let mut request = parcel(Envelope::Signal(Box::new(Signal::System(request))));
        let mut mail = self.mail.lock();
        if mail.run == Run::Dead {
            return Asked::Dead;
        }
        if mail.closed {
            let swept = mail.ties().add_waiter(self.head.pid, slot);
            drop(mail);
            drop(swept);
            return Asked::Taken;
        }
        // A request never awaits: run here, it is answered here, and nobody has to be kept waiting.
        let Some(mut mail) = self.run_inline(mail, &mut request, inline) else { return Asked::Taken };
        let swept = mail.ties().add_waiter(self.head.pid, slot);
        if let Some(Job::Message(request)) = request.take() {
            self.enqueue(mail, request);
        }
        drop(swept);
        Asked::Taken
    }
}
