//! `cargo xtask sim --existing`: the tests that were written for Tokio, each run under the simulator, and why some cannot be.
//!
//! It is done in a copy of the workspace under `target`, where each `#[tokio::test]` becomes a [`check`](rewrite::rewritten).

// A file of tests, written anew for the simulator.
mod rewrite;
// What became of each test.
mod outcome;
// The tests and their outcomes, as the page shows them.
mod page;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::cargo::Cargo;
use crate::workspace::File;
use crate::{Failure, Result, tree, workspace};

use outcome::Outcome;
use rewrite::{Body, rewritten};

/// The packages whose tests are taken, ...
const PACKAGES: &[&str] = &["genserver", "kv-core"];

/// ... and their test programs: folders of `tests` in one of these packages.
const PROGRAMS: &[&str] = &["supervision", "tasks", "servers", "processes", "messages", "registries", "store"];

/// How many runs each check does: enough to see whether a test can be simulated at all.
const RUNS: &str = "24";

/// How many at once: more than there are cores, because many of those that take too long only wait.
const AT_ONCE: u32 = 6;

/// How nextest runs them: a profile of `.config/nextest.toml`.
const PROFILE: &str = "simulated";

/// Runs all, and prints what becomes of them.
pub(super) fn run() -> Result {
    if !Cargo::line("nextest --version").works() {
        return Err(Failure::new("this needs nextest, which limits each test; get it from https://nexte.st"));
    }
    let files = workspace::files()?;
    let broken = compile(&files)?;
    let printed = nextest().printed()?;
    // With the whole message of each test, of which the page shows the beginning.
    tree::write(&workspace::target().join("existing/events.jsonl"), &printed)?;
    let outcomes = outcome::read(&printed)?;
    let tests = files.iter().filter_map(|file| Some((file, module(&file.path)?)));
    let bodies = |text: &str| rewritten(text, &BTreeSet::new()).1;
    let tests =
        tests.flat_map(|(file, module)| bodies(&file.text).into_iter().map(move |it| (file, module.clone(), it)));
    let judged = tests.map(|(file, module, body)| {
        let name = format!("{module}::{}", body.name);
        let is_broken = broken.get(&file.path).is_some_and(|names| names.contains(&body.name));
        let outcome = if is_broken { Outcome::DoesNotCompile } else { judge(outcomes.get(&name), &body) };
        (name, body, outcome)
    });
    println!("{}", page::page(&judged.collect::<Vec<_>>()));
    Ok(())
}

/// What became of a test. One that reads Tokio's clock fails because of that, whatever its message says.
fn judge(outcome: Option<&Outcome>, body: &Body) -> Outcome {
    match outcome {
        Some(Outcome::Fails(_)) if body.uses_tokios_time => Outcome::NeedsTokio,
        Some(outcome) => outcome.clone(),
        None => Outcome::Fails("it did not run".to_owned()),
    }
}

/// Where the copy lies.
fn root() -> PathBuf {
    workspace::target().join("existing/tree")
}

/// What the names of the tests in this file begin with, if it belongs to one of the programs: the program, and the modules within it.
fn module(path: &str) -> Option<String> {
    let (package, file) = path.strip_prefix("crates/")?.split_once("/tests/")?;
    let (program, _) = file.split_once('/')?;
    if !PACKAGES.contains(&package) || !PROGRAMS.contains(&program) {
        return None;
    }
    let module = file.strip_suffix(".rs")?.replace('/', "::");
    Some(module.strip_suffix("::main").unwrap_or(&module).to_owned())
}

/// By the file that they are in, the names of the tests that do not compile when they are written anew.
type Broken = BTreeMap<String, BTreeSet<String>>;

/// Makes the copy, with its tests written anew, and compiles it. Tests that do not compile are left as they were, and returned.
fn compile(files: &[File]) -> Result<Broken> {
    let mut broken = Broken::new();
    loop {
        tree::copy(&root(), &files.iter().map(|file| anew(file, &broken).0).collect::<Vec<_>>())?;
        let errors = outcome::errors(&line("test --no-run --message-format json").printed()?)?;
        if errors.is_empty() {
            return Ok(broken);
        }
        let mut found = 0;
        for (path, number) in &errors {
            let file = files.iter().find(|file| file.path == *path);
            let bodies = file.map(|file| anew(file, &broken).1).unwrap_or_default();
            if let Some(body) = bodies.into_iter().find(|body| body.lines.contains(number)) {
                found += usize::from(broken.entry(path.clone()).or_default().insert(body.name));
            }
        }
        if found == 0 {
            return Err(Failure::new(format!("the copy does not compile outside of the tests: {errors:?}")));
        }
    }
}

/// The file with its tests written anew, and those tests. Any other file stays as it is.
fn anew(file: &File, broken: &Broken) -> (File, Vec<Body>) {
    if module(&file.path).is_none() {
        return (file.clone(), Vec::new());
    }
    let (text, bodies) = rewritten(&file.text, broken.get(&file.path).unwrap_or(&BTreeSet::new()));
    (File::new(&file.path, text), bodies)
}

/// Cargo with these words on all programs of the copy.
fn line(words: &str) -> Cargo {
    let of = |option: &str, names: &[&str]| names.iter().flat_map(|&name| [option, name].map(str::to_owned)).collect();
    let (packages, programs): (Vec<String>, Vec<String>) = (of("--package", PACKAGES), of("--test", PROGRAMS));
    let manifest = root().join("Cargo.toml").to_string_lossy().into_owned();
    let line = Cargo::line(words).args(&packages).args(&programs);
    let line = line.args(&["--all-features".to_owned(), "--manifest-path".to_owned(), manifest]);
    // Its own place, so that it and the workspace do not compile each other's files anew.
    let target = workspace::target().join("existing/build");
    line.env("CARGO_TARGET_DIR", &target.to_string_lossy()).env("CARGO_INCREMENTAL", "0")
}

fn nextest() -> Cargo {
    let words = format!(
        "nextest run --no-fail-fast --test-threads {AT_ONCE} --profile {PROFILE} --message-format libtest-json"
    );
    let line = line(&words).env("NEXTEST_EXPERIMENTAL_LIBTEST_JSON", "1");
    line.env("GENSERVER_SIM_RUNS", RUNS).env("RUST_BACKTRACE", "0")
}

#[cfg(test)]
mod tests {
    //! Which files are taken.

    use super::*;

    #[test]
    fn the_tests_of_a_program_are_named_by_their_modules() {
        assert_eq!(module("crates/genserver/tests/tasks/agents.rs").as_deref(), Some("tasks::agents"));
        assert_eq!(module("crates/kv-core/tests/store/main.rs").as_deref(), Some("store"));
        assert_eq!(module("crates/genserver/tests/simulation/calls.rs"), None);
        assert_eq!(module("crates/zoo/tests/tasks/agents.rs"), None);
    }

    #[test]
    fn a_test_that_fails_and_reads_tokios_clock_needs_tokio() {
        let body =
            |uses_tokios_time| Body { name: "a".to_owned(), lines: 1..3, is_supervised: false, uses_tokios_time };
        let fails = Outcome::Fails("left: 165µs".to_owned());
        assert_eq!(judge(Some(&fails), &body(true)), Outcome::NeedsTokio);
        assert_eq!(judge(Some(&fails), &body(false)), fails);
        assert_eq!(judge(Some(&Outcome::Passes), &body(true)), Outcome::Passes);
    }
}
