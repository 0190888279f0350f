//! One command line of cargo: printed as one would type it, run, or read.

use std::ffi::OsString;
use std::fmt;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Failure, Result, watch, workspace};

/// Whether the compiler writes nothing down for the next time, or for a debugger.
static ONCE: AtomicBool = AtomicBool::new(false);

/// What that is to cargo. A quarter of the time that the tests take to compile goes into the lines of backtraces.
const WRITE_NOTHING_DOWN: &[(&str, &str)] =
    &[("CARGO_INCREMENTAL", "0"), ("CARGO_PROFILE_DEV_DEBUG", "0"), ("CARGO_PROFILE_MODELS_DEBUG", "0")];

/// From now on the compiler writes nothing down that would make the next time quicker, and nothing for a debugger, unless the user
/// has decided it.
pub(crate) fn compile_once() {
    ONCE.store(true, Ordering::Relaxed);
}

/// A cargo command that has not run yet.
///
/// Written as one types it, `Cargo::line("fmt --all --check")`, so that a message about it can be
/// pasted into a terminal.
#[derive(Debug, Clone)]
pub(crate) struct Cargo {
    args: Vec<String>,
    env: Vec<(String, String)>,
    /// Whether a test program that makes no progress is ended.
    watched: bool,
}

impl Cargo {
    /// The arguments after `cargo`, separated by blanks.
    pub(crate) fn line(line: &str) -> Self {
        Self { args: line.split_whitespace().map(str::to_owned).collect(), env: Vec::new(), watched: false }
    }

    /// With these arguments after the others, taken as they are.
    pub(crate) fn args(mut self, args: &[String]) -> Self {
        self.args.extend_from_slice(args);
        self
    }

    /// With this environment variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a limit for every program that it runs: see [`watch`].
    pub(crate) fn watched(mut self) -> Self {
        self.watched = true;
        self
    }

    /// Runs it, showing its output as it comes.
    pub(crate) fn run(&self) -> Result {
        let status = self.command().status();
        let status = status.map_err(|error| self.failure(&format!("did not start: {error}")))?;
        if status.success() { Ok(()) } else { Err(self.failure("failed")) }
    }

    /// Runs it and returns what it printed to stdout.
    pub(crate) fn read(&self) -> Result<String> {
        let output = self.output()?;
        if !output.status.success() {
            return Err(self.failure("failed"));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs it and returns what it printed to stdout, also if it fails: its lines say what failed.
    pub(crate) fn printed(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.output()?.stdout).into_owned())
    }

    /// Runs it and returns what it printed to stdout if it fails, and nothing if it succeeds; shows nothing.
    pub(crate) fn failure_text(&self) -> Result<Option<String>> {
        let output = self.command().stderr(Stdio::null()).output();
        let output = output.map_err(|error| self.failure(&format!("did not start: {error}")))?;
        let failed = !output.status.success();
        Ok(failed.then(|| String::from_utf8_lossy(&output.stdout).into_owned()))
    }

    fn output(&self) -> Result<Output> {
        let output = self.command().stderr(Stdio::inherit()).output();
        output.map_err(|error| self.failure(&format!("did not start: {error}")))
    }

    /// Whether it runs and succeeds; shows nothing.
    pub(crate) fn works(&self) -> bool {
        let status = self.command().stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }

    fn command(&self) -> Command {
        // Inside `cargo xtask`, `CARGO` is the very cargo that runs us; another might be of another
        // toolchain.
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut command = Command::new(cargo);
        if self.watched {
            // Without a path to this very program, which the system may not know, the programs run without a limit.
            command.args(watch::runner().into_iter().flatten());
        }
        command.args(&self.args).envs(self.env.iter().cloned());
        command.current_dir(workspace::root()).stdin(Stdio::null());
        if ONCE.load(Ordering::Relaxed) {
            command.envs(WRITE_NOTHING_DOWN.iter().copied().filter(|(name, _)| std::env::var_os(name).is_none()));
        }
        command
    }

    fn failure(&self, what: &str) -> Failure {
        Failure::new(format!("`{self}` {what}"))
    }
}

impl fmt::Display for Cargo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.env {
            write!(f, "{name}={value:?} ")?;
        }
        write!(f, "cargo {}", self.args.join(" "))
    }
}

#[cfg(test)]
mod tests {
    //! Facts about command lines.

    use super::*;

    #[test]
    fn a_line_is_shown_as_one_types_it() {
        let line = Cargo::line("doc --no-deps").env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(line.to_string(), r#"RUSTDOCFLAGS="-D warnings" cargo doc --no-deps"#);
    }

    #[test]
    fn a_failing_line_is_named() {
        let failure = Cargo::line("no-such-verb").read().expect_err("cargo has no such verb");
        assert_eq!(failure.to_string(), "`cargo no-such-verb` failed");
    }
}
