//! Growing pauses between tries of what the engine has not done.

use std::time::{Duration, Instant};

use genserver::time;

const FIRST: Duration = Duration::from_millis(20);

const LONGEST: Duration = Duration::from_secs(1);

/// The pauses between tries: each is twice as long as the one before, up to a second.
pub(super) struct Pauses(Duration);

impl Pauses {
    pub(super) fn new() -> Self {
        Self(FIRST)
    }

    pub(super) async fn pause(&mut self) {
        time::sleep(self.0).await;
        self.0 = LONGEST.min(2 * self.0);
    }

    /// Waits, if time is left for another try. Returns whether it was.
    pub(super) async fn pause_until(&mut self, until: Instant) -> bool {
        let is_time = time::now() + self.0 < until;
        if is_time {
            self.pause().await;
        }
        is_time
    }
}
