//! What may go wrong in a model of an engine, and how often.

use std::time::Duration;

use genserver::sim::Draws;

/// What may go wrong in a [`Model`](super::Model), besides members that are cut off: at first, nothing.
///
/// What happens is drawn by [`Draws`], so it is in the recipe of a simulated run. Outside of a simulation nothing goes wrong.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    pub(super) latency: Duration,
    pub(super) stale: Duration,
    pub(super) late_leases: Duration,
    pub(super) late_subscriptions: Duration,
    pub(super) lost: u64,
    pub(super) unanswered: u64,
}

impl Faults {
    /// Nothing goes wrong, and nothing takes time.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything that is sent takes up to this time: requests to the engine, its answers, messages, what is told to watches.
    #[must_use]
    pub fn latency(self, max: Duration) -> Self {
        Self { latency: max, ..self }
    }

    /// What is read is up to this old, and watches are up to this late.
    #[must_use]
    pub fn stale(self, max: Duration) -> Self {
        Self { stale: max, ..self }
    }

    /// A key ends up to this long after its time to live has passed.
    #[must_use]
    pub fn late_leases(self, max: Duration) -> Self {
        Self { late_leases: max, ..self }
    }

    /// What other members publish reaches a subscription only when it is up to this old.
    #[must_use]
    pub fn late_subscriptions(self, max: Duration) -> Self {
        Self { late_subscriptions: max, ..self }
    }

    /// One in so many messages is lost for one of its subscriptions.
    #[must_use]
    pub fn lost(self, one_in: u64) -> Self {
        Self { lost: one_in, ..self }
    }

    /// One in so many operations is not answered in time: it is lost, or its answer is, or either is too late. Messages are not
    /// operations, and subscribing is one. Who follows a stream of events has to begin anew as often.
    #[must_use]
    pub fn unanswered(self, one_in: u64) -> Self {
        Self { unanswered: one_in, ..self }
    }
}

/// What befalls an operation on its way.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    /// Both ways take so long.
    Answered(Duration, Duration),
    /// It never arrives.
    Lost,
    /// It arrives, and its answer does not.
    AnswerLost(Duration),
}

/// Draws what happens.
#[derive(Debug, Default)]
pub(super) struct Dice(Draws);

impl Dice {
    /// A time of whole milliseconds, up to this.
    pub(super) fn up_to(&self, max: Duration) -> Duration {
        let millis = u64::try_from(max.as_millis()).unwrap_or(u64::MAX - 1);
        if millis == 0 { Duration::ZERO } else { Duration::from_millis(self.0.draw(0..millis + 1)) }
    }

    /// Whether something happens that does so once in so many times, and never if that is zero.
    pub(super) fn once_in(&self, times: u64) -> bool {
        times > 0 && self.0.draw(0..times) == times - 1
    }

    /// One of so many ways. The first is the usual one.
    pub(super) fn way(&self, of: u64) -> u64 {
        self.0.draw(0..of)
    }

    /// What befalls an operation whose caller waits up to this time.
    pub(super) fn fate(&self, faults: &Faults, wait: Duration) -> Fate {
        let (there, back) = (self.up_to(faults.latency), self.up_to(faults.latency));
        if !self.once_in(faults.unanswered) {
            return Fate::Answered(there, back);
        }
        match self.way(4) {
            0 => Fate::Lost,
            1 => Fate::AnswerLost(there),
            // It may be done after its caller has given up.
            2 => Fate::Answered(self.up_to(2 * wait), back),
            _ => Fate::Answered(there, self.up_to(2 * wait)),
        }
    }
}
