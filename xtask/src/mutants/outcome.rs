//! What became of each mutant, and how it is summed up.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{Failure, Result};

/// What became of a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// A test failed.
    Caught,
    /// A test did not end in its time.
    TimedOut,
    /// It does not compile.
    Unviable,
    /// Every test passed.
    Survived,
}

/// All mutants of some runs, by name.
#[derive(Debug, Default)]
pub(super) struct Tally {
    outcomes: BTreeMap<String, Outcome>,
    /// How long the mutants took together.
    seconds: f64,
}

impl Tally {
    /// Reads what cargo-mutants has written into `folder`: nothing at all if there was no mutant.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("outcomes.json");
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
        let json: Value = serde_json::from_str(&text).map_err(|error| unreadable(&path, &error))?;
        let log = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
        Ok(Self::of(&json, log))
    }

    /// Of cargo-mutants' list, and the log of each mutant.
    fn of(json: &Value, log: impl Fn(&str) -> String) -> Self {
        let mut tally = Self::default();
        for one in json["outcomes"].as_array().into_iter().flatten() {
            let Some(name) = one["scenario"]["Mutant"]["name"].as_str() else { continue };
            let outcome = match one["summary"].as_str() {
                Some("Unviable") => Outcome::Unviable,
                Some("Timeout") => Outcome::TimedOut,
                Some("MissedMutant") => Outcome::Survived,
                _ if ran_out_of_time(&log(one["log_path"].as_str().unwrap_or_default())) => Outcome::TimedOut,
                _ => Outcome::Caught,
            };
            tally.outcomes.insert(name.to_owned(), outcome);
            let phases = one["phase_results"].as_array().into_iter().flatten();
            tally.seconds += phases.filter_map(|phase| phase["duration"].as_f64()).sum::<f64>();
        }
        tally
    }

    /// Takes over what a later run says of the survivors. It may have tested others along with them: cargo-mutants does not choose
    /// all kinds of mutants by name.
    pub(super) fn settle(&mut self, later: &Self) -> Result {
        for name in self.survivors() {
            let Some(outcome) = later.outcomes.get(&name) else {
                return Err(Failure::new(format!("`{name}` was not found again by its name")));
            };
            self.outcomes.insert(name, *outcome);
        }
        self.seconds += later.seconds;
        Ok(())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.outcomes.len()
    }

    /// The names of those that no test has noticed.
    pub(super) fn survivors(&self) -> Vec<String> {
        let survivors = self.outcomes.iter().filter(|(_, outcome)| **outcome == Outcome::Survived);
        survivors.map(|(name, _)| name.clone()).collect()
    }

    /// Those of them that have no reason, each with its place.
    pub(super) fn unjudged(&self, judged: &[String]) -> Vec<String> {
        let mut survivors = self.survivors();
        survivors.retain(|name| !judged.contains(&without_place(name)));
        survivors
    }

    /// One line of figures, and one for each survivor.
    pub(super) fn report(&self, part: &str, judged: &[String]) -> String {
        let count = |outcome| self.outcomes.values().filter(|it| **it == outcome).count();
        let (caught, late) = (count(Outcome::Caught), count(Outcome::TimedOut));
        let (unviable, survivors) = (count(Outcome::Unviable), count(Outcome::Survived));
        let percent = (100 * (caught + late)).checked_div(caught + late + survivors).unwrap_or(100);
        #[expect(clippy::cast_precision_loss, reason = "there are far fewer mutants than 2^52")]
        let each = self.seconds / self.len().max(1) as f64;
        let mut report = format!(
            "{part}: {} mutants; {unviable} do not compile; {caught} caught by a test that fails, {late} by one that takes too \
             long, {survivors} survive: {percent} % caught; {each:.0} s each",
            self.len()
        );
        for name in self.survivors() {
            let verdict = if judged.contains(&without_place(&name)) { "has a reason" } else { "has NO reason" };
            write!(report, "\n  {verdict}: {name}").expect("a text takes more text");
        }
        report
    }
}

/// A mutant's name as `docs/mutants.md` has it: of its crate and file, but of no line, which the next change moves.
pub(super) fn without_place(name: &str) -> String {
    let mut parts = name.splitn(4, ':');
    let (file, fault) = (parts.next().unwrap_or_default(), parts.nth(2).unwrap_or_default());
    let file = file.strip_prefix("crates/").unwrap_or(file).replacen("/src/", "/", 1);
    format!("{file}:{fault}")
}

/// Whether the first test that failed did so because its time was over: nextest names each as it ends.
fn ran_out_of_time(log: &str) -> bool {
    let statuses = log.lines().filter_map(|line| line.trim_start().split_once(" [")).map(|(status, _)| status);
    let mut failed =
        statuses.filter(|status| ["FAIL", "TIMEOUT", "ABORT"].contains(status) || status.starts_with("SIG"));
    failed.next() == Some("TIMEOUT")
}

fn unreadable(path: &Path, error: &dyn std::error::Error) -> Failure {
    Failure::new(format!("cannot read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    //! Small lists of outcomes.

    use serde_json::json;

    use super::*;

    const SURVIVOR: &str = "crates/a/src/b/c.rs:1:2: replace || with && in d";

    fn one(name: &str, summary: &str) -> Value {
        json!({
            "scenario": { "Mutant": { "name": name } },
            "summary": summary,
            "log_path": format!("{name}.log"),
            "phase_results": [{ "duration": 1.5 }, { "duration": 0.5 }],
        })
    }

    fn tally() -> Tally {
        let baseline = json!({ "scenario": "Baseline", "summary": "Success" });
        let outcomes = [
            baseline,
            one("fails", "CaughtMutant"),
            one("hangs", "CaughtMutant"),
            one("never ends", "Timeout"),
            one("does not compile", "Unviable"),
            one(SURVIVOR, "MissedMutant"),
        ];
        Tally::of(&json!({ "outcomes": outcomes }), |log| match log {
            "fails.log" => {
                "     TIMEOUT: what is not a test\n        FAIL [   0.1s] a b\n     TIMEOUT [  30.0s] a c\n".to_owned()
            }
            "hangs.log" => {
                "        PASS [   0.1s] a b\n     TIMEOUT [  30.0s] a c\n     SIGTERM [  30.1s] a d\n".to_owned()
            }
            other => panic!("{other} is of no interest"),
        })
    }

    #[test]
    fn a_test_that_fails_is_told_from_one_that_takes_too_long() {
        assert_eq!(
            tally().report("a", &[]).lines().next(),
            Some(
                "a: 5 mutants; 1 do not compile; 1 caught by a test that fails, 2 by one that takes too long, 1 survive: 75 % \
                 caught; 2 s each"
            )
        );
    }

    #[test]
    fn a_survivor_has_a_reason_or_is_named() {
        let tally = tally();
        assert_eq!(tally.unjudged(&[]), [SURVIVOR]);
        assert!(tally.report("a", &[]).ends_with(&format!("has NO reason: {SURVIVOR}")));
        let judged = ["a/b/c.rs: replace || with && in d".to_owned()];
        assert!(tally.unjudged(&judged).is_empty());
        assert!(tally.report("a", &judged).ends_with(&format!("has a reason: {SURVIVOR}")));
    }

    #[test]
    fn what_a_later_run_says_of_a_survivor_counts() {
        let later = |name: &str| Tally::of(&json!({ "outcomes": [one(name, "CaughtMutant")] }), |_| String::new());
        let mut tally = tally();
        tally.settle(&later("another")).expect_err("it says nothing of the survivor");
        tally.settle(&later(SURVIVOR)).expect("it says something of it");
        assert_eq!((tally.len(), tally.survivors().len()), (5, 0));
    }

    #[test]
    fn a_part_without_mutants_has_no_survivors() {
        assert!(Tally::default().report("a", &[]).contains("0 mutants") && Tally::default().survivors().is_empty());
    }
}
