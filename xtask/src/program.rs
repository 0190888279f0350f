//! A program of the system that a verb needs: where it is, and how it is installed.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::{Failure, Result};

/// A program, and the package of Debian and Ubuntu that has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) package: &'static str,
}

impl Program {
    /// Where it is on the path, if it is there.
    pub(crate) fn on_the_path(self) -> Option<PathBuf> {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join(self.name)).find(|file| file.is_file())
    }

    /// Where it is on the path, after it was installed if it was not there.
    pub(crate) fn find(self) -> Result<PathBuf> {
        if let Some(found) = self.on_the_path() {
            return Ok(found);
        }
        let Self { name, package } = self;
        println!("xtask: installing the package {package}, which has `{name}`");
        let advice = format!("install `{name}` by hand; Debian and Ubuntu have it as the package {package}");
        let install = ["install", "--quiet=2", "--yes", "--no-install-recommends", package];
        for args in [&["update", "--quiet=2"][..], &install] {
            run(Command::new("apt-get").args(args).env("DEBIAN_FRONTEND", "noninteractive"), &advice)?;
        }
        self.on_the_path().ok_or_else(|| Failure::new(advice))
    }
}

/// Whether nobody can be asked to install something, and nobody is surprised by it.
pub(crate) fn is_pipeline() -> bool {
    std::env::var("CI").is_ok_and(|ci| ci == "true")
}

/// Runs a program that gets something. If it fails, the advice says what to do instead.
pub(crate) fn run(command: &mut Command, advice: &str) -> Result {
    let status = command.stdin(Stdio::null()).status();
    let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy()).collect();
    let line = format!("{} {}", command.get_program().display(), args.join(" "));
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => {
            Err(Failure::new(format!("`{line}` ended with {status}; it may have to be run as root; {advice}")))
        }
        Err(error) => Err(Failure::new(format!("`{line}` did not start: {error}; {advice}"))),
    }
}

#[cfg(test)]
mod tests {
    //! What is there, and what fails.

    use super::*;

    #[test]
    fn a_program_that_is_there_is_found_and_nothing_is_installed() {
        let sh = Program { name: "sh", package: "there is no such package" };
        assert!(sh.find().is_ok_and(|sh| sh.ends_with("sh")));
        assert!(Program { name: "there is no such program", ..sh }.on_the_path().is_none());
    }

    #[test]
    fn a_failure_names_the_command_and_what_to_do() {
        let failure = run(Command::new("sh").args(["-c", "exit 3"]), "do it by hand").expect_err("it exits with 3");
        let text = failure.to_string();
        assert!(text.starts_with("`sh -c exit 3` ended with ") && text.ends_with("; do it by hand"), "{text}");
    }
}
