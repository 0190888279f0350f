//! Watching what a server does: traces, logs, statistics and hooks, switched on and off for one server.

use std::fs::File;
use std::path::PathBuf;

use super::request::Trouble;
use super::{Hook, Log, Statistics, SysEvent, SysRequest};
use crate::node::process_ref::AsProcess;
use crate::server::debug::{Counters, Debug, Ring};

/// How many events OTP's log keeps by default.
pub const LOG_LENGTH: usize = 10;

/// Makes a request that switches something on or off.
fn switch<T: AsProcess>(
    server: &T,
    name: &'static str,
    turn: impl FnOnce(&mut Debug) + Send + 'static,
) -> SysRequest<()> {
    SysRequest::untyped(name, server, |inspected| {
        let debug = inspected.debug();
        turn(debug.get_or_insert_default());
        Debug::tidy(debug);
        Ok(())
    })
}

/// Switches the trace on or off: each event of the server is printed.
///
/// With the feature `tracing` an event is a `tracing` event of level `INFO` and target `genserver::sys`; without it, a line on
/// standard error. To get events as values, [`install`] a hook.
///
/// # Errors
///
/// Like every request.
pub fn trace<T: AsProcess>(server: &T, on: bool) -> SysRequest<()> {
    switch(server, "trace", move |debug| debug.trace = on)
}

/// Keeps the last `length` events of the server from now on; OTP's default is [`LOG_LENGTH`].
///
/// If a log is on already, it gets the new length and keeps its newest events. A `length` of 0 keeps none. The report of
/// a crash shows the log and, while it is on, the last message.
///
/// # Errors
///
/// Like every request.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// # genserver_doc::run! {
/// use genserver::sys;
///
/// let counter = genserver::start::<Counter>(1).await?;
/// sys::log(&counter, 1).await?;
/// counter.cast(Add(1))?;
/// counter.call(Call::Get).await?;
/// assert_eq!(sys::get_log(&counter).await?.events, [sys::SysEvent::Out], "the last one");
/// # }
/// ```
pub fn log<T: AsProcess>(server: &T, length: usize) -> SysRequest<()> {
    switch(server, "log", move |debug| debug.log.get_or_insert_with(Ring::new).resize(length))
}

/// Returns the events that the log has kept. It is empty if the log is off.
///
/// # Errors
///
/// Like every request.
pub fn get_log<T: AsProcess>(server: &T) -> SysRequest<Log> {
    SysRequest::untyped("get_log", server, |inspected| {
        let process = inspected.head().title();
        let debug = inspected.debug().as_ref();
        let events = debug.and_then(|debug| debug.log.as_ref()).map(|log| log.events.iter().cloned().collect());
        Ok(Log { process, events: events.unwrap_or_default() })
    })
}

/// Switches the log off, and forgets the events that it has kept.
///
/// # Errors
///
/// Like every request.
pub fn log_off<T: AsProcess>(server: &T) -> SysRequest<()> {
    switch(server, "log_off", |debug| debug.log = None)
}

/// Writes each event as a line to the file at `path` from now on. The file is created or truncated.
///
/// The server itself opens and writes the file, and waits for the disk, so use this only for debugging. If a line cannot be
/// written, the log to the file ends.
///
/// # Errors
///
/// [`SysError::File`](super::SysError::File) if the file cannot be opened; otherwise like every request.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// # genserver_doc::run! {
/// use genserver::sys;
///
/// let path = std::env::temp_dir().join(format!("genserver-{}.log", std::process::id()));
/// let counter = genserver::start::<Counter>(1).await?;
/// sys::log_to_file(&counter, &path).await?;
/// counter.call(Call::Get).await?;
/// sys::log_to_file_off(&counter).await?;
/// assert_eq!(std::fs::read_to_string(&path)?.lines().count(), 2);
/// # std::fs::remove_file(&path)?;
/// # }
/// ```
pub fn log_to_file<T: AsProcess>(server: &T, path: impl Into<PathBuf>) -> SysRequest<()> {
    let path = path.into();
    SysRequest::untyped("log_to_file", server, |inspected| match File::create(&path) {
        Ok(file) => {
            inspected.debug().get_or_insert_default().file = Some(Box::new(file));
            Ok(())
        }
        Err(error) => Err(Trouble::File(path, error)),
    })
}

/// Stops writing events to a file, and closes it.
///
/// # Errors
///
/// Like every request.
pub fn log_to_file_off<T: AsProcess>(server: &T) -> SysRequest<()> {
    switch(server, "log_to_file_off", |debug| debug.file = None)
}

/// Starts counting messages, from zero. If counting is on already, it goes on.
///
/// # Errors
///
/// Like every request.
pub fn statistics_on<T: AsProcess>(server: &T) -> SysRequest<()> {
    SysRequest::untyped("statistics_on", server, |inspected| {
        let since = inspected.head().home.runtime().now();
        let counters = || Counters { since, messages_in: 0, messages_out: 0 };
        inspected.debug().get_or_insert_default().counters.get_or_insert_with(counters);
        Ok(())
    })
}

/// Returns the counts since [`statistics_on`].
///
/// # Errors
///
/// [`SysError::NoStatistics`](super::SysError::NoStatistics) if counting is off; otherwise like every request.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// # genserver_doc::run! {
/// use genserver::sys;
///
/// let counter = genserver::start::<Counter>(1).await?;
/// sys::statistics_on(&counter).await?;
/// counter.call(Call::Get).await?;
/// let counted = sys::statistics(&counter).await?;
/// assert_eq!((counted.messages_in, counted.messages_out), (1, 1));
/// # }
/// ```
pub fn statistics<T: AsProcess>(server: &T) -> SysRequest<Statistics> {
    SysRequest::untyped("statistics", server, |inspected| {
        let now = inspected.head().home.runtime().now();
        let debug = inspected.debug().as_ref();
        let counters = debug.and_then(|debug| debug.counters.as_ref()).ok_or(Trouble::NoStatistics)?;
        let Counters { since, messages_in, messages_out } = *counters;
        Ok(Statistics { since, now, messages_in, messages_out })
    })
}

/// Stops counting, and forgets the counts.
///
/// # Errors
///
/// Like every request.
pub fn statistics_off<T: AsProcess>(server: &T) -> SysRequest<()> {
    switch(server, "statistics_off", |debug| debug.counters = None)
}

/// Calls `hook` with each event of the server, in the server, until it is removed.
///
/// If there is a hook under `id` already, that one stays and this one is dropped. A hook that returns [`Hook::Done`] or
/// panics is removed; the server is not affected. It must not block.
///
/// # Errors
///
/// Like every request.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// # genserver_doc::run! {
/// use genserver::sys::{self, SysEvent, Hook};
///
/// let counter = genserver::start::<Counter>(1).await?;
/// let (seen, events) = std::sync::mpsc::channel();
/// sys::install(&counter, "watch", move |event| match seen.send(event.clone()) {
///     Ok(()) => Hook::Keep,
///     Err(_) => Hook::Done,
/// })
/// .await?;
///
/// counter.call(Call::Get).await?;
/// assert!(matches!(events.recv()?, SysEvent::In { .. }));
/// assert_eq!(events.recv()?, SysEvent::Out);
/// # }
/// ```
pub fn install<T, F>(server: &T, id: impl Into<String>, hook: F) -> SysRequest<()>
where
    T: AsProcess,
    F: FnMut(&SysEvent) -> Hook + Send + 'static,
{
    let id = id.into();
    switch(server, "install", move |debug| debug.install(id, Box::new(hook)))
}

/// Removes the hook that was installed under `id`. If there is none, nothing happens.
///
/// # Errors
///
/// Like every request.
pub fn remove<T: AsProcess>(server: &T, id: impl Into<String>) -> SysRequest<()> {
    let id = id.into();
    switch(server, "remove", move |debug| debug.hooks.retain(|(installed, _)| *installed != id))
}

/// Switches everything off: trace, log, file, statistics and hooks.
///
/// # Errors
///
/// Like every request.
pub fn no_debug<T: AsProcess>(server: &T) -> SysRequest<()> {
    switch(server, "no_debug", |debug| *debug = Debug::default())
}
