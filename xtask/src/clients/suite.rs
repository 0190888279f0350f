//! Redis's own test suite, against `kv serve` in the place of `redis-server`.
//!
//! A test either passes or has a row on the page, with the reason. A test that has a row and passes fails this, too: a list of what does
//! not hold is worth something only if all of it is true.

// What the suite prints.
mod outcome;
// What the page says.
mod page;

use std::process::{Command, Stdio};

use super::install::{self, TCLSH};
use super::{folder, kv};
use crate::{Failure, Result, tree};

use outcome::Outcome;

/// The units of the suite that are about what we have.
const UNITS: &[&str] = &["unit/type/hash", "unit/protocol", "unit/pubsub", "unit/auth", "unit/limits", "unit/querybuf"];

/// Goes on where the suite would end.
const DRIVER: &str = include_str!("suite.tcl");

/// Starts our server with the configuration that the suite has written for its own.
const LAUNCHER: &str = include_str!("redis-server.sh");

/// How long the suite waits for a test, in seconds.
const TEST_MAX: &str = "180";

/// Gets the suite, and what it is written in.
pub(super) fn get() -> Result {
    TCLSH.find().and_then(|_| install::redis_sources()).map(|_| ())
}

/// Runs all units, or those that the arguments name.
pub(super) fn run(args: &[String]) -> Result {
    let units = asked(args)?;
    let rows = page::rows(&units)?;
    let printed = printed(&units)?;
    let outcomes = outcome::read(&printed);
    let log = folder().join("suite.log");
    tree::write(&log, &printed)?;
    // Whatever happens to the suite itself, no test may seem to pass because it was not run.
    if let Some(unit) = units.iter().find(|unit| !printed.contains(&format!("done]: {unit} "))) {
        return Err(Failure::new(format!("Redis's suite ended before {unit} was done; see {}", log.display())));
    }
    let passed = outcomes.iter().filter(|outcome| outcome.failure.is_none()).count();
    Failure::from_findings("clients suite", &page::judge(&rows, &outcomes))?;
    println!("clients: {passed} tests of Redis's suite pass, {} do not and have a reason", rows.len());
    Ok(())
}

fn asked(args: &[String]) -> Result<Vec<&'static str>> {
    if args.is_empty() {
        return Ok(UNITS.to_vec());
    }
    let unknown = |name| Failure::new(format!("there is no unit `{name}`; the units are {}", UNITS.join(", ")));
    args.iter().map(|name| UNITS.iter().find(|unit| *unit == name).copied().ok_or_else(|| unknown(name))).collect()
}

/// What the suite prints of these units.
fn printed(units: &[&str]) -> Result<String> {
    let (tclsh, kv) = (TCLSH.find()?, kv()?);
    let suite = install::redis_sources()?;
    let launcher = suite.join("src/redis-server");
    tree::write(&launcher, LAUNCHER)?;
    install::change_mode(&launcher, "755")?;
    let driver = suite.join("suite.tcl");
    tree::write(&driver, DRIVER)?;

    println!("clients: {} units of Redis's suite", units.len());
    let mut command = Command::new(tclsh);
    command.arg(&driver).args(["--singledb", "--durable", "--clients", "2", "--timeout", TEST_MAX]);
    command.args(units.iter().flat_map(|unit| ["--single", unit]));
    // It prints colours to some terminals.
    command.env("TERM", "dumb").env("KV", kv).current_dir(&suite).stdin(Stdio::null()).stderr(Stdio::inherit());
    // It fails with the first test that does: which these are is read from what it prints.
    let output = command.output();
    let output = output.map_err(|error| Failure::new(format!("{} did not start: {error}", driver.display())))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    //! Which units are run.

    use super::*;

    #[test]
    fn the_arguments_choose_units() {
        assert_eq!(asked(&[]).unwrap(), UNITS);
        assert_eq!(asked(&["unit/auth".to_owned()]).unwrap(), ["unit/auth"]);
        let failure = asked(&["unit/type/list".to_owned()]).expect_err("it is not one of ours").to_string();
        assert!(failure.starts_with("there is no unit `unit/type/list`; the units are unit/type/hash, "), "{failure}");
    }

    #[test]
    fn every_unit_has_its_rows_on_the_page() {
        assert!(page::rows(UNITS).unwrap().len() > UNITS.len());
    }
}
