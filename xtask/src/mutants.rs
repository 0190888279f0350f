//! `cargo xtask mutants`: plants small faults in the code, one at a time, and looks whether a test fails.
//!
//! [cargo-mutants](https://mutants.rs) plants them. A fault that no test notices is a survivor: `docs/mutants.md` has each of them
//! with a reason, and one that it does not have makes the verb fail.

// Which code is changed, and which tests look at it.
mod part;
// What a person may ask for.
mod options;
// The command line of cargo-mutants.
mod tool;
// What became of each mutant.
mod outcome;
// The survivors that have a reason.
mod page;

use std::path::PathBuf;
use std::process::Command;

use crate::{Failure, Result, tree, workspace};

use options::{HELP, Options};
use outcome::Tally;
use part::Part;

/// Tests the mutants of the parts that are asked for.
pub(crate) fn run(args: &[String]) -> Result {
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        println!("{HELP}");
        return Ok(());
    }
    let mut options = Options::parse(args)?;
    if options.changed {
        let diff = diff()?;
        options.parts.retain(|part| part.is_touched_by(&diff));
        if options.parts.is_empty() {
            println!("mutants: nothing has changed in what the parts own");
            return Ok(());
        }
        tree::write(&folder().join("changed.diff"), &diff)?;
    }
    tool::install_if_missing()?;
    tree::copy(&tree_root(), &workspace::files()?)?;
    let judged = page::judged()?;
    let mut unjudged = Vec::new();
    for part in &options.parts {
        let tally = test(part, &options)?;
        println!("{}", tally.report(part.name, &judged));
        unjudged.extend(tally.unjudged(&judged));
    }
    if unjudged.is_empty() {
        return Ok(());
    }
    let advice = "write a test that fails, or give the reason in docs/mutants.md";
    Err(Failure::new(format!("survivors without a reason; {advice}\n{}", unjudged.join("\n"))))
}

/// Against one round of tests after the other, the first of which is compiled in a moment: what survives one meets the next.
fn test(part: &Part, options: &Options) -> Result<Tally> {
    let mut tally: Option<Tally> = None;
    for (number, tests) in (1..).zip(part.rounds) {
        let survivors = tally.as_ref().map(Tally::survivors);
        if survivors.as_ref().is_some_and(Vec::is_empty) {
            break;
        }
        if let (Some(tally), Some(survivors)) = (&tally, &survivors) {
            println!("mutants: {} of {} survive round {}", survivors.len(), tally.len(), number - 1);
        }
        let profile = if number == part.rounds.len() { "mutants-rest" } else { "mutants" };
        let folder = folder().join(format!("round-{number}"));
        let round = tool::Round { part, tests, profile, folder, only: survivors }.run(options)?;
        match &mut tally {
            None => tally = Some(round),
            Some(tally) => tally.settle(&round)?,
        }
    }
    Ok(tally.unwrap_or_default())
}

/// The copy of the workspace in which faults are planted.
fn tree_root() -> PathBuf {
    folder().join("tree")
}

/// Where all of it lies.
fn folder() -> PathBuf {
    workspace::target().join("mutants")
}

/// What has changed since this work left `main`, as far as git knows of it.
fn diff() -> Result<String> {
    let base = git(&["merge-base", "main", "HEAD"])?;
    git(&["diff", "--no-color", "--no-ext-diff", base.trim(), "--", "crates"])
}

fn git(args: &[&str]) -> Result<String> {
    let line = format!("git {}", args.join(" "));
    let output = Command::new("git").args(args).current_dir(workspace::root()).output();
    let output = output.map_err(|error| Failure::new(format!("`{line}` did not start: {error}")))?;
    if !output.status.success() {
        return Err(Failure::new(format!("`{line}` failed: {}", String::from_utf8_lossy(&output.stderr).trim())));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
