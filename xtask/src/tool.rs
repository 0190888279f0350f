//! Programs of others that a verb needs, and that cargo can compile: compiled once into the target folder.

use std::path::PathBuf;

use crate::cargo::Cargo;
use crate::{Result, workspace};

/// Returns the folder that has this program, after compiling it if it was not there.
pub(crate) fn installed(program: &str) -> Result<PathBuf> {
    let home = workspace::target().join("tools");
    let programs = home.join("bin");
    if !programs.join(program).exists() {
        let home = home.to_string_lossy().into_owned();
        Cargo::line(&format!("install --locked {program} --root")).args(&[home]).run()?;
    }
    Ok(programs)
}
