//! Everything that reads bytes from outside, under bytes that nobody would send.
//!
//! A target is a function that takes any bytes, and panics if what it reads them with breaks a promise. `cargo xtask fuzz` lets
//! libFuzzer look for such bytes. What it has found on its way lies in the folder `corpus`, and a test gives that to each target
//! again, with random changes.
//!
//! To repeat what a fuzzer has found, in a build for a debugger:
//!
//! ```text
//! cargo run -p fuzz --bin fuzz_lines -- PATH
//! ```

// Sessions, ...
mod sessions;
// ... which are sent lines, ...
mod lines;
// ... or requests of Redis's clients.
mod resp;
// The files of an event log.
mod log;
// A line that is being typed.
mod prompt;
// What was exported from a store.
mod import;
// The test that runs without a fuzzer, ...
#[cfg(test)]
mod corpus;
// ... and its numbers, which the tests of the crate have too.
#[cfg(test)]
#[path = "../../tests/support/random.rs"]
mod random;

use std::io;

/// A reader of bytes, and what it promises.
#[derive(Debug)]
pub struct Target {
    /// Its name: that of its folder in `corpus`, and behind `fuzz_` that of its program.
    pub name: &'static str,
    /// Reads these bytes.
    ///
    /// # Panics
    ///
    /// If a promise is broken.
    pub run: fn(&[u8]),
}

/// Every target. To add one, write its module, a row here, and its program in `fuzz_targets`.
pub const TARGETS: &[Target] = &[
    Target { name: "lines", run: lines::run },
    Target { name: "resp", run: resp::run },
    Target { name: "log", run: log::run },
    Target { name: "prompt", run: prompt::run },
    Target { name: "import", run: import::run },
];

/// The target of this name.
///
/// # Panics
///
/// If there is none.
pub fn find(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).expect("a program has the name of a target")
}

/// Gives the files that the program's arguments name to a target.
///
/// # Errors
///
/// What reading a file failed with.
pub fn run_files(name: &str) -> io::Result<()> {
    let target = find(name);
    std::env::args_os().skip(1).try_for_each(|path| std::fs::read(path).map(|bytes| (target.run)(&bytes)))
}
