//! What few messages carry besides themselves: when they were queued, and who sent them.

use super::body::Body;
use super::envelope::Envelope;
#[cfg(feature = "tracing")]
use super::envelope::Signal;
use crate::report::SentBy;
use crate::server::GenServer;

/// A message with what it carries. It is boxed, so that all other messages stay small, and no path but the slow ones knows of it.
pub(crate) struct Carried<S: GenServer> {
    pub(super) message: Envelope<S>,
    sent_by: SentBy,
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
                sent_by: SentBy::NONE,
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

    /// The message, with the code that runs here as its sender. Called without a lock.
    #[cfg(feature = "tracing")]
    #[cold]
    pub(super) fn sent_from_here(self, waits: bool) -> Self {
        // The one brings what was set up long ago, the other is not handled by a callback.
        let is_anonymous =
            matches!(&self, Self::Signal(signal) if !matches!(**signal, Signal::Down(_) | Signal::Stop(_)));
        let sent_by = if is_anonymous { SentBy::NONE } else { SentBy::here(waits) };
        if !sent_by.is_known() {
            return self;
        }
        let mut carried = self.carried();
        carried.sent_by = sent_by;
        Self::Carried(carried)
    }
}

impl<S: GenServer> Carried<S> {
    /// Takes the message out. Its callback is about to begin.
    pub(super) fn unpack(self, body: &mut Body<S>) -> Envelope<S> {
        if let Some(actor) = &mut body.actor {
            actor.cx.sent_by = self.sent_by;
        }
        self.message
    }
}
