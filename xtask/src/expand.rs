//! `cargo xtask expand`: a source file in which every `#[genserver::server]` is replaced by what it stands for.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::cargo::Cargo;
use crate::workspace;
use crate::{Failure, Result};

/// Prints the file that is asked for.
pub(crate) fn run(args: &[String]) -> Result {
    let [file] = args else {
        return Err(Failure::new(
            "which file? `cargo xtask expand FILE` prints it as one would have written it by hand",
        ));
    };
    // Cargo runs at the root of the workspace, and not where the name was typed.
    let file = std::path::absolute(file).map_err(|error| Failure::new(format!("{file}: {error}")))?;
    let example = Cargo::line("run --quiet --package genserver-macros --example expand --");
    let expanded = example.args(&[file.display().to_string()]).read()?;
    print!("{}", formatted(&expanded)?);
    Ok(())
}

/// The source as rustfmt writes it, by the rules of this workspace.
fn formatted(source: &str) -> Result<String> {
    let failed = |error: std::io::Error| Failure::new(format!("rustfmt: {error}"));
    let mut command = Command::new("rustfmt");
    command.args(["--edition", "2024", "--emit", "stdout", "--config-path"]).arg(workspace::root());
    let mut rustfmt = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
    // It reads all of its input before it writes anything, so neither pipe can be full while the other is waited for.
    if let Some(mut input) = rustfmt.stdin.take() {
        input.write_all(source.as_bytes()).map_err(failed)?;
    }
    let output = rustfmt.wait_with_output().map_err(failed)?;
    if !output.status.success() {
        return Err(Failure::new("rustfmt does not understand what was written; see its words above"));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
