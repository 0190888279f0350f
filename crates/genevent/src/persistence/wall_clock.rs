//! The wall clock, whose time each record has: one function, so that a test can give a log another.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where a log gets the time of its events.
#[derive(Clone)]
pub(super) struct WallClock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl WallClock {
    pub(super) fn new(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time as a record has it.
    pub(super) fn now(&self) -> u64 {
        nanoseconds((self.0)())
    }
}

impl Default for WallClock {
    fn default() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place; a simulation gives the log another function"
        )]
        Self::new(SystemTime::now)
    }
}

impl fmt::Debug for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WallClock(..)")
    }
}

/// Nanoseconds since 1970: none before, and as many as fit after the year 2554.
pub(super) fn nanoseconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// The time that a record has.
pub(super) fn system_time(nanoseconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanoseconds)
}
