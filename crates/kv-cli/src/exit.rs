//! How `kv` ends: its exit codes, and what it says when something went wrong.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

/// The exit codes; `kv --help` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    NotFound = 1,
    Usage = 2,
    Server = 3,
    Connect = 4,
    /// As of the program `timeout`.
    Late = 124,
    /// What sysexits.h calls a configuration error: a supervisor need not try again.
    Refused = 78,
}

/// An end before everything was done.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    /// What went wrong and what to do; nothing when nobody is there to read it.
    message: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Display) -> Self {
        Self { exit, message: Some(message.to_string()) }
    }

    /// Says what went wrong.
    pub(crate) fn say(&self) {
        const RED: &str = "\x1b[31m";
        if let Some(message) = &self.message {
            print(RED, message);
        }
    }

    /// Says what went wrong, and becomes the program's exit code.
    pub(crate) fn report(self) -> ExitCode {
        self.say();
        ExitCode::from(self.exit as u8)
    }
}

/// The reader of our output is gone: it has what it wanted, so that is a success, and no message.
/// Everything else that can happen to output is an error like any other.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { exit: Exit::Done, message: None };
        }
        Self::new(Exit::Server, format_args!("what was answered could not be printed: {error}"))
    }
}

/// Tells the person at the terminal something that is not part of an answer.
pub(crate) fn say(message: impl Display) {
    const GREY: &str = "\x1b[90m";
    print(GREY, message);
}

fn print(colour: &str, message: impl Display) {
    const PLAIN: &str = "\x1b[0m";
    // Where nobody hears it, nobody can be told that either.
    let _ = writeln!(anstream::stderr(), "{colour}kv:{PLAIN} {message}");
}
