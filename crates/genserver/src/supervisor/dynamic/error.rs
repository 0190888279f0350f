//! The errors of a dynamic supervisor's functions.

use crate::{CallError, Pid, StartError};

/// The error of [`DynamicSupervisor::start_child`](super::DynamicSupervisor::start_child). In every case the supervisor has no
/// such child.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// use genserver::dynamic_supervisor::{DynamicSupervisor, StartChildError};
/// use genserver::supervisor::ChildSpec;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let rooms = DynamicSupervisor::new().max_children(100).start().await?;
/// let room = || ChildSpec::server("room", || genserver::start_link::<Counter>(7).name("lobby"));
/// for _ in 0..2 {
///     let lobby = match rooms.start_child(room()).await {
///         Ok(opened) => opened.process_ref(),
///         Err(StartChildError::AlreadyStarted { .. }) => genserver::whereis("lobby").ok_or("it was open a moment ago")?,
///         Err(full @ StartChildError::MaxChildren { .. }) => return Err(format!("come back later: {full}").into()),
///         Err(other) => return Err(other.into()),
///     };
///     assert!(lobby.is_alive());
/// }
/// # rooms.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartChildError {
    /// The supervisor already has as many children as are allowed.
    #[doc(alias = "max_children")]
    #[error(
        "the child {id} was not started, because the supervisor already has its maximum of {max} children; end one first"
    )]
    MaxChildren {
        /// The id that the child was to have.
        id: String,
        /// How many children are allowed.
        max: usize,
    },
    /// The name that the child was to have belongs to a process.
    #[doc(alias = "already_started")]
    #[error("the child {id} was to have a name that belongs to process {pid}; use that one, or choose another name")]
    AlreadyStarted {
        /// The id that the child was to have.
        id: String,
        /// The process.
        pid: Pid,
    },
    /// Its init chose not to run, which is not a failure.
    #[doc(alias = "ignore")]
    #[error("the child {id} chose not to run")]
    Ignored {
        /// The id that the child was to have.
        id: String,
    },
    /// It did not start.
    #[error("the child {id} did not start: {error}")]
    Failed {
        /// The id that the child was to have.
        id: String,
        /// Why it did not start.
        error: StartError,
    },
    /// Its spec is significant, which a dynamic supervisor does not support.
    #[error("the child {id} is significant, but a dynamic supervisor never ends with a child; make it not significant")]
    Significant {
        /// The id that the child was to have.
        id: String,
    },
    /// The supervisor did not answer.
    #[error(transparent)]
    Supervisor(#[from] CallError),
}

/// The error of [`DynamicSupervisor::terminate_child`](super::DynamicSupervisor::terminate_child).
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TerminateChildError {
    /// The process is not, or no longer, a child of it.
    #[doc(alias = "not_found")]
    #[error("process {pid} is not a child of this supervisor; if it has ended already, ignore this error")]
    NotFound {
        /// The process that was to end.
        pid: Pid,
    },
    /// The supervisor did not answer.
    #[error(transparent)]
    Supervisor(#[from] CallError),
}

/// The error of a lookup of a child in a dynamic supervisor.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FindChildError {
    /// The process is not, or no longer, a child of it.
    #[doc(alias = "not_found")]
    #[error("process {pid} is not, or no longer, a child of this supervisor")]
    NotFound {
        /// The process that was looked up.
        pid: Pid,
    },
    /// The supervisor did not answer.
    #[error(transparent)]
    Supervisor(#[from] CallError),
}
