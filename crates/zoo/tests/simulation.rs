//! Each bug hides in the usual order of events and is found in others, and the mended programs pass.

use genserver::sim::{self, Check, Search};
use zoo::{BUGS, Bug, Version};

/// Those that need one actor to be held back while another goes on.
const DEEP: [&str; 3] = ["silent_lag", "stalled_holder", "version_wraps"];

fn is_deep(bug: &Bug) -> bool {
    DEEP.contains(&bug.name)
}

/// Fails if the bug is not found.
fn assert_found(bug: &Bug, check: Check) {
    let passed = check.run(async |sim| (bug.scenario)(sim, Version::Broken).await);
    assert!(passed.is_err(), "{} was not found in {:?}", bug.name, passed.map(|passed| passed.runs()));
}

/// So other tests of these programs would pass.
#[test]
fn no_bug_shows_in_the_usual_order() {
    for bug in BUGS {
        sim::replay("0/", async |sim| (bug.scenario)(sim, Version::Broken).await);
    }
}

/// The bar is 2,000 runs. Those that are not deep are found in a third of it, and the deep ones by priorities alone in half of it:
/// `cargo xtask zoo` has the figures of the others.
#[test]
fn each_bug_is_found() {
    for bug in BUGS {
        let check = Check::new().base(0);
        let check = if is_deep(bug) { check.runs(1_000).search(Search::Priorities) } else { check.runs(600) };
        assert_found(bug, check);
    }
}

/// As often as the environment says. `cargo xtask sim` says 20,000 times.
#[test]
fn no_mended_program_fails() {
    for bug in BUGS {
        let check = Check::new();
        let few = if is_deep(bug) { 64 } else { 128 };
        let check = if std::env::var_os("GENSERVER_SIM_RUNS").is_some() { check } else { check.runs(few) };
        let passed = check.run(async |sim| (bug.scenario)(sim, Version::Mended).await);
        assert!(passed.is_ok(), "{}: {passed:?}", bug.name);
    }
}

/// Every run with fewer faults and unusual choices is tried. There are many if three or four of them are needed: those are left to
/// `cargo xtask sim`.
#[test]
fn no_smaller_run_fails_than_the_one_that_is_written_down() {
    let most = if std::env::var_os("GENSERVER_SIM_RUNS").is_some() { 4 } else { 2 };
    for bug in BUGS {
        let least = bug.minimum.faults + bug.minimum.choices;
        if least > most {
            continue;
        }
        let check = Check::new().base(0).runs(u64::MAX).search(Search::Bounded(least - 1));
        assert!(check.run(async |sim| (bug.scenario)(sim, Version::Broken).await).is_ok(), "{} needs less", bug.name);
        assert_found(bug, Check::new().base(0).runs(u64::MAX).search(Search::Bounded(least)));
    }
}
