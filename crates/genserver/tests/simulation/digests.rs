//! A recipe is the same run in every process and every build: the digests of what happens are equal.

use std::collections::BTreeSet;
use std::env;
use std::io::{Write as _, stdout};
use std::process::Command;

use genserver::sim::{Check, Faults, Passed};

use crate::links_and_monitors::end_in_order;
use crate::shutdowns::stopped_at_any_moment;
use crate::{Account, a_supervised_account, two_clients_one_after_the_other};

/// So many runs of each base: as many as there are turns of the searches, so that runs with choices are among them.
const RUNS: u64 = 16;

/// The digests of some scenarios with kills, panics, stalls, restarts, clients and draws, each as a line.
fn digests() -> Vec<String> {
    let mut lines = Vec::new();
    for base in 0..4 {
        let check = || Check::new().runs(RUNS).base(base);
        let passed: [Result<Passed, _>; 4] = [
            check().run(two_clients_one_after_the_other),
            check().run(async |sim| {
                let starts = a_supervised_account(sim, Some(Faults::new().kill::<Account>().at_most(5))).await;
                assert!(starts > 0);
            }),
            check().run(end_in_order),
            check().run(stopped_at_any_moment),
        ];
        for passed in passed {
            let passed = passed.unwrap();
            lines.push(format!("digest {:016x} of {} steps", passed.digest(), passed.steps()));
        }
    }
    lines
}

/// `cargo xtask sim` runs it with optimisation and without, and compares what it prints.
#[test]
#[ignore = "it is run by the test below, in another process, and by `cargo xtask sim`"]
fn prints_them() {
    writeln!(stdout(), "\n{}", digests().join("\n")).unwrap();
}

#[test]
fn a_recipe_is_the_same_run_in_every_process() {
    let own = digests();
    assert_eq!(own.iter().collect::<BTreeSet<_>>().len(), 16, "they differ: {own:#?}");
    for _ in 0..2 {
        let mut other = Command::new(env::current_exe().unwrap());
        other.args(["--exact", "digests::prints_them", "--ignored", "--nocapture"]);
        // Another environment moves the stack.
        other.env("SOMETHING_ELSE", "x".repeat(1_000));
        let printed = String::from_utf8(other.output().unwrap().stdout).unwrap();
        let theirs: Vec<&str> = printed.lines().filter(|line| line.starts_with("digest ")).collect();
        assert_eq!(theirs, own);
    }
}
