//! A process as errors and reports name it.

use std::fmt;
use std::sync::Arc;

use crate::node::any_process::About;
use crate::node::name::Name;
use crate::values::pid::Pid;

/// The process that an error is about: its pid, and its name or label if it has one.
///
/// # Examples
///
/// ```
/// # use genserver_doc::quiet::*;
/// # genserver_doc::run! {
/// use genserver::StopError;
///
/// let server = genserver::start::<Quiet>(()).name("quiet").await?;
/// server.stop().await?;
/// let error = server.stop().await.unwrap_err();
/// let StopError::NoProc { server: subject } = error else { unreachable!() };
/// assert_eq!(subject.pid, server.pid());
/// assert!(subject.to_string().starts_with("process quiet <"));
/// # }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Subject {
    /// Its pid; [`Pid::NOBODY`] if a name was not registered.
    pub pid: Pid,
    /// The name it was started with or looked up by.
    pub name: Option<Name>,
    /// What has its label, if it has one. Thin, because every error of a request has a subject, and is to stay small.
    pub(crate) labelled: Option<Arc<About>>,
}

impl Subject {
    /// A process of which only the pid is known.
    pub(crate) fn of(pid: Pid) -> Self {
        Self { pid, name: None, labelled: None }
    }

    /// Its label. A supervised child has its id, unless its start sets a name or a label.
    pub fn label(&self) -> Option<&str> {
        self.labelled.as_ref()?.label.as_deref()
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

impl PartialEq for Subject {
    fn eq(&self, other: &Self) -> bool {
        self.pid == other.pid && self.name == other.name && self.label() == other.label()
    }
}

impl Eq for Subject {}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, name, .. } = self;
        f.debug_struct("Subject").field("pid", pid).field("name", name).field("label", &self.label()).finish()
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.label()) {
            (Some(name), _) if self.pid == Pid::NOBODY => write!(f, "a process named {name}"),
            (Some(name), _) => write!(f, "process {name} {}", self.pid),
            (None, Some(label)) => write!(f, "process {label} {}", self.pid),
            (None, None) => write!(f, "process {}", self.pid),
        }
    }
}
