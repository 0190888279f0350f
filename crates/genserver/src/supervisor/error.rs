//! The errors of a supervisor's functions.

use super::spec::SpecError;
use crate::{CallError, Pid, StartError};

/// The error of [`Supervisor::start_child`](super::Supervisor::start_child), for both kinds of supervisors. Unless it says
/// otherwise, the supervisor has no such child.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// use genserver::start_link;
/// use genserver::supervisor::{ChildSpec, StartChildError, Supervisor};
///
/// # genserver_doc::run! {
/// let supervisor = Supervisor::one_for_one().start().await?;
/// let counter = || ChildSpec::server("counter", || start_link::<Counter>(0));
/// supervisor.start_child(counter()).await?;
/// supervisor.terminate_child("counter").await?;
/// match supervisor.start_child(counter()).await {
///     Ok(_) | Err(StartChildError::AlreadyStarted { .. }) => println!("it runs"),
///     Err(StartChildError::AlreadyPresent { id }) => {
///         supervisor.restart_child(id).await?;
///     }
///     Err(other) => return Err(other.into()),
/// }
/// assert_eq!(supervisor.count_children().await?.active, 1);
/// # supervisor.stop().await?;
/// # }
/// ```
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartChildError {
    /// A child with that id runs, or the name that the child was to have belongs to a process.
    #[doc(alias = "already_started")]
    #[error(
        "the child {id} was not started, because process {pid} has its id or its name; use that one, or end it first"
    )]
    AlreadyStarted {
        /// The id of the child.
        id: String,
        /// The process.
        pid: Pid,
    },
    /// There is a child with that id, but it is not running.
    #[doc(alias = "already_present")]
    #[error(
        "there is a child {id} already, which does not run at the moment; use `restart_child`, or delete it, or choose another id"
    )]
    AlreadyPresent {
        /// The id of the child.
        id: String,
    },
    /// The dynamic supervisor already has as many children as are allowed.
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
    /// Its init chose not to run, which is not a failure. A temporary or dynamic child is forgotten; any other is kept as
    /// stopped, and [`restart_child`](super::Supervisor::restart_child) tries again.
    #[doc(alias = "ignore")]
    #[error("the child {id} chose not to run")]
    Ignored {
        /// The id of the child.
        id: String,
    },
    /// It did not start.
    #[error("the child {id} did not start: {error}")]
    Failed {
        /// The id of the child.
        id: String,
        /// Why it did not start.
        error: StartError,
    },
    /// The spec is invalid.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The supervisor did not answer.
    #[error(transparent)]
    Supervisor(#[from] CallError),
}

/// The error of [`Supervisor::terminate_child`](super::Supervisor::terminate_child). A dynamic supervisor knows its children by
/// their processes, so there `I` is [`Pid`].
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TerminateChildError<I = String> {
    /// There is no such child, or no longer.
    #[doc(alias = "not_found")]
    #[error("there is no child {id}, or no longer; if that is what you wanted, ignore this error")]
    NotFound {
        /// The id or process that was asked for.
        id: I,
    },
    /// The supervisor did not answer.
    #[error(transparent)]
    Supervisor(#[from] CallError),
}

/// The error of [`Supervisor::restart_child`](super::Supervisor::restart_child).
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestartChildError {
    /// There is no such child.
    #[doc(alias = "not_found")]
    #[error("there is no child {id}; start one with `start_child`")]
    NotFound {
        /// The id that was asked for.
        id: String,
    },
    /// It is running already.
    #[doc(alias = "running")]
    #[error("the child {id} runs, as process {pid}; terminate it first")]
    Running {
        /// The id of the child.
        id: String,
        /// The process.
        pid: Pid,
    },
    /// Its supervisor is already restarting it.
    #[doc(alias = "restarting")]
    #[error("the child {id} is being restarted anyway")]
    Restarting {
        /// The id of the child.
        id: String,
    },
    /// Its init chose not to run, which is not a failure. It stays stopped.
    #[doc(alias = "ignore")]
    #[error("the child {id} chose not to run")]
    Ignored {
        /// The id of the child.
        id: String,
    },
    /// It did not start, and stays stopped.
    #[error("the child {id} did not start: {error}")]
    Failed {
        /// The id of the child.
        id: String,
        /// Why it did not start.
        error: StartError,
    },
    /// The supervisor did not answer.
    #[error(transparent)]
    Supervisor(#[from] CallError),
}

/// The error of [`Supervisor::delete_child`](super::Supervisor::delete_child).
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// use genserver::start_link;
/// use genserver::supervisor::{ChildSpec, DeleteChildError, Supervisor};
///
/// # genserver_doc::run! {
/// let counter = ChildSpec::server("counter", || start_link::<Counter>(0));
/// let supervisor = Supervisor::one_for_one().child(counter).start().await?;
/// let deleted = supervisor.delete_child("counter").await;
/// if let Err(DeleteChildError::Running { id, .. }) = deleted {
///     supervisor.terminate_child(&*id).await?;
///     supervisor.delete_child(id).await?;
/// }
/// assert_eq!(supervisor.count_children().await?.specs, 0);
/// # supervisor.stop().await?;
/// # }
/// ```
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeleteChildError {
    /// There is no such child.
    #[doc(alias = "not_found")]
    #[error("there is no child {id}, so it was not deleted; if that is what you wanted, ignore this error")]
    NotFound {
        /// The id that was asked for.
        id: String,
    },
    /// It is running.
    #[doc(alias = "running")]
    #[error("the child {id} runs, as process {pid}; terminate it first")]
    Running {
        /// The id of the child.
        id: String,
        /// The process.
        pid: Pid,
    },
    /// Its supervisor is restarting it.
    #[doc(alias = "restarting")]
    #[error("the child {id} is being restarted; terminate it first")]
    Restarting {
        /// The id of the child.
        id: String,
    },
    /// The supervisor did not answer.
    #[error(transparent)]
    Supervisor(#[from] CallError),
}

/// The error of a lookup of a child in a supervisor. A dynamic supervisor knows its children by their processes, so there `I` is
/// [`Pid`].
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FindChildError<I = String> {
    /// There is no such child, or no longer.
    #[doc(alias = "not_found")]
    #[error("there is no child {id}, or no longer")]
    NotFound {
        /// The id or process that was asked for.
        id: I,
    },
    /// A server of another type, or a function, runs in it. Only [`Supervisor::child`](super::Supervisor::child) returns this.
    #[error("the child {id} is a {found}, not a {wanted}")]
    WrongServer {
        /// The id of the child.
        id: I,
        /// The type of the server or function that runs in it.
        found: &'static str,
        /// The type that was looked for.
        wanted: &'static str,
    },
    /// The supervisor did not answer.
    #[error(transparent)]
    Supervisor(#[from] CallError),
}
