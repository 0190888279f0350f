//! The debug options with which a server starts.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Instant;

use super::event::{Hook, SysEvent};
use super::{Counters, Debug, HookFn, Ring};

/// The debug options of a server from its start: OTP's start option `debug`.
///
/// Passed to [`Start::debug`](crate::Start::debug), they see everything that the server does after its init, beginning with the
/// info of [`Init::RunThen`](crate::Init::RunThen). The functions of [`sys`](crate::sys) can switch everything off later, and on
/// again.
///
/// OTP reports an invalid option and starts the server without any. Here no option can be invalid, and a
/// file that cannot be opened is an error where the options are made.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// # genserver_doc::run! {
/// use genserver::sys::{self, DebugOptions};
///
/// let debug = DebugOptions::new().log(10).statistics();
/// let counter = genserver::start::<Counter>(1).debug(debug).await?;
/// counter.call(Call::Get).await?;
/// assert_eq!(sys::get_log(&counter).await?.events.len(), 2);
/// assert_eq!(sys::statistics(&counter).await?.messages_in, 1);
/// # }
/// ```
#[doc(alias = "debug_options")]
#[must_use = "nothing is switched on until these are given to a start"]
#[derive(Default)]
pub struct DebugOptions {
    debug: Debug,
    counts: bool,
}

impl DebugOptions {
    /// Makes options with nothing switched on.
    pub fn new() -> Self {
        Self::default()
    }

    /// Prints each event: see [`trace`](crate::sys::trace).
    pub fn trace(mut self) -> Self {
        self.debug.trace = true;
        self
    }

    /// Keeps the last `length` events: see [`log`](fn@crate::sys::log). OTP's default is [`LOG_LENGTH`](crate::sys::LOG_LENGTH).
    pub fn log(mut self, length: usize) -> Self {
        self.debug.log.get_or_insert_with(Ring::new).resize(length);
        self
    }

    /// Writes each event to the file at `path`, which is created or truncated: see [`log_to_file`](crate::sys::log_to_file).
    ///
    /// # Errors
    ///
    /// The system's error if the file cannot be opened.
    pub fn log_to_file(mut self, path: impl AsRef<Path>) -> io::Result<Self> {
        self.debug.file = Some(Box::new(File::create(path)?));
        Ok(self)
    }

    /// Counts messages: see [`statistics`](crate::sys::statistics).
    pub fn statistics(mut self) -> Self {
        self.counts = true;
        self
    }

    /// Calls `hook` with each event: see [`install`](crate::sys::install). If two hooks have the same id, the first one stays.
    pub fn install(mut self, id: impl Into<String>, hook: impl FnMut(&SysEvent) -> Hook + Send + 'static) -> Self {
        self.debug.install(id.into(), Box::new(hook) as Box<HookFn>);
        self
    }

    /// Turns the options into the debug state of a server. Counts begin now.
    pub(crate) fn begin(self, now: Instant) -> Option<Box<Debug>> {
        let mut debug = self.debug;
        if self.counts {
            debug.counters = Some(Counters { since: now, messages_in: 0, messages_out: 0 });
        }
        let mut debug = Some(Box::new(debug));
        Debug::tidy(&mut debug);
        debug
    }
}

impl fmt::Debug for DebugOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DebugOptions").finish_non_exhaustive()
    }
}
