//! What the clock does with a server that has nothing to do: `handle_idle`, and hibernation.

use std::sync::Arc;
use std::time::Duration;

use super::envelope::{Envelope, Signal};
use super::mail::{Kick, Mail, Process};
use super::noted;
use crate::node::record::Arrival;
use crate::server::GenServer;

impl<S: GenServer> Process<S> {
    /// Sets the clock for `handle_idle`. A silence of nothing at all is over at once.
    pub(super) fn arm_silence(self: &Arc<Self>, mail: &mut Mail<S>, silence: Duration) -> Kick {
        if silence.is_zero() {
            // The queue is empty here, so the silence is over before anything else can come.
            noted::signal(self.head.pid, Arrival::Idle);
            mail.queue.push_back(Envelope::Signal(Box::new(Signal::Idle)));
            return mail.kick();
        }
        let runtime = self.head.home.runtime();
        let now = runtime.now();
        let Some(at) = now.checked_add(silence) else { return Kick::Nothing };
        mail.extras().idle_at = Some(at);
        self.wake_at(mail, now, at)
    }

    /// Sets the clock for `hibernate_after`.
    pub(super) fn arm_hibernation(self: &Arc<Self>, mail: &mut Mail<S>) -> Kick {
        // There is nothing left to give back, and the clock would come for nothing.
        if mail.hibernated {
            return Kick::Nothing;
        }
        let Some(after) = mail.extras.as_ref().and_then(|extras| extras.hibernate_after) else { return Kick::Nothing };
        let now = self.head.home.runtime().now();
        let Some(at) = now.checked_add(after) else { return Kick::Nothing };
        mail.extras().hibernate_at = Some(at);
        self.wake_at(mail, now, at)
    }
}
