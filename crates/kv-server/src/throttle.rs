//! One report a minute of what may happen any number of times, with how often it has happened.

use std::time::{Duration, Instant};

/// For how long after a report another one would tell nothing new.
const TOLD_FOR: Duration = Duration::from_mins(1);

/// What happens again and again. Nobody can flood a log with it.
#[derive(Default)]
pub(crate) struct Throttle {
    told: Option<Instant>,
    /// How often it has happened since, without a report.
    untold: u64,
}

impl Throttle {
    /// Counts that it has happened. If a report is due, returns how often it had happened since the last one.
    pub(crate) fn count(&mut self, now: Instant) -> Option<u64> {
        if self.told.is_some_and(|told| now.duration_since(told) < TOLD_FOR) {
            self.untold = self.untold.saturating_add(1);
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.untold))
    }
}

#[cfg(test)]
mod tests {
    //! When a report is due.

    use super::*;

    #[test]
    fn the_first_is_reported_and_after_a_minute_the_next_with_the_number_of_those_between() {
        #[expect(clippy::disallowed_methods, reason = "any instant will do: time goes on only where the test says so")]
        let start = Instant::now();
        let mut throttle = Throttle::default();
        assert_eq!(throttle.count(start), Some(0));
        for second in 0..60 {
            assert_eq!(throttle.count(start + Duration::from_secs(second)), None);
        }
        assert_eq!(throttle.count(start + TOLD_FOR), Some(60));
        assert_eq!(throttle.count(start + TOLD_FOR), None);
        assert_eq!(throttle.count(start + TOLD_FOR * 100), Some(1));
    }
}
