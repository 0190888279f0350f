//! How long something took, many times.

use std::fmt;
use std::time::Duration;

/// How long something took each time, beside what is promised of it.
pub(super) struct Times {
    what: &'static str,
    /// Nothing if nothing is promised.
    limit: Option<Duration>,
    took: Vec<Duration>,
}

impl Times {
    pub(super) fn new(what: &'static str, limit: Option<Duration>) -> Self {
        Self { what, limit, took: Vec::new() }
    }

    pub(super) fn is_of(&self, what: &str) -> bool {
        self.what == what
    }

    pub(super) fn add(&mut self, took: Duration) {
        self.took.push(took);
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, limit, took } = self;
        let mut took = took.clone();
        took.sort_unstable();
        write!(f, "{what:<52} n={:<4}", took.len())?;
        if let (Some(middle), Some(most)) = (took.get(took.len() / 2), took.last()) {
            write!(f, " p50 {:>6.2} s  max {:>6.2} s", middle.as_secs_f64(), most.as_secs_f64())?;
        }
        if let Some(limit) = limit {
            let late = took.iter().filter(|took| *took > limit).count();
            write!(f, "  promised {:.0} s, later: {late}", limit.as_secs_f64())?;
        }
        Ok(())
    }
}
