//! What is measured of each half of a round, and the middle of all rounds.

use std::time::{Duration, Instant};

/// What one half of a round has come to.
pub(crate) struct Half {
    /// How many were done in a second.
    speed: f64,
    /// How much processor time this program took for each, in microseconds.
    micros: f64,
}

/// A half that is under way.
pub(crate) struct Begun {
    at: Instant,
    used: Duration,
}

impl Begun {
    pub(crate) fn now() -> Self {
        Self { at: Instant::now(), used: processor_time() }
    }

    #[expect(clippy::cast_precision_loss, reason = "there are not so many")]
    pub(crate) fn done(self, count: u64) -> Half {
        let (took, used) = (self.at.elapsed(), processor_time().saturating_sub(self.used));
        Half { speed: count as f64 / took.as_secs_f64(), micros: used.as_secs_f64() * 1e6 / count as f64 }
    }
}

/// Prints the first row of a table.
pub(crate) fn head(what: &str) {
    println!(
        "{what:<42}{:>14}{:>14}{:>24}{:>10}{:>10}",
        "ours, a sec.", "bare, a sec.", "ours / bare", "us: ours", "bare"
    );
}

/// Prints a row: our halves, and the bare ones of the same rounds.
pub(crate) fn row(what: &str, ours: &[Half], bare: &[Half]) {
    let ratios: Vec<f64> = ours.iter().zip(bare).map(|(ours, bare)| ours.speed / bare.speed).collect();
    let [speed, bare_speed] = [ours, bare].map(|halves| median(halves.iter().map(|half| half.speed).collect()));
    let [micros, bare_micros] = [ours, bare].map(|halves| median(halves.iter().map(|half| half.micros).collect()));
    let (least, most) = ratios.iter().fold((f64::MAX, 0.0_f64), |(least, most), it| (least.min(*it), most.max(*it)));
    let ratio = format!("{:.2} ({least:.2} to {most:.2})", median(ratios));
    println!("{what:<42}{speed:>14.0}{bare_speed:>14.0}{ratio:>24}{micros:>10.1}{bare_micros:>10.1}");
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

/// The processor time that all threads of this program have taken.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
