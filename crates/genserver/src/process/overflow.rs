//! Overflow: what happens to a cast or a plain message that finds the mailbox full.

use std::any::type_name;
use std::sync::Arc;

use super::death::drop_caught;
use super::envelope::Envelope;
use super::mail::{Mail, Process};
use super::sent::Refused;
use crate::report::{Overflowed, Report, Who};
use crate::server::GenServer;
use crate::sync::MutexGuard;
use crate::values::overflow::Overflow;
use crate::values::reason::Reason;

impl<S: GenServer> Process<S> {
    /// Does what the server was started to do when its mailbox is full.
    #[cold]
    pub(super) fn overflow(
        self: &Arc<Self>,
        mut mail: MutexGuard<'_, Mail<S>>,
        message: Envelope<S>,
    ) -> Result<(), (Refused, Envelope<S>)> {
        mail.peak = mail.peak.max(self.load(&mail));
        match mail.overflow {
            Overflow::GiveBack => {}
            Overflow::DropOldest => {
                if let Some(oldest) = mail.queue.take_oldest() {
                    let extras = mail.extras();
                    extras.dropped += 1;
                    let dropped = extras.dropped;
                    // As many are counted as before.
                    self.enqueue(mail, message);
                    self.report_overflow(dropped, false);
                    self.flush_now_and_then(dropped);
                    drop_caught(oldest);
                    return Ok(());
                }
            }
            Overflow::Stop if mail.is_doomed() => return Err((Refused::Dead, message)),
            Overflow::Stop => {
                let waiting = u64::from(self.load(&mail));
                mail.extras().refused += 1;
                drop(mail);
                // Reported before the doom, which may end the process on this thread.
                self.report_overflow(waiting, true);
                self.doom(Reason::Overloaded);
                return Err((Refused::Dead, message));
            }
        }
        let extras = mail.extras();
        extras.refused += 1;
        let refused = extras.refused;
        drop(mail);
        self.flush_now_and_then(refused);
        Err((Refused::Full, message))
    }

    /// Reports the first message that is dropped, then the second, the fourth, the eighth: a flood makes few reports.
    fn report_overflow(&self, dropped: u64, ends: bool) {
        let hub = self.head.home.node().hub();
        if hub.is_heard() && (ends || dropped.is_power_of_two()) {
            let process = Who::new(&self.head);
            hub.publish(&Report::Overflowed(Overflowed { process, server: type_name::<S>(), dropped, ends }));
        }
    }
}
