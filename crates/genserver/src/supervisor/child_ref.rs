//! References to a child that stay good over its restarts.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::child_watch::ChildWatch;
use super::waiting::WaitingChildRef;
use crate::{AsProcess, AsServer, CallError, FindError, GenServer, ProcessRef, ServerRef, Subject};

/// Why a child cannot be reached.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// use genserver::start_link;
/// use genserver::supervisor::{ChildError, ChildSpec, Supervisor};
///
/// # genserver_doc::run! {
/// let spec = ChildSpec::server("counter", || start_link::<Counter>(0));
/// let counter = spec.reference();
/// assert!(matches!(counter.current(), Err(ChildError::NotStarted { .. })));
/// let supervisor = Supervisor::one_for_one().child(spec).start().await?;
///
/// counter.current()?.kill();
/// assert!(matches!(counter.current(), Err(ChildError::Restarting { .. })));
/// supervisor.terminate_child("counter").await?;
/// assert!(matches!(counter.current(), Err(ChildError::Stopped { .. })));
/// supervisor.delete_child("counter").await?;
/// assert!(matches!(counter.current(), Err(ChildError::Gone { .. })));
/// # supervisor.stop().await?;
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChildError {
    /// Its supervisor has not started it yet.
    #[error("the child {id} has not been started yet; use it once its supervisor has started, or through `waiting`")]
    NotStarted {
        /// What the child is called.
        id: String,
    },
    /// It has ended, and its supervisor is about to start it again.
    #[error("the child {id} is being restarted; try again soon, or through `waiting`, which waits for it")]
    Restarting {
        /// What the child is called.
        id: String,
    },
    /// It does not run, and is not started again unless somebody asks for it.
    #[error("the child {id} is stopped; start it with `restart_child`")]
    Stopped {
        /// What the child is called.
        id: String,
    },
    /// It never runs again: its supervisor has ended or forgotten it.
    #[error("the child {id} is gone for good; start another one if it is needed")]
    Gone {
        /// What the child is called.
        id: String,
    },
}

/// For a function whose error is that of a call: [`CallError::NoProc`] with the child's id as the name.
impl From<ChildError> for CallError {
    fn from(error: ChildError) -> Self {
        FindError::from(error).into()
    }
}

/// [`FindError::NoProc`] with the child's id as the name.
impl From<ChildError> for FindError {
    fn from(error: ChildError) -> Self {
        let (ChildError::NotStarted { id }
        | ChildError::Restarting { id }
        | ChildError::Stopped { id }
        | ChildError::Gone { id }) = error;
        Self::NoProc { server: Subject::nobody(id) }
    }
}

/// A child of a supervisor, whichever process it is at the moment: looked up anew at every use.
///
/// It is taken from a spec with [`ChildSpec::reference`](super::ChildSpec::reference), or from a supervisor with
/// [`Supervisor::child`](super::Supervisor::child), and stays good for as long as the supervisor has the child. It keeps nobody
/// alive. If the supervisor itself is restarted, it has other children, and the references to the old ones say that they are
/// gone; what is to be found after that has a name: see [`Named`](crate::Named).
///
/// What it can do is on the page of [`AsServer`]. Between the end of the child and its next start, that fails at once with
/// [`CallError::NoProc`], and [`current`](ChildRef::current) says more. What is done through [`waiting`](ChildRef::waiting) waits for
/// the child instead.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// use genserver::AsServer;
/// use genserver::supervisor::{ChildSpec, Supervisor};
///
/// # genserver_doc::run! {
/// let spec = ChildSpec::server("counter", || genserver::start_link::<Counter>(0));
/// let counter = spec.reference();
/// let supervisor = Supervisor::one_for_one().child(spec).start().await?;
///
/// counter.cast(Add(5))?;
/// assert_eq!(counter.call(Call::Get).await?, 5);
///
/// counter.current()?.kill();
/// assert_eq!(counter.waiting().call(Call::Get).await?, 0);
/// # supervisor.stop().await?;
/// # }
/// ```
pub struct ChildRef<S: GenServer, H = ServerRef<S>> {
    pub(super) watch: Arc<ChildWatch>,
    types: PhantomData<fn() -> (S, H)>,
}

impl<S: GenServer, H: From<ServerRef<S>>> ChildRef<S, H> {
    pub(super) fn new(watch: Arc<ChildWatch>) -> Self {
        Self { watch, types: PhantomData }
    }

    /// What the child is called.
    pub fn id(&self) -> &str {
        self.watch.id()
    }

    /// The child as it is now: a reference to its server, or what that is made into.
    ///
    /// It is one process: after the next restart it is a reference to nobody.
    ///
    /// # Errors
    ///
    /// [`ChildError`] if it does not run.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # genserver_doc::run! {
    /// let spec = ChildSpec::server("counter", || genserver::start_link::<Counter>(7));
    /// let counter = spec.reference();
    /// assert!(counter.current().is_err());
    /// let supervisor = Supervisor::one_for_one().child(spec).start().await?;
    /// let before = counter.current()?;
    /// before.kill();
    /// assert_ne!(counter.waiting().current().await?, before);
    /// # supervisor.stop().await?;
    /// # }
    /// ```
    pub fn current(&self) -> Result<H, ChildError> {
        self.server().map(H::from)
    }

    /// The same reference, giving another client type.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    /// use genserver::ServerRef;
    ///
    /// struct Tickets(ServerRef<Counter>);
    ///
    /// impl From<ServerRef<Counter>> for Tickets {
    ///     fn from(counter: ServerRef<Counter>) -> Self {
    ///         Tickets(counter)
    ///     }
    /// }
    ///
    /// # genserver_doc::run! {
    /// let spec = ChildSpec::server("counter", || genserver::start_link::<Counter>(7));
    /// let counter = spec.reference();
    /// let supervisor = Supervisor::one_for_one().child(spec).start().await?;
    /// let tickets: Tickets = counter.handle().current()?;
    /// assert_eq!(tickets.0.call(Call::Get).await?, 7);
    /// # supervisor.stop().await?;
    /// # }
    /// ```
    pub fn handle<K: From<ServerRef<S>>>(&self) -> ChildRef<S, K> {
        ChildRef::new(Arc::clone(&self.watch))
    }

    fn server(&self) -> Result<ServerRef<S>, ChildError> {
        self.watch.current().map(|process| server(&process))
    }

    /// The same child for calls that wait while it is being restarted.
    pub fn waiting(&self) -> WaitingChildRef<S, H> {
        WaitingChildRef::new(self.clone())
    }
}

/// The server in a child of a known type.
pub(super) fn server<S: GenServer>(process: &ProcessRef) -> ServerRef<S> {
    process.downcast().expect("a reference to a child is of the type of its spec")
}

/// It does not wait: [`CallError::NoProc`] with the child's id while the child does not run.
impl<S: GenServer, H: From<ServerRef<S>>> AsServer for ChildRef<S, H> {
    type Server = S;

    fn as_server(&self) -> Result<ServerRef<S>, FindError> {
        Ok(self.server()?)
    }
}

impl<S: GenServer, H> AsProcess for ChildRef<S, H> {
    fn as_process(&self) -> Option<ProcessRef> {
        self.watch.current().ok()
    }
}

impl<S: GenServer, H> Clone for ChildRef<S, H> {
    fn clone(&self) -> Self {
        Self { watch: Arc::clone(&self.watch), types: PhantomData }
    }
}

impl<S: GenServer, H> fmt::Debug for ChildRef<S, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChildRef({})", self.watch.id())
    }
}
