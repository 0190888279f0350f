//! A process as errors and reports name it.

use std::fmt;

use crate::node::name::Name;
use crate::values::pid::Pid;

/// The process that an error is about: its pid, and its name if it has one.
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
/// let error = server.stop().await.unwrap_err();
/// let StopError::NoProc { server: subject } = error else { unreachable!() };
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
}

impl Subject {
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
        Self { pid: Pid::NOBODY, name: Some(name.into()) }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) if self.pid == Pid::NOBODY => write!(f, "a process named {name}"),
            Some(name) => write!(f, "process {name} {}", self.pid),
            None => write!(f, "process {}", self.pid),
        }
    }
}
