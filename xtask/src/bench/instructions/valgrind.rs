//! Where valgrind is, how to get it, and what else a figure depends on.

use std::path::PathBuf;
use std::process::Command;

use crate::program::{self, Program};
use crate::{Failure, Result};

const VALGRIND: Program = Program { name: "valgrind", package: "valgrind" };

/// Why nothing can be counted on this machine, if that is so: the table is of one kind of machine.
pub(super) fn cannot_count_here() -> Option<String> {
    let here = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    (here != "x86_64-linux").then(|| format!("the table is of x86_64-linux, and this machine is {here}"))
}

/// Finds valgrind, or installs it: in a pipeline (`CI=true`), or if `install` says so.
pub(in crate::bench) fn find(install: bool) -> Result<PathBuf> {
    if let Some(reason) = cannot_count_here() {
        return Err(Failure::new(reason));
    }
    if install || program::is_pipeline() {
        return VALGRIND.find();
    }
    VALGRIND.on_the_path().ok_or_else(|| {
        Failure::new(
            "valgrind is missing, which counts the instructions. Debian and Ubuntu have it as the package `valgrind`:\n  \
             sudo apt-get install valgrind\nAs root on one of them, `cargo xtask bench --instructions --install` does that.",
        )
    })
}

/// What a figure depends on besides this repository: glibc, whose allocator and copies are counted with the rest, and valgrind.
pub(super) fn environment() -> Result<String> {
    let glibc = first_line("getconf", "GNU_LIBC_VERSION")?;
    let valgrind = first_line("valgrind", "--version")?.replace("valgrind-", "valgrind ");
    Ok(format!("{glibc}, {valgrind}"))
}

/// Today, as in `2026-01-31`.
pub(super) fn today() -> Result<String> {
    first_line("date", "+%F")
}

/// What the machine's processor is called.
pub(in crate::bench) fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    line.map_or("unknown", |(_, name)| name).to_owned()
}

fn first_line(program: &str, arg: &str) -> Result<String> {
    let output = Command::new(program).arg(arg).output();
    let output = output.map_err(|error| Failure::new(format!("`{program} {arg}` did not start: {error}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}
