//! Why a call has no answer.

use std::time::Duration;

use crate::node;
use crate::node::find_error::FindError;
use crate::node::subject::Subject;
use crate::process::deadlock;
use crate::values::pid::Pid;
use crate::values::reason::Reason;

/// Why a call has no answer: one variant for each thing a caller can do about it.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// # genserver_doc::run! {
/// use genserver::CallError;
///
/// let counter = genserver::start::<Counter>(1).await?;
/// counter.stop().await?;
/// match counter.call(Call::Get).await {
///     Err(CallError::NoProc { server }) => println!("{server} has to be started again"),
///     other => panic!("{other:?}"),
/// }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// No answer came in time. The request is not withdrawn: the server may still carry it out.
    #[error(
        "{server} did not answer within {after:?}; it may still carry the request out: ask it again, or allow the call more time with `timeout`"
    )]
    Timeout {
        /// The server that was called.
        server: Subject,
        /// How long the caller waited.
        after: Duration,
    },
    /// There is no such process: it had ended before the call, or nobody has the name.
    #[error("{server} is not running, so the request was not carried out; start it, or look it up again")]
    #[doc(alias = "noproc")]
    NoProc {
        /// The server that was called.
        server: Subject,
    },
    /// The server ended before it answered.
    #[error("{server} ended before it answered: {reason}; whether it carried the request out is not known")]
    Exit {
        /// The server that was called.
        server: Subject,
        /// Why it ended.
        reason: Reason,
    },
    /// The server lives, but dropped the caller without an answer.
    #[error(
        "{server} dropped the caller without an answer; one of its callbacks forgets to reply, or gave up what was asked: look for its reports"
    )]
    NoReply {
        /// The server that was called.
        server: Subject,
    },
    /// The mailbox was full for as long as the call could wait. The request was not taken.
    #[error(
        "the mailbox of {server} stayed full for {after:?}, so the request was not taken; send less, or give it a larger mailbox"
    )]
    Overloaded {
        /// The server that was called.
        server: Subject,
        /// How long the caller waited for space.
        after: Duration,
    },
    /// A process called itself, and would have waited for ever.
    #[error("{server} called itself; a callback has the state at hand, so use it directly, or `cast` to itself")]
    #[doc(alias = "calling_self")]
    CallingSelf {
        /// The server that was called.
        server: Subject,
    },
    /// The call would have closed a cycle of processes that all wait for one another. The request is withdrawn, unless the
    /// server has begun with it.
    #[error(
        "{server} waits for this process, so the call would never be answered: {}; let one of them `cast`, or keep its `Caller` and answer later",
        deadlock::Arrows(cycle)
    )]
    Cycle {
        /// The server that was called.
        server: Subject,
        /// The cycle: the caller, the process that was called, and on to the one that waits for the caller.
        cycle: Vec<Subject>,
    },
    /// `call_blocking` was used on a thread that runs tasks, where the answer might never come.
    #[error(
        "{server} was called with `call_blocking` on a thread that runs tasks; use `call` and `.await` here, or a thread of its own"
    )]
    WouldBlock {
        /// The server that was called.
        server: Subject,
    },
    /// The name belongs to a server of another type.
    #[error("{server} is a {found}, not a {wanted}; the name belongs to another server than you expect")]
    WrongServer {
        /// The server that was called.
        server: Subject,
        /// The type of the server that has the name.
        found: &'static str,
        /// The type that was called.
        wanted: &'static str,
    },
}

impl CallError {
    /// The server that was called.
    pub fn server(&self) -> &Subject {
        match self {
            Self::Timeout { server, .. }
            | Self::NoProc { server }
            | Self::Exit { server, .. }
            | Self::NoReply { server }
            | Self::Overloaded { server, .. }
            | Self::CallingSelf { server }
            | Self::Cycle { server, .. }
            | Self::WouldBlock { server }
            | Self::WrongServer { server, .. } => server,
        }
    }

    /// A call to `server` that would have closed a cycle.
    pub(crate) fn cycle(server: Subject, cycle: &[Pid]) -> Self {
        let subject = |pid: &Pid| match node::find(*pid) {
            Some(process) => process.head().subject(),
            None => Subject::of(*pid),
        };
        Self::Cycle { server, cycle: cycle.iter().map(subject).collect() }
    }
}

impl From<FindError> for CallError {
    fn from(error: FindError) -> Self {
        match error {
            FindError::NoProc { server } => Self::NoProc { server },
            FindError::WrongServer { server, found, wanted } => Self::WrongServer { server, found, wanted },
        }
    }
}
