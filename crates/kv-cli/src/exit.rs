//! The exit codes of `kv`, and its error messages.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kv_server::prompt::visible;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::register_conditional_shutdown;

/// The exit codes; `kv --help` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    /// There is no such bucket or key, or the key does not have what was expected.
    NotFound = 1,
    Usage = 2,
    Server = 3,
    Connect = 4,
    /// What was to be read is not as it should be, from sysexits.h.
    Damaged = 65,
    /// A file could not be read or written, from sysexits.h.
    Io = 74,
    /// It may work later, from sysexits.h.
    InUse = 75,
    /// The server does not let this client in, from sysexits.h.
    Denied = 77,
    /// A configuration error in sysexits.h: a supervisor need not try again.
    Refused = 78,
    /// The same as the program `timeout`.
    Late = 124,
    /// What shells say of a program that Ctrl-C has ended.
    Interrupted = 130,
}

/// A failure that ends the program.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    /// What went wrong and what to do. None if it has been said, or if the reader of the output is gone.
    message: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Display) -> Self {
        Self { exit, message: Some(message.to_string()) }
    }

    /// The same exit code, when the message has been printed.
    pub(crate) fn said(&self) -> Self {
        Self { exit: self.exit, message: None }
    }

    /// Puts where it happened before the message.
    pub(crate) fn at(mut self, place: impl Display) -> Self {
        self.message = self.message.map(|message| format!("{place}: {message}"));
        self
    }

    /// Puts what to do behind the message.
    pub(crate) fn or(mut self, what: &str) -> Self {
        self.message = self.message.map(|message| format!("{message}; {what}"));
        self
    }

    /// Prints the message.
    pub(crate) fn say(&self) {
        const RED: &str = "\x1b[31m";
        if let Some(message) = &self.message {
            print(RED, message);
        }
    }

    /// Prints the message, and returns the program's exit code.
    pub(crate) fn report(self) -> ExitCode {
        self.say();
        ExitCode::from(self.exit as u8)
    }
}

/// If the reader of our output is gone, it has what it wanted: that is a success without a message. Other errors of the
/// output are errors like any other.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { exit: Exit::Done, message: None };
        }
        Self::new(Exit::Server, format_args!("what was answered could not be printed: {error}"))
    }
}

/// Lets the next Ctrl-C or SIGTERM end the program at once, with [`Exit::Interrupted`]. It ends within the signal's handler, whatever
/// the runtime and its threads are doing, and drops nothing: what was answered is as safe as if the program had been killed.
///
/// Not SIGHUP, which systems and shells send as well when they have sent another signal.
pub(crate) fn end_at_next_signal() {
    let is_armed = Arc::new(AtomicBool::new(true));
    for signal in [SIGTERM, SIGINT] {
        // If the system does not allow it, the program ends in its own time.
        drop(register_conditional_shutdown(signal, Exit::Interrupted as i32, Arc::clone(&is_armed)));
    }
}

/// Prints something for the person at the terminal that is not part of an answer.
pub(crate) fn say(message: impl Display) {
    const GREY: &str = "\x1b[90m";
    print(GREY, message);
}

fn print(colour: &str, message: impl Display) {
    const PLAIN: &str = "\x1b[0m";
    // If standard error is closed, there is nowhere to report that.
    let message = visible(message.to_string().as_bytes());
    let _ = writeln!(anstream::stderr(), "{colour}kv:{PLAIN} {message}");
}
