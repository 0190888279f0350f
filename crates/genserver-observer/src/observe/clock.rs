//! What time it is for people, and for how long something has been so.
//!
//! It is the clock of the machine and not of a runtime: the observer looks at nodes of every runtime, and goes on when these do
//! not.

use std::time::{Duration, Instant, SystemTime};

/// A moment on both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) instant: Instant,
    /// In milliseconds since 1970.
    pub(crate) date: u64,
}

impl Moment {
    #[expect(clippy::disallowed_methods, reason = "tells a person when something was seen, whatever the runtimes do")]
    pub(crate) fn now() -> Self {
        let date = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { instant: Instant::now(), date: millis(date) }
    }

    /// How long ago another moment was.
    pub(crate) fn since(self, earlier: Instant) -> Duration {
        self.instant.saturating_duration_since(earlier)
    }

    /// The date of another moment of this clock, in milliseconds since 1970.
    pub(crate) fn date_of(self, earlier: Instant) -> u64 {
        self.date.saturating_sub(millis(self.since(earlier)))
    }
}

/// A duration in whole milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
