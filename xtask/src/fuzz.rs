//! `cargo xtask fuzz`: gives what libFuzzer makes up to everything that reads bytes from outside.
//!
//! [cargo-fuzz](https://rust-fuzz.github.io/book/) compiles the targets of `crates/kv-server/fuzz`. What a run finds on its way stays in
//! `target/fuzz`, and is where the next one goes on. Bytes that break a promise are written there, and the verb fails.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Failure, Result, tool, workspace};

/// Where the targets are.
const PACKAGE: &str = "crates/kv-server/fuzz";

/// How long each target has if no argument says so, in seconds.
const SECONDS: u32 = 60;

/// What a person asks for.
#[derive(Debug, PartialEq)]
struct Asked {
    targets: Vec<String>,
    seconds: u32,
}

/// Runs the targets that the arguments name, or all.
pub(crate) fn run(args: &[String]) -> Result {
    let asked = asked(args, &targets()?)?;
    let programs = tool::installed("cargo-fuzz")?;
    asked.targets.iter().try_for_each(|target| fuzz(target, asked.seconds, &programs))
}

/// The targets: each has a folder in the corpus.
fn targets() -> Result<Vec<String>> {
    let corpus = workspace::root().join(PACKAGE).join("corpus");
    let failed = |error| Failure::new(format!("cannot read {}: {error}", corpus.display()));
    let entries = fs::read_dir(&corpus).and_then(Iterator::collect::<std::io::Result<Vec<_>>>).map_err(failed)?;
    let mut names: Vec<String> = entries.iter().map(|it| it.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}

fn asked(args: &[String], targets: &[String]) -> Result<Asked> {
    let (mut named, mut seconds) = (Vec::new(), SECONDS);
    for arg in args {
        if let Ok(number) = arg.parse() {
            seconds = number;
        } else if targets.contains(arg) {
            named.push(arg.clone());
        } else {
            let targets = targets.join(", ");
            return Err(Failure::new(format!(
                "`{arg}` is neither a number of seconds nor a target; the targets are {targets}"
            )));
        }
    }
    Ok(Asked { targets: if named.is_empty() { targets.to_vec() } else { named }, seconds })
}

fn fuzz(target: &str, seconds: u32, programs: &Path) -> Result {
    let home = workspace::target().join("fuzz");
    let found = home.join("corpus").join(target);
    fs::create_dir_all(&found).map_err(|error| Failure::new(format!("cannot make {}: {error}", found.display())))?;
    let status = command(target, seconds, programs, &home).status();
    let status = status.map_err(|error| Failure::new(format!("cargo-fuzz did not start: {error}")))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "the target {target} failed; the fuzzer has named the file with its bytes; run them again with\n  cargo run -p fuzz --bin \
         fuzz_{target} -- FILE"
    )))
}

fn command(target: &str, seconds: u32, programs: &Path, home: &Path) -> Command {
    let mut path = vec![programs.to_owned()];
    path.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect::<Vec<PathBuf>>());
    let mut command = Command::new("cargo");
    command.current_dir(workspace::root()).env("CARGO_TARGET_DIR", home.join("build"));
    command.env("PATH", std::env::join_paths(path).expect("they came from such a list"));
    // The code has no `unsafe`, and a sanitizer needs another toolchain.
    command.args(["fuzz", "run", "--sanitizer", "none", "--fuzz-dir", PACKAGE]).arg(format!("fuzz_{target}"));
    // The first folder takes what is found, and is read like the second.
    command.arg(home.join("corpus").join(target)).arg(Path::new(PACKAGE).join("corpus").join(target));
    // No input takes a second, or much memory. One that is longer finds nothing that a short one does not.
    command.args(["--", "-timeout=20", "-rss_limit_mb=1024", "-max_len=1024"]);
    command.arg(format!("-max_total_time={seconds}")).arg(format!("-artifact_prefix={}/{target}-", home.display()));
    command
}

#[cfg(test)]
mod tests {
    //! What the arguments ask for, and what is run for it.

    use super::*;

    fn asked_with(args: &[&str]) -> Result<Asked> {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        asked(&owned(args), &owned(&["lines", "log"]))
    }

    #[test]
    fn without_arguments_each_target_has_a_minute() {
        assert_eq!(asked_with(&[]).unwrap(), Asked { targets: vec!["lines".into(), "log".into()], seconds: 60 });
    }

    #[test]
    fn targets_and_seconds_can_be_chosen() {
        assert_eq!(asked_with(&["log", "3600"]).unwrap(), Asked { targets: vec!["log".into()], seconds: 3_600 });
        let failure = asked_with(&["lgo"]).expect_err("no such target").to_string();
        assert_eq!(failure, "`lgo` is neither a number of seconds nor a target; the targets are lines, log");
    }

    #[test]
    fn what_was_found_before_is_read_again() {
        let command = command("log", 5, Path::new("tools"), Path::new("home"));
        let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy()).collect();
        assert!(args.contains(&"home/corpus/log".into()) && args.contains(&"crates/kv-server/fuzz/corpus/log".into()));
        assert!(args.contains(&"-max_total_time=5".into()));
    }

    #[test]
    fn each_target_has_a_folder_in_the_corpus() {
        assert!(targets().unwrap().contains(&"lines".to_owned()));
    }
}
