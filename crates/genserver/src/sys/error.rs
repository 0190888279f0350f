//! Why a request of `sys` has no answer.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::node::process_ref::NotFound;
use crate::node::subject::Subject;
use crate::values::reason::{Panic, Reason};

/// Why a request of [`sys`](crate::sys) has no answer: one variant for each thing that can be done about it.
///
/// # Examples
///
/// ```
/// # use genserver::{Cx, GenServer, Init, Never};
/// # use genserver_doc::quiet::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use genserver::sys::{self, SysError};
///
/// let quiet = genserver::start::<Quiet>(()).await?;
/// let error = sys::statistics(&quiet).await.unwrap_err();
/// assert!(matches!(error, SysError::NoStatistics { .. }));
/// assert!(error.to_string().contains("statistics_on"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SysError {
    /// No answer came in time. The request is not withdrawn: the server does it when its callback is over.
    #[error(
        "{server} did not answer sys::{request} within {after:?}: a callback of it is busy, see `info`, and the request \
         stays queued; allow it more time with `timeout`"
    )]
    Timeout {
        /// Who was asked.
        server: Subject,
        /// For what: the function's name.
        request: &'static str,
        /// How long was waited.
        after: Duration,
    },
    /// There is no such process: it had ended before, or nobody has the name.
    #[error("{server} is not running, so sys::{request} was not done; start it, or look it up again")]
    NoProc {
        /// Who was asked.
        server: Subject,
        /// For what: the function's name.
        request: &'static str,
    },
    /// The server ended before it came to the request.
    #[error("{server} ended before it came to sys::{request}: {reason}; look it up again if it was restarted")]
    Exit {
        /// Who was asked.
        server: Subject,
        /// For what: the function's name.
        request: &'static str,
        /// Why it ended.
        reason: Reason,
    },
    /// A server asked for itself, and would have waited for its own callback to end.
    #[error("{server} used sys::{request} on itself; a callback has the state at hand, so use it directly")]
    CallingSelf {
        /// Who asked, and was asked.
        server: Subject,
        /// For what: the function's name.
        request: &'static str,
    },
    /// There is no server in the process: plain code holds it, or a function runs in it.
    #[error("there is no server in {server} that sys::{request} could ask; see `info` for what can be seen of it")]
    NoServer {
        /// Who was asked.
        server: Subject,
        /// For what: the function's name.
        request: &'static str,
    },
    /// The function that was sent to the server panicked there. The server lives on.
    #[error(
        "the function given to sys::{request} panicked in {server}: {}; the server lives on, so repair the function and \
         ask again",
        panic.message()
    )]
    CallbackFailed {
        /// Who was asked.
        server: Subject,
        /// For what: the function's name.
        request: &'static str,
        /// What the function's panic said.
        panic: Panic,
    },
    /// The server keeps no statistics.
    #[error("{server} keeps no statistics; switch them on with `sys::statistics_on` first")]
    NoStatistics {
        /// Who was asked.
        server: Subject,
    },
    /// The file for the log cannot be opened.
    #[error("the log of {server} cannot go to {}: {error}; choose a file that can be written", path.display())]
    File {
        /// Whose log it was to be.
        server: Subject,
        /// The file.
        path: PathBuf,
        /// What the system says of it.
        #[source]
        error: Arc<io::Error>,
    },
    /// The name belongs to a server of another type.
    #[error("{server} is a {found}, not a {wanted}; the name belongs to another server than you expect")]
    WrongServer {
        /// Who was asked.
        server: Subject,
        /// The type of the server that has the name.
        found: &'static str,
        /// The type that was asked for.
        wanted: &'static str,
    },
}

impl SysError {
    /// What it means for a request that its server was not found.
    pub(super) fn nobody(error: NotFound, request: &'static str) -> Self {
        match error {
            NotFound::WrongServer { server, found, wanted } => Self::WrongServer { server, found, wanted },
            NotFound::Nobody(server) => Self::NoProc { server, request },
        }
    }
}
