//! The error of a `sys` request.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::node::find_error::FindError;
use crate::node::subject::Subject;
use crate::values::reason::{Panic, Reason};

/// The error of a request of [`sys`](crate::sys): one variant for each thing that can be done about it.
///
/// # Examples
///
/// ```
/// # use genserver::{Cx, GenServer, Init, Never};
/// # use genserver_doc::quiet::*;
/// # genserver_doc::run! {
/// use genserver::sys::{self, SysError};
///
/// let quiet = genserver::start::<Quiet>(()).await?;
/// let error = sys::statistics(&quiet).await.unwrap_err();
/// assert!(matches!(error, SysError::NoStatistics { .. }));
/// assert!(error.to_string().contains("statistics_on"));
/// # }
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SysError {
    /// No answer came in time. The request is not withdrawn: the server handles it when its callback returns.
    #[error(
        "{server} did not answer sys::{request} within {after:?}: one of its callbacks is busy (see `info`), and the request \
         stays queued; allow it more time with `timeout`"
    )]
    Timeout {
        /// The server that was asked.
        server: Subject,
        /// The name of the function that asked.
        request: &'static str,
        /// The time limit.
        after: Duration,
    },
    /// There is no such process: it had ended before, or the name is not registered.
    #[error("{server} is not running, so sys::{request} failed; start it, or look it up again")]
    NoProc {
        /// The server that was asked.
        server: Subject,
        /// The name of the function that asked.
        request: &'static str,
    },
    /// The server ended before it handled the request.
    #[error("{server} ended before it handled sys::{request}: {reason}; look it up again if it was restarted")]
    Exit {
        /// The server that was asked.
        server: Subject,
        /// The name of the function that asked.
        request: &'static str,
        /// Why it ended.
        reason: Reason,
    },
    /// A server asked itself, and would have waited for its own callback to end.
    #[error("{server} used sys::{request} on itself; a callback has the state at hand, so use it directly")]
    CallingSelf {
        /// The server that asked itself.
        server: Subject,
        /// The name of the function that asked.
        request: &'static str,
    },
    /// The process runs no server: plain code holds it, or a function runs in it.
    #[error("{server} runs no server, which sys::{request} needs; use `info` to inspect it")]
    NoServer {
        /// The process that was asked.
        server: Subject,
        /// The name of the function that asked.
        request: &'static str,
    },
    /// The function that was sent to the server panicked there. The server lives on.
    #[error(
        "the function given to sys::{request} panicked in {server}: {}; the server lives on, so repair the function and \
         ask again",
        panic.message()
    )]
    CallbackFailed {
        /// The server that was asked.
        server: Subject,
        /// The name of the function that asked.
        request: &'static str,
        /// The panic of the function.
        panic: Panic,
    },
    /// The server does not count messages.
    #[error("{server} keeps no statistics; switch them on with `sys::statistics_on` first")]
    NoStatistics {
        /// The server that was asked.
        server: Subject,
    },
    /// The file for the log could not be opened.
    #[error("the log of {server} cannot go to {}: {error}; choose a file that can be written", path.display())]
    File {
        /// The server that was to write the log.
        server: Subject,
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        error: Arc<io::Error>,
    },
    /// The name belongs to a server of another type.
    #[error("{server} is a {found}, not a {wanted}; the name belongs to another server than you expect")]
    WrongServer {
        /// The server that was asked.
        server: Subject,
        /// The type of the server that has the name.
        found: &'static str,
        /// The type that was requested.
        wanted: &'static str,
    },
}

impl SysError {
    /// The error of a request whose server was not found.
    pub(super) fn nobody(error: FindError, request: &'static str) -> Self {
        match error {
            FindError::WrongServer { server, found, wanted } => Self::WrongServer { server, found, wanted },
            FindError::NoProc { server } => Self::NoProc { server, request },
        }
    }
}
