//! Why something that a dynamic supervisor was asked to do was not done.

use crate::{CallError, Pid, StartError};

/// Why [`DynamicSupervisor::start_child`](super::DynamicSupervisor::start_child) started no child. Whatever it says, there is no
/// such child then.
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
    /// There are as many children as there may be.
    #[doc(alias = "max_children")]
    #[error(
        "the child {id} was not started, for the supervisor has the {max} children that it may have; end one first"
    )]
    MaxChildren {
        /// What the child was to be called.
        id: String,
        /// How many there may be.
        max: usize,
    },
    /// The name that the child was to have belongs to a process.
    #[doc(alias = "already_started")]
    #[error("the child {id} was to have a name that belongs to process {pid}; use that one, or choose another name")]
    AlreadyStarted {
        /// What the child was to be called.
        id: String,
        /// The process.
        pid: Pid,
    },
    /// Its init chose not to run, and that is no failure.
    #[doc(alias = "ignore")]
    #[error("the child {id} chose not to run")]
    Ignored {
        /// What the child was to be called.
        id: String,
    },
    /// It did not start.
    #[error("the child {id} did not start: {error}")]
    Failed {
        /// What the child was to be called.
        id: String,
        /// Why it did not.
        error: StartError,
    },
    /// Its spec says that its end can be that of its supervisor, and here that cannot be.
    #[error("the child {id} is significant, but a dynamic supervisor never ends with a child; make it not significant")]
    Significant {
        /// What the child was to be called.
        id: String,
    },
    /// The supervisor did not answer.
    #[error(transparent)]
    Supervisor(#[from] CallError),
}

/// Why [`DynamicSupervisor::terminate_child`](super::DynamicSupervisor::terminate_child) ended no child.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TerminateChildError {
    /// The process is no child of it, or not any more.
    #[doc(alias = "not_found")]
    #[error("process {pid} is no child of this supervisor; if it has ended already, ignore this error")]
    NotFound {
        /// Which process was to end.
        pid: Pid,
    },
    /// The supervisor did not answer.
    #[error(transparent)]
    Supervisor(#[from] CallError),
}

/// Why a dynamic supervisor had nothing to say about a process.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FindChildError {
    /// The process is no child of it, or not any more.
    #[doc(alias = "not_found")]
    #[error("process {pid} is no child of this supervisor, or not any more")]
    NotFound {
        /// Which process was asked for.
        pid: Pid,
    },
    /// The supervisor did not answer.
    #[error(transparent)]
    Supervisor(#[from] CallError),
}
