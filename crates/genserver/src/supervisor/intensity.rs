//! The restart limit: a sliding window over the attempts.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Allows a number of restarts within a time; one more, and a supervisor gives up.
///
/// The window slides: an attempt counts if it was made at most `within` before `now`, both ends included. OTP truncates
/// its clock to whole seconds before it compares, so there an attempt may count for almost a second
/// longer; here it is exact.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, Instant};
/// use genserver::supervisor::Intensity;
///
/// let mut intensity = Intensity::new(2, Duration::from_secs(5));
/// # #[allow(clippy::disallowed_methods)]
/// let start = Instant::now();
/// assert!(intensity.allows(start));
/// assert!(intensity.allows(start + Duration::from_secs(1)));
/// assert!(!intensity.allows(start + Duration::from_secs(5)), "the third within five seconds");
/// assert!(intensity.allows(start + Duration::from_secs(11)));
/// ```
#[doc(alias = "max_restart_intensity")]
#[derive(Clone, Debug)]
pub struct Intensity {
    max_restarts: u32,
    within: Duration,
    /// The attempts that still count, oldest first: at most one more than allowed.
    attempts: VecDeque<Instant>,
}

impl Intensity {
    /// How many restarts are allowed by default: three, within [`WITHIN`](Self::WITHIN). Elixir's number.
    pub const MAX_RESTARTS: u32 = 3;
    /// The default time: five seconds.
    pub const WITHIN: Duration = Duration::from_secs(5);

    /// Allows `max_restarts` within `within`. With zero, the first end of a child is the last.
    pub fn new(max_restarts: u32, within: Duration) -> Self {
        Self { max_restarts, within, attempts: VecDeque::new() }
    }

    /// How many restarts are allowed, and within which time.
    pub(super) fn limit(&self) -> (u32, Duration) {
        (self.max_restarts, self.within)
    }

    /// Counts an attempt made now, and returns whether it is allowed.
    ///
    /// `now` must never go back from one attempt to the next; [`Cx::now`](crate::Cx::now) never does.
    pub fn allows(&mut self, now: Instant) -> bool {
        while self.attempts.front().is_some_and(|then| now.saturating_duration_since(*then) > self.within) {
            self.attempts.pop_front();
        }
        self.attempts.push_back(now);
        let allowed = self.attempts.len() <= self.max_restarts as usize;
        if !allowed {
            // The attempt counts, and the oldest makes space for it: one attempt over the limit is enough to say no again.
            self.attempts.pop_front();
        }
        allowed
    }
}

impl Default for Intensity {
    fn default() -> Self {
        Self::new(Self::MAX_RESTARTS, Self::WITHIN)
    }
}

#[cfg(test)]
mod tests {
    //! The edges of the window.

    use super::*;

    /// Checks which attempts, in milliseconds, are allowed.
    #[track_caller]
    fn check(max_restarts: u32, within: u64, attempts: &[(u64, bool)]) {
        let mut intensity = Intensity::new(max_restarts, Duration::from_millis(within));
        #[expect(clippy::disallowed_methods, reason = "any instant will do")]
        let start = Instant::now();
        for &(at, allowed) in attempts {
            assert_eq!(intensity.allows(start + Duration::from_millis(at)), allowed, "at {at}");
        }
    }

    #[test]
    fn the_window_includes_its_edge() {
        check(1, 1000, &[(0, true), (1000, false)]);
        check(1, 1000, &[(0, true), (1001, true)]);
    }

    #[test]
    fn the_window_slides() {
        check(2, 1000, &[(0, true), (900, true), (1100, true), (1899, false)]);
        check(2, 1000, &[(0, true), (900, true), (1100, true), (1901, true)]);
    }

    #[test]
    fn a_refused_attempt_counts_too() {
        check(1, 1000, &[(0, true), (500, false), (1400, false), (2401, true)]);
    }

    #[test]
    fn none_allowed_means_none() {
        check(0, 1000, &[(0, false), (5000, false)]);
    }

    #[test]
    fn several_at_once_are_several() {
        check(3, 5000, &[(7, true), (7, true), (7, true), (7, false)]);
    }
}
