//! Requests of `sys`: into the queue like everything else, neither refused nor counted.

use std::sync::Arc;

use super::mail::{Envelope, Process, Run, Signal};
use super::send::parcel;
use super::work::Job;
use crate::reply::Waiting;
use crate::server::GenServer;
use crate::sys::SystemRequest;

impl<S: GenServer> Process<S> {
    /// Queues a request, or does it here and now if the server is idle and `inline` allows it. False if the server is dead;
    /// if it ends before it comes to the request, the slot gets the reason.
    pub(crate) fn ask(self: &Arc<Self>, request: SystemRequest<S>, slot: Arc<dyn Waiting>, inline: bool) -> bool {
        let mut request = parcel(Envelope::Signal(Box::new(Signal::System(request))));
        let mut mail = self.mail.lock();
        if mail.run == Run::Dead {
            return false;
        }
        if mail.closed {
            let swept = mail.ties().add_waiter(slot);
            drop(mail);
            drop(swept);
            return true;
        }
        // A request never awaits: run here, it is answered here, and nobody has to be kept waiting.
        let Some(mut mail) = self.run_inline(mail, &mut request, inline) else { return true };
        let swept = mail.ties().add_waiter(slot);
        if let Some(Job::Message(request)) = request.take() {
            self.enqueue(mail, request);
        }
        drop(swept);
        true
    }
}
