//! The command line of cargo-mutants, and how to get it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::options::Options;
use super::outcome::Tally;
use super::part::Part;
use super::{folder, tree_root};
use crate::cargo::Cargo;
use crate::{Failure, Result, tool, tree};

/// What is installed.
const PROGRAM: &str = "cargo-mutants";

/// How long a test of the process `Probe` waits for a message that does not come: less than a test may take.
const EXPECT_WITHIN_MS: &str = "5000";

/// No run of the tests takes so long, in seconds: each test has its own limit, in `.config/nextest.toml`.
const RUN_LIMIT: &str = "1200";

/// Compiles cargo-mutants if this workspace has not done so before, and says that nextest is needed.
pub(super) fn install_if_missing() -> Result {
    if !Cargo::line("nextest --version").works() {
        return Err(Failure::new("the mutants need nextest, which limits each test; get it from https://nexte.st"));
    }
    tool::installed(PROGRAM).map(drop)
}

/// One run: some mutants against some tests.
pub(super) struct Round<'a> {
    pub(super) part: &'a Part,
    /// What cargo calls the tests.
    pub(super) tests: &'a [&'a str],
    /// How nextest runs them: a profile of `.config/nextest.toml`.
    pub(super) profile: &'static str,
    /// Where it writes what became of them.
    pub(super) folder: PathBuf,
    /// The names of the mutants, if they are known.
    pub(super) only: Option<Vec<String>>,
}

impl Round<'_> {
    /// Tests the mutants, and reads what became of each.
    pub(super) fn run(&self, options: &Options) -> Result<Tally> {
        if self.folder.exists() {
            let removed = fs::remove_dir_all(&self.folder);
            removed.map_err(|error| Failure::new(format!("cannot remove {}: {error}", self.folder.display())))?;
        }
        tree::write(&self.folder.join(".part"), self.part.name)?;
        let programs = tool::installed(PROGRAM)?;
        let status = self.command(options, &programs).status();
        let status = status.map_err(|error| Failure::new(format!("cargo-mutants did not start: {error}")))?;
        match status.code() {
            // All caught; one survived; one took too long.
            Some(0 | 2 | 3) => Tally::read(&self.out()),
            Some(4) => Err(self.failure("the tests fail without any fault")),
            _ => Err(self.failure(&format!("cargo-mutants ended with {status}"))),
        }
    }

    fn failure(&self, what: &str) -> Failure {
        Failure::new(format!("{what}; see {}", self.out().join("log").display()))
    }

    fn out(&self) -> PathBuf {
        self.folder.join("mutants.out")
    }

    fn command(&self, options: &Options, programs: &Path) -> Command {
        let mut command = Command::new(programs.join(PROGRAM));
        command.args(self.args(options));
        command.env("CARGO_TARGET_DIR", folder().join("build")).env("GENSERVER_EXPECT_WITHIN_MS", EXPECT_WITHIN_MS);
        // Many tests panic on purpose, and a backtrace takes longer than all else in them.
        command.env("RUST_BACKTRACE", "0");
        command
    }

    fn args(&self, options: &Options) -> Vec<String> {
        let mut args =
            words("mutants --in-place --test-tool nextest --profile mutants --all-features --annotations none");
        args.extend(["--dir".to_owned(), shown(&tree_root()), "--output".to_owned(), shown(&self.folder)]);
        args.extend([
            "--timeout".to_owned(),
            RUN_LIMIT.to_owned(),
            "--package".to_owned(),
            self.part.package.to_owned(),
        ]);
        args.extend(self.tests.iter().map(|test| format!("--cargo-arg={test}")));
        args.push(format!("--cargo-test-arg=--profile={}", self.profile));
        if let Some(names) = &self.only {
            // Their files too: cargo-mutants takes some kinds of mutants whatever their names are.
            let files: BTreeSet<&str> = names.iter().filter_map(|name| name.split(':').next()).collect();
            args.extend(files.iter().map(|file| format!("--file={file}")));
            args.extend(names.iter().map(|name| format!("--re=^{}$", escaped(name))));
        } else {
            args.extend(self.part.globs().iter().map(|glob| format!("--file={glob}")));
            args.extend(selection(options));
        }
        args
    }
}

/// What the options choose of a part's mutants.
fn selection(options: &Options) -> Vec<String> {
    let mut args = Vec::new();
    if options.changed {
        args.push(format!("--in-diff={}", shown(&folder().join("changed.diff"))));
    }
    if let Some(shard) = &options.shard {
        // Every N-th, rather than the first N-th: a sample of all files.
        args.extend([format!("--shard={shard}"), "--sharding=round-robin".to_owned()]);
    }
    args
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A name as a regular expression that matches nothing else.
fn escaped(name: &str) -> String {
    let mut escaped = String::new();
    for c in name.chars() {
        // Not every mark: `\<` is the beginning of a word.
        if r"\.+*?()|[]{}^$&-~#".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    //! What is written on the command line.

    use super::*;

    fn args(only: Option<Vec<String>>, shard: Option<&str>, changed: bool) -> String {
        let part = Part::named("supervisor").expect("there is such a part");
        let round = Round { part, tests: part.rounds[0], profile: "mutants", folder: PathBuf::from("out"), only };
        let options = Options { parts: vec![part], shard: shard.map(str::to_owned), changed };
        round.args(&options).join(" ")
    }

    #[test]
    fn only_the_files_of_the_part_are_changed_and_only_its_tests_compiled() {
        let args = args(None, None, false);
        assert!(args.contains("--file=crates/genserver/src/supervisor.rs --file=crates/genserver/src/supervisor/**"));
        assert!(args.contains("--package genserver") && args.contains("--cargo-arg=--test=supervision"));
        assert!(
            args.contains("--profile mutants --all-features") && args.contains("--cargo-test-arg=--profile=mutants")
        );
        assert!(!args.contains("--shard") && !args.contains("--in-diff") && !args.contains("--re"));
    }

    #[test]
    fn a_sample_is_spread_over_all_files() {
        assert!(args(None, Some("0/8"), false).ends_with("--shard=0/8 --sharding=round-robin"));
        assert!(args(None, None, true).ends_with("mutants/changed.diff"));
    }

    #[test]
    fn survivors_are_chosen_by_their_names() {
        let names = ["a.rs:1:2: replace || with &&", "a.rs:3:4: replace <impl D for S<T>>::d with ()"];
        let args = args(Some(names.map(str::to_owned).to_vec()), Some("0/8"), true);
        let expected = [
            "--file=a.rs",
            r"--re=^a\.rs:1:2: replace \|\| with \&\&$",
            r"--re=^a\.rs:3:4: replace <impl D for S<T>>::d with \(\)$",
        ];
        assert!(args.ends_with(&expected.join(" ")), "{args}");
    }
}
