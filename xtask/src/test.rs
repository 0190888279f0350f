//! `cargo xtask test`: tests, doctests, and examples that run to their end.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cargo::Cargo;
use crate::workspace::{self, COMPILE_ONLY};
use crate::{Failure, Result, load};

/// The benchmarks crate drags in every library it compares with, and has nothing to test: its
/// results are numbers.
const WORKSPACE: &str = "--workspace --exclude benchmarks --all-features";

/// No example needs longer; one that does is stuck.
const EXAMPLE_LIMIT: Duration = Duration::from_secs(30);

/// Runs everything. With arguments it runs just the tests, and they go to the test runner, so that
/// `cargo xtask test gs_045` is quick. After `--under-load` too it runs just the tests.
pub(crate) fn run(args: &[String]) -> Result {
    if let Some((times, args)) = load::asked(args) {
        return load::run(&built(WORKSPACE).args(args), &tests(WORKSPACE).args(args), times);
    }
    let tests = tests(WORKSPACE);
    if !args.is_empty() {
        return tests.args(args).run();
    }
    tests.run()?;
    doctests(WORKSPACE).run()?;
    examples(&[])
}

/// For `ci`: all together, but the crates that are `whole` alone: it tries those by themselves anyhow.
pub(crate) fn run_in_ci(whole: &[String]) -> Result {
    let left_out = left_out(whole);
    tests(WORKSPACE).args(&left_out).run()?;
    // Of the same crates as the tests: with others, what they stand on is another build.
    doctests(WORKSPACE).args(&left_out).run()?;
    examples(&left_out)
}

/// The packages and features of the tests of [`run_in_ci`], for a gate that compiles some of them.
pub(crate) fn selection_in_ci(whole: &[String]) -> Vec<String> {
    let mut selection = words(WORKSPACE);
    selection.extend(left_out(whole));
    selection
}

fn left_out(whole: &[String]) -> Vec<String> {
    whole.iter().flat_map(|name| ["--exclude".to_owned(), name.clone()]).collect()
}

/// Unit and integration tests of a selection of packages and features: nextest where it is
/// installed, which runs them side by side and sums up in one line, else cargo's own runner.
pub(crate) fn tests(selection: &str) -> Cargo {
    if has_nextest() {
        Cargo::line("nextest run --no-tests pass --no-fail-fast").args(&words(selection))
    } else {
        Cargo::line("test --no-fail-fast --tests --examples").args(&words(selection)).watched()
    }
}

/// What compiles them and runs none.
fn built(selection: &str) -> Cargo {
    let line = if has_nextest() { "nextest run --no-run" } else { "test --no-run --tests --examples" };
    Cargo::line(line).args(&words(selection))
}

/// The same, compiled as a profile of the root manifest says.
pub(crate) fn tests_as(profile: &str, selection: &str) -> Cargo {
    if has_nextest() {
        Cargo::line("nextest run --no-fail-fast --cargo-profile").args(&words(&format!("{profile} {selection}")))
    } else {
        Cargo::line("test --no-fail-fast --profile").args(&words(&format!("{profile} {selection}"))).watched()
    }
}

fn has_nextest() -> bool {
    Cargo::line("nextest --version").works()
}

/// Doctests of a selection; nextest does not know them.
pub(crate) fn doctests(selection: &str) -> Cargo {
    Cargo::line("test --doc").args(&words(selection)).watched()
}

/// The words of a line.
pub(crate) fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// Compiles every example but those of the crates left out, and runs those that end by themselves.
fn examples(left_out: &[String]) -> Result {
    let build = "build --examples --message-format json-render-diagnostics";
    let messages = Cargo::line(build).args(&words(WORKSPACE)).args(left_out).read()?;
    messages.lines().filter_map(example).try_for_each(|example| example.run())
}

/// An example that was built.
struct Example {
    name: String,
    source: String,
    executable: String,
}

/// The example a line of cargo's messages tells of, if it does.
fn example(message: &str) -> Option<Example> {
    let message: Value = serde_json::from_str(message).ok()?;
    let target = &message["target"];
    let kinds = target["kind"].as_array()?;
    kinds.contains(&Value::from("example")).then_some(())?;
    Some(Example {
        name: target["name"].as_str()?.to_owned(),
        source: target["src_path"].as_str()?.to_owned(),
        executable: message["executable"].as_str()?.to_owned(),
    })
}

impl Example {
    /// Runs it without input; its output is its reader's business, what it complains of is ours.
    fn run(&self) -> Result {
        if workspace::is_compiled_only(Path::new(&self.source)) {
            return Ok(());
        }
        let mut command = Command::new(&self.executable);
        command.stdin(Stdio::null()).stdout(Stdio::null()).current_dir(workspace::root());
        let child = command.spawn().map_err(|error| self.failure(&format!("did not start: {error}")))?;
        self.wait(child)
    }

    #[expect(clippy::disallowed_methods, reason = "waits for a real process by the machine's clock")]
    fn wait(&self, mut child: Child) -> Result {
        let started = Instant::now();
        loop {
            let status = child.try_wait();
            match status.map_err(|error| self.failure(&format!("was lost: {error}")))? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(self.failure(&format!("ended with {status}"))),
                None if started.elapsed() > EXAMPLE_LIMIT => return Err(self.stuck(&mut child)),
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    fn stuck(&self, child: &mut Child) -> Failure {
        // If it ended in this very moment there is nothing left to end.
        let _ = child.kill();
        let _ = child.wait();
        let limit = EXAMPLE_LIMIT.as_secs();
        self.failure(&format!("was still running after {limit} s; make it end, or mark it with `{COMPILE_ONLY}`"))
    }

    fn failure(&self, what: &str) -> Failure {
        Failure::new(format!("the example `{}` ({}) {what}", self.name, self.source))
    }
}

#[cfg(test)]
mod tests {
    //! Facts about cargo's messages.

    use super::example;

    #[test]
    fn only_built_examples_are_run() {
        let built = r#"{"target":{"kind":["example"],"name":"a","src_path":"a.rs"},"executable":"a"}"#;
        assert!(example(built).is_some_and(|it| it.name == "a" && it.executable == "a"));
        assert!(example(&built.replace("[\"example\"]", "[\"bin\"]")).is_none());
        assert!(example(r#"{"reason":"build-finished","success":true}"#).is_none());
    }
}
