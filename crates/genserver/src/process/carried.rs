//! What few messages carry besides themselves: when they were queued, and who sent them.

use super::envelope::Envelope;
use crate::server::GenServer;

/// A message with what it carries. It is boxed, so that all other messages stay small, and no path but the slow ones knows of it.
pub(crate) struct Carried<S: GenServer> {
    pub(super) message: Envelope<S>,
    #[cfg(feature = "metrics")]
    pub(super) queued: Option<Queued>,
}

/// When a message was queued.
#[cfg(feature = "metrics")]
pub(crate) struct Queued {
    pub(super) since: std::time::Instant,
    /// How many messages waited then.
    pub(super) behind: u32,
}

impl<S: GenServer> Envelope<S> {
    #[expect(clippy::unnecessary_box_returns, reason = "the envelope keeps the box")]
    fn carried(self) -> Box<Carried<S>> {
        match self {
            Self::Carried(carried) => carried,
            message => Box::new(Carried {
                message,
                #[cfg(feature = "metrics")]
                queued: None,
            }),
        }
    }

    /// The message, with the time when it was queued.
    #[cfg(feature = "metrics")]
    pub(super) fn queued(self, queued: Queued) -> Self {
        let mut carried = self.carried();
        carried.queued = Some(queued);
        Self::Carried(carried)
    }
}

impl<S: GenServer> super::Process<S> {
    /// Takes a message out of what it carries.
    pub(super) fn unpack(&self, carried: Carried<S>) -> Envelope<S> {
        #[cfg(feature = "metrics")]
        if let Some(queued) = carried.queued {
            self.note_wait(&queued);
        }
        carried.message
    }
}
