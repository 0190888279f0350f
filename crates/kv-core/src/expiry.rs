//! When keys expire: what a client says and is told, and the milliseconds that a bucket keeps.

use std::time::{Duration, SystemTime};

/// When a key expires: after a time, or at a date and time. It is kept to the millisecond, rounded up.
///
/// Either way the bucket keeps the date and time, by [`genserver::time::system_now`]. A time that has passed is allowed: the key is
/// gone at once.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use kv_core::Expiry;
///
/// assert_eq!(Expiry::from(Duration::from_secs(60)), Expiry::After(Duration::from_secs(60)));
/// assert_eq!(Expiry::from(SystemTime::UNIX_EPOCH), Expiry::At(SystemTime::UNIX_EPOCH));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expiry {
    /// When this time has passed.
    After(Duration),
    /// At this date and time.
    At(SystemTime),
}

impl From<Duration> for Expiry {
    fn from(after: Duration) -> Self {
        Self::After(after)
    }
}

impl From<SystemTime> for Expiry {
    fn from(at: SystemTime) -> Self {
        Self::At(at)
    }
}

/// How long a key has to live.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimeToLive {
    /// There is no such key.
    NoKey,
    /// The key does not expire.
    Unlimited,
    /// The key expires when this time has passed: at least a millisecond.
    Left(Duration),
}

/// A date and time in milliseconds since 1970, as a bucket keeps it. Times before 1970 are 1970.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) struct Millis(u64);

impl Millis {
    /// The last millisecond that has begun at this date and time.
    pub(crate) fn begun(at: SystemTime) -> Self {
        Self(millis(since_1970(at)))
    }

    /// The first millisecond that has not begun before this date and time: nothing expires early.
    pub(crate) fn not_before(at: SystemTime) -> Self {
        Self(millis_up(since_1970(at)))
    }

    pub(crate) fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(millis_up(time)))
    }

    /// The next millisecond.
    pub(crate) fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The date and time, unless it is too far away to be one.
    pub(crate) fn system_time(self) -> Option<SystemTime> {
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(self.0))
    }
}

impl Expiry {
    pub(crate) fn at(self, now: Millis) -> Millis {
        let at = match self {
            Self::After(time) => now.after(time),
            Self::At(at) => Millis::not_before(at),
        };
        // A storage may keep zero for a key that does not expire.
        at.max(Millis(1))
    }
}

fn since_1970(at: SystemTime) -> Duration {
    at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn millis_up(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    //! Rounding.

    use super::*;

    #[test]
    fn nothing_expires_early_and_a_time_too_far_away_is_never() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_micros(1_500);
        assert_eq!((Millis::begun(at), Millis::not_before(at)), (Millis(1), Millis(2)));
        assert_eq!(Expiry::After(Duration::from_nanos(1)).at(Millis(7)), Millis(8));
        assert_eq!(Expiry::After(Duration::MAX).at(Millis(7)), Millis(u64::MAX));
        assert_eq!(Expiry::At(SystemTime::UNIX_EPOCH - Duration::from_secs(1)).at(Millis(7)), Millis(1));
        assert_eq!(Millis(2).since(Millis(7)), Duration::ZERO);
    }
}
