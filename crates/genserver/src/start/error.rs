//! Why a server did not start.

use std::time::Duration;

use crate::node::name::Name;
use crate::node::subject::Subject;
use crate::values::pid::Pid;
use crate::values::reason::Reason;

/// The error of a server, or a process of another kind, that did not start.
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
/// # struct Cache;
/// # impl GenServer for Cache {
/// # type Args = usize;
/// # type Call = Never;
/// # type Cast = Never;
/// # type Info = Never;
/// async fn init(capacity: usize, _cx: &mut Cx<Self>) -> Init<Self> {
///     match capacity {
///         0 => Init::Stop(Reason::term("a cache needs space")),
///         _ => Init::Run(Cache),
///     }
/// }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// match genserver::start::<Cache>(0).await {
///     Err(StartError::Failed { reason, .. }) => println!("not started: {reason}"),
///     other => panic!("{other:?}"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The thread is in no runtime, so the server has nothing to run on.
    #[error(
        "no runtime to start a process on: start it inside one, as an async main does, or in a node made with `Node::with_runtime`"
    )]
    NoRuntime,
    /// There is no process to link with: the caller is plain code, or the process has ended.
    #[error("start_link has to be called by a live process, which plain code is not: use `start`, or a `Probe`")]
    NotAProcess,
    /// A live process has the name. Init did not run.
    #[error("the name {name} belongs to process {pid}; use that one, stop it first, or choose another name")]
    AlreadyStarted {
        /// The name.
        name: Name,
        /// The process that has it.
        pid: Pid,
    },
    /// The registry refused the name. Init did not run.
    #[error("the registry refused the name {name}: {why}")]
    NameRefused {
        /// The name.
        name: Name,
        /// The registry's explanation.
        why: String,
    },
    /// Init returned [`Init::Ignore`](crate::Init::Ignore): the server has nothing to do, which is not a failure.
    #[error("init chose not to run ({server})")]
    Ignored {
        /// The server that did not start.
        server: Subject,
    },
    /// Init failed, stopped, or panicked.
    #[error("init of {server} failed: {reason}")]
    Failed {
        /// The process that did not start.
        server: Subject,
        /// Why.
        reason: Reason,
    },
    /// A process dropped its [`Ack`](crate::Ack) without using it, and was killed: see [`start_process`](crate::start_process).
    #[error("{server} dropped its `Ack` unused and was killed; have it call `ready` or `fail`")]
    NoAck {
        /// The process that did not start.
        server: Subject,
    },
    /// The code that makes the start panicked before there was a process, for example the function in a child specification.
    #[error("there is nothing to start, because the function that makes the start {reason}")]
    Panicked {
        /// The panic.
        reason: Reason,
    },
    /// Init did not finish in time; its process was killed.
    #[error("init of {server} did not end within {after:?} and was killed; allow it more time with `timeout`")]
    Timeout {
        /// The process that did not start.
        server: Subject,
        /// The time limit.
        after: Duration,
    },
}
