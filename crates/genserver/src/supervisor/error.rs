//! Why something that a supervisor was asked to do was not done.

use super::spec::SpecError;
use crate::{CallError, Pid, StartError};

/// Why [`Supervisor::start_child`](super::Supervisor::start_child) started no child.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// use genserver::supervisor::{ChildSpec, StartChildError, Supervisor};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let supervisor = Supervisor::one_for_one().start().await?;
/// let counter = || ChildSpec::server("counter", || genserver::start_link::<Counter>(0));
/// supervisor.start_child(counter()).await?;
/// supervisor.terminate_child("counter").await?;
/// match supervisor.start_child(counter()).await {
///     Ok(_) | Err(StartChildError::AlreadyStarted { .. }) => println!("it runs"),
///     Err(StartChildError::AlreadyPresent { id }) => drop(supervisor.restart_child(id).await?),
///     Err(other) => return Err(other.into()),
/// }
/// assert_eq!(supervisor.count_children().await?.active, 1);
/// # supervisor.stop().await?;
/// # Ok(())
/// # }
/// ```
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
///
/// # Examples
///
/// ```
/// use genserver::supervisor::{Supervisor, TerminateChildError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let supervisor = Supervisor::one_for_one().start().await?;
/// let unknown = supervisor.terminate_child("counter").await;
/// assert_eq!(unknown, Err(TerminateChildError::NotFound { id: "counter".to_owned() }));
///
/// supervisor.stop().await?;
/// let nobody = supervisor.terminate_child("counter").await;
/// assert!(matches!(nobody, Err(TerminateChildError::Supervisor(_))));
/// # Ok(())
/// # }
/// ```
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
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// use genserver::supervisor::{ChildSpec, RestartChildError, Supervisor};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let counter = ChildSpec::server("counter", || genserver::start_link::<Counter>(0));
/// let supervisor = Supervisor::one_for_one().child(counter).start().await?;
/// let running = supervisor.restart_child("counter").await;
/// assert!(matches!(running, Err(RestartChildError::Running { .. })));
/// let unknown = supervisor.restart_child("clock").await.unwrap_err();
/// assert_eq!(unknown.to_string(), "there is no child clock; start one with `start_child`");
/// # supervisor.stop().await?;
/// # Ok(())
/// # }
/// ```
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
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// use genserver::supervisor::{ChildSpec, DeleteChildError, Supervisor};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let counter = ChildSpec::server("counter", || genserver::start_link::<Counter>(0));
/// let supervisor = Supervisor::one_for_one().child(counter).start().await?;
/// if let Err(DeleteChildError::Running { id, .. }) = supervisor.delete_child("counter").await {
///     supervisor.terminate_child(&*id).await?;
///     supervisor.delete_child(id).await?;
/// }
/// assert_eq!(supervisor.count_children().await?.specs, 0);
/// # supervisor.stop().await?;
/// # Ok(())
/// # }
/// ```
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
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// use genserver::agent::AgentServer;
/// use genserver::supervisor::{ChildSpec, FindChildError, Supervisor};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let counter = ChildSpec::server("counter", || genserver::start_link::<Counter>(0));
/// let supervisor = Supervisor::one_for_one().child(counter).start().await?;
/// let other = supervisor.child::<AgentServer<u64>>("counter").await;
/// assert!(matches!(other, Err(FindChildError::WrongServer { .. })));
/// let unknown = supervisor.child::<Counter>("clock").await;
/// assert!(matches!(unknown, Err(FindChildError::NotFound { id }) if id == "clock"));
/// # supervisor.stop().await?;
/// # Ok(())
/// # }
/// ```
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
