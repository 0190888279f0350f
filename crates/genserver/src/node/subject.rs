//! A process as errors and reports name it.

use std::fmt;
use std::sync::Arc;

use crate::node::name::Name;
use crate::values::pid::Pid;

/// The process that an error is about: its pid, and its name or label if it has one.
///
/// # Examples
///
/// ```
/// # use genserver_doc::quiet::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use genserver::StopError;
///
/// let server = genserver::start::<Quiet>(()).name("quiet").await?;
/// server.stop().await?;
/// let Err(StopError::NoProc { server: subject }) = server.stop().await else { unreachable!() };
/// assert_eq!(subject.pid, server.pid());
/// assert!(subject.to_string().starts_with("process quiet <"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subject {
    /// Its pid; [`Pid::NOBODY`] if a name was not registered.
    pub pid: Pid,
    /// The name it was started with or looked up by.
    pub name: Option<Name>,
    /// Its label. The child of a supervisor has its id, unless its start says otherwise.
    pub label: Option<Arc<str>>,
}

impl Subject {
    /// A process of which only the pid is known.
    pub(crate) fn of(pid: Pid) -> Self {
        Self { pid, name: None, label: None }
    }

    /// A name that belongs to no process, for the errors of your own references to servers.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::{CallError, Subject};
    ///
    /// let error = CallError::NoProc { server: Subject::nobody("counter") };
    /// assert!(error.to_string().starts_with("a process named counter is not running"));
    /// ```
    pub fn nobody(name: impl Into<Name>) -> Self {
        Self { name: Some(name.into()), ..Self::of(Pid::NOBODY) }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, &self.label) {
            (Some(name), _) if self.pid == Pid::NOBODY => write!(f, "a process named {name}"),
            (Some(name), _) => write!(f, "process {name} {}", self.pid),
            (None, Some(label)) => write!(f, "process {label} {}", self.pid),
            (None, None) => write!(f, "process {}", self.pid),
        }
    }
}
