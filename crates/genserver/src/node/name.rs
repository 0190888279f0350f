//! Names of processes, and the registries that hold them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::node::process_ref::ProcessRef;
use crate::sync::parking::Mutex;
use crate::sync::program_static;
use crate::values::pid::Pid;

/// The name of a process: in its node's own space, in the program's, or in a registry of the user's.
///
/// A name is text, belongs to at most one live process, and costs nothing once it is released. Unlike an atom it may come
/// from outside the program.
///
/// # Examples
///
/// ```
/// use genserver::Name;
///
/// assert_eq!(Name::from("shopping").to_string(), "shopping");
/// assert_eq!(Name::global("shopping").to_string(), "global:shopping");
/// ```
#[derive(Clone)]
pub enum Name {
    /// In the space of the node that the process lives in.
    Local(Arc<str>),
    /// In the space that all nodes of the program share.
    Global(Arc<str>),
    /// In a registry of the user's.
    Via(Arc<dyn NameRegistry>, Arc<str>),
}

impl Name {
    /// Makes a name in the space that all nodes of the program share: OTP's `{global, Name}`, within one program.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// use genserver::{Name, Node};
    ///
    /// let server = Node::new().start::<Quiet>(()).name(Name::global("the only one")).await?;
    /// assert_eq!(genserver::whereis(Name::global("the only one")), Some(server.process_ref()));
    /// # server.stop().await?;
    /// # }
    /// ```
    pub fn global(name: impl Into<Arc<str>>) -> Self {
        Self::Global(name.into())
    }

    /// Makes a name in a registry of the user's: OTP's `{via, Module, Name}`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// use genserver::{Name, NameRegistry, Pid, ProcessRef, RegisterError};
    /// use std::sync::Arc;
    ///
    /// /// Refuses every name.
    /// struct Nobody;
    ///
    /// impl NameRegistry for Nobody {
    ///     fn register(&self, _name: &str, _process: &ProcessRef) -> Result<(), RegisterError> {
    ///         Err(RegisterError::Refused("nobody may have a name here".to_owned()))
    ///     }
    ///     // ...
    /// #     fn unregister(&self, _name: &str, _pid: Pid) {}
    /// #     fn whereis(&self, _name: &str) -> Option<ProcessRef> { None }
    /// }
    ///
    /// let name = Name::via(Arc::new(Nobody), "quiet");
    /// assert!(genserver::start::<Quiet>(()).name(name).await.is_err());
    /// # }
    /// ```
    pub fn via(registry: Arc<dyn NameRegistry>, name: impl Into<Arc<str>>) -> Self {
        Self::Via(registry, name.into())
    }
}

impl From<&str> for Name {
    fn from(name: &str) -> Self {
        Self::Local(name.into())
    }
}

impl From<String> for Name {
    fn from(name: String) -> Self {
        Self::Local(name.into())
    }
}

/// Two names are equal if they are the same text in the same space.
impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Local(left), Self::Local(right)) | (Self::Global(left), Self::Global(right)) => left == right,
            (Self::Via(left, left_name), Self::Via(right, right_name)) => {
                Arc::ptr_eq(left, right) && left_name == right_name
            }
            _ => false,
        }
    }
}

impl Eq for Name {}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(name) => f.write_str(name),
            Self::Global(name) => write!(f, "global:{name}"),
            Self::Via(_, name) => write!(f, "via:{name}"),
        }
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

/// A registry of names that the user provides: OTP's `via` module.
///
/// Its functions run on the thread that starts, ends or looks up a process, and must not block for long.
///
/// # Examples
///
/// ```
/// # use genserver_doc::quiet::*;
/// use std::collections::BTreeMap;
/// use std::sync::{Arc, Mutex};
/// use genserver::{Name, NameRegistry, Pid, ProcessRef, RegisterError};
///
/// /// Names in which upper and lower case are the same.
/// #[derive(Default)]
/// struct AnyCase(Mutex<BTreeMap<String, ProcessRef>>);
///
/// impl NameRegistry for AnyCase {
///     fn register(&self, name: &str, process: &ProcessRef) -> Result<(), RegisterError> {
///         let mut names = self.0.lock().unwrap();
///         if let Some(holder) = names.get(&name.to_lowercase()) {
///             return Err(RegisterError::Taken(holder.pid()));
///         }
///         names.insert(name.to_lowercase(), process.clone());
///         Ok(())
///     }
///
///     fn unregister(&self, name: &str, pid: Pid) {
///         let mut names = self.0.lock().unwrap();
///         if names.get(&name.to_lowercase()).is_some_and(|holder| holder.pid() == pid) {
///             names.remove(&name.to_lowercase());
///         }
///     }
///
///     fn whereis(&self, name: &str) -> Option<ProcessRef> {
///         self.0.lock().unwrap().get(&name.to_lowercase()).cloned()
///     }
/// }
///
/// # genserver_doc::run! {
/// let names = Arc::new(AnyCase::default());
/// let server = genserver::start::<Quiet>(()).name(Name::via(names.clone(), "Quiet")).await?;
/// assert_eq!(genserver::whereis(Name::via(names, "QUIET")), Some(server.process_ref()));
/// # }
/// ```
pub trait NameRegistry: Send + Sync {
    /// Gives `name` to `process`.
    ///
    /// # Errors
    ///
    /// [`RegisterError::Taken`] if a live process has it, [`RegisterError::Refused`] for any other reason.
    fn register(&self, name: &str, process: &ProcessRef) -> Result<(), RegisterError>;

    /// Releases `name` if the process with that pid has it.
    fn unregister(&self, name: &str, pid: Pid);

    /// Returns the process that has `name`.
    fn whereis(&self, name: &str) -> Option<ProcessRef>;
}

/// The error of a registry that did not register a name.
///
/// # Examples
///
/// ```
/// # genserver_doc::run! {
/// use genserver::{Probe, RegisterError};
///
/// let (first, second) = (Probe::<()>::new(), Probe::<()>::new());
/// first.register("the one")?;
/// assert_eq!(second.register("the one"), Err(RegisterError::Taken(first.pid())));
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// A live process has it.
    #[error("the name is taken by {0}; stop that process first, or choose another name")]
    Taken(Pid),
    /// The registry refused the name, with this explanation.
    #[error("the registry refused the name: {0}")]
    Refused(String),
}

/// A space of names: each node has one, and the program has one for all nodes.
#[derive(Default)]
pub(crate) struct Names {
    map: Mutex<BTreeMap<Arc<str>, ProcessRef>>,
}

impl Names {
    pub(crate) const fn new() -> Self {
        Self { map: Mutex::new(BTreeMap::new()) }
    }
}

impl NameRegistry for Names {
    fn register(&self, name: &str, process: &ProcessRef) -> Result<(), RegisterError> {
        let mut map = self.map.lock();
        if let Some(holder) = map.get(name) {
            return Err(RegisterError::Taken(holder.pid()));
        }
        map.insert(name.into(), process.clone());
        drop(map);
        if process.process().holds_name() {
            return Ok(());
        }
        // The process ended in between, before it knew that it had this name.
        self.unregister(name, process.pid());
        Err(RegisterError::Refused("the process has ended".to_owned()))
    }

    fn unregister(&self, name: &str, pid: Pid) {
        let mut map = self.map.lock();
        let removed = if map.get(name).is_some_and(|holder| holder.pid() == pid) { map.remove(name) } else { None };
        drop(map);
        drop(removed);
    }

    fn whereis(&self, name: &str) -> Option<ProcessRef> {
        self.map.lock().get(name).cloned()
    }
}

program_static! {
    /// The names that all nodes of the program share.
    pub(crate) static GLOBAL: Names = Names::new();
}
