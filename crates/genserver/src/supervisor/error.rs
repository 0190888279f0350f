//! Why something that a supervisor was asked to do was not done.

use super::spec::SpecError;
use crate::{CallError, Pid, StartError};

/// Why [`Supervisor::start_child`](super::Supervisor::start_child) started no child.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartChildError {
    /// A child with that id runs, or the name that the child was to have belongs to a process. Use that one, or end it first.
    #[doc(alias = "already_started")]
    #[error("the child {id} was started before, as process {pid}; use that one, or terminate it first")]
    AlreadyStarted {
        /// What the child is called.
        id: String,
        /// The process.
        pid: Pid,
    },
    /// There is a child with that id, but it does not run at the moment.
    #[doc(alias = "already_present")]
    #[error(
        "there is a child {id} already, which does not run at the moment; use `restart_child`, or delete it, or choose another id"
    )]
    AlreadyPresent {
        /// What the child is called.
        id: String,
    },
    /// Its init chose not to run, and that is no failure. A temporary child is forgotten; any other is there now, as stopped.
    #[doc(alias = "ignore")]
    #[error("the child {id} chose not to run; unless it is temporary, `restart_child` tries again")]
    Ignored {
        /// What the child is called.
        id: String,
    },
    /// It did not start, and is forgotten.
    #[error("the child {id} did not start: {error}")]
    Failed {
        /// What the child is called.
        id: String,
        /// Why it did not.
        error: StartError,
    },
    /// Something is wrong with the spec.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The supervisor did not answer.
    #[error(transparent)]
    Supervisor(#[from] CallError),
}

/// Why [`Supervisor::terminate_child`](super::Supervisor::terminate_child) ended no child.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TerminateChildError {
    /// There is no such child.
    #[doc(alias = "not_found")]
    #[error("there is no child {id}")]
    NotFound {
        /// What was asked for.
        id: String,
    },
    /// The supervisor did not answer.
    #[error(transparent)]
    Supervisor(#[from] CallError),
}

/// Why [`Supervisor::restart_child`](super::Supervisor::restart_child) started no child.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestartChildError {
    /// There is no such child.
    #[doc(alias = "not_found")]
    #[error("there is no child {id}; start one with `start_child`")]
    NotFound {
        /// What was asked for.
        id: String,
    },
    /// It runs.
    #[doc(alias = "running")]
    #[error("the child {id} runs, as process {pid}; terminate it first")]
    Running {
        /// What the child is called.
        id: String,
        /// The process.
        pid: Pid,
    },
    /// Its supervisor is about to do that.
    #[doc(alias = "restarting")]
    #[error("the child {id} is being restarted anyway")]
    Restarting {
        /// What the child is called.
        id: String,
    },
    /// Its init chose not to run, and that is no failure. It is stopped as before.
    #[doc(alias = "ignore")]
    #[error("the child {id} chose not to run")]
    Ignored {
        /// What the child is called.
        id: String,
    },
    /// It did not start, and is stopped as before.
    #[error("the child {id} did not start: {error}")]
    Failed {
        /// What the child is called.
        id: String,
        /// Why it did not.
        error: StartError,
    },
    /// The supervisor did not answer.
    #[error(transparent)]
    Supervisor(#[from] CallError),
}

/// Why [`Supervisor::delete_child`](super::Supervisor::delete_child) deleted no child.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeleteChildError {
    /// There is no such child.
    #[doc(alias = "not_found")]
    #[error("there is no child {id}, so it was not deleted; if that is what you wanted, ignore this error")]
    NotFound {
        /// What was asked for.
        id: String,
    },
    /// It runs.
    #[doc(alias = "running")]
    #[error("the child {id} runs, as process {pid}; terminate it first")]
    Running {
        /// What the child is called.
        id: String,
        /// The process.
        pid: Pid,
    },
    /// Its supervisor is about to start it again.
    #[doc(alias = "restarting")]
    #[error("the child {id} is being restarted; terminate it first")]
    Restarting {
        /// What the child is called.
        id: String,
    },
    /// The supervisor did not answer.
    #[error(transparent)]
    Supervisor(#[from] CallError),
}

/// Why a supervisor had nothing to say about a child.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FindChildError {
    /// There is no such child.
    #[doc(alias = "not_found")]
    #[error("there is no child {id}")]
    NotFound {
        /// What was asked for.
        id: String,
    },
    /// Something else runs in it.
    #[error("the child {id} is a {found}, not a {wanted}")]
    WrongServer {
        /// What the child is called.
        id: String,
        /// What runs in it.
        found: &'static str,
        /// What was looked for.
        wanted: &'static str,
    },
    /// The supervisor did not answer.
    #[error(transparent)]
    Supervisor(#[from] CallError),
}
