//! References by name: resolved at every use, so they survive restarts.

use std::fmt;
use std::marker::PhantomData;

use crate::client::server_ref::ServerRef;
use crate::node::Node;
use crate::node::find_error::FindError;
use crate::node::name::Name;
use crate::node::process_ref::{AsProcess, ProcessRef};
use crate::node::subject::Subject;
use crate::server::GenServer;
use crate::values::pid::Pid;

/// A server by its name: looked up anew at every use.
///
/// It is valid before the server starts, and stays valid when another server of the type takes the name, as after a restart. What
/// it can do is on the page of [`AsServer`](crate::AsServer): each operation is one lookup, and then what [`ServerRef`] does.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// # genserver_doc::run! {
/// use genserver::{AsServer, CallError, Named};
///
/// let counter = Named::<Counter>::new("counter");
/// assert!(matches!(counter.call(Call::Get).await, Err(CallError::NoProc { .. })));
///
/// genserver::start::<Counter>(1).name("counter").await?;
/// assert_eq!(counter.call(Call::Get).await?, 1);
/// # }
/// ```
pub struct Named<S: GenServer> {
    name: Name,
    node: Option<Node>,
    of: PhantomData<fn() -> S>,
}

impl<S: GenServer> Named<S> {
    /// The server with that name, in the node where this is used: of the process whose callback runs, of the test inside
    /// [`supervised`](crate::supervised()), or else the program's.
    pub fn new(name: impl Into<Name>) -> Self {
        Self { name: name.into(), node: None, of: PhantomData }
    }

    /// The server with that name in `node`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// use genserver::{Named, Node};
    ///
    /// let node = Node::new();
    /// node.start::<Quiet>(()).name("quiet").await?;
    /// assert!(Named::<Quiet>::on(&node, "quiet").resolve().is_ok());
    /// assert!(Named::<Quiet>::new("quiet").resolve().is_err());
    /// # }
    /// ```
    pub fn on(node: &Node, name: impl Into<Name>) -> Self {
        Self { name: name.into(), node: Some(node.clone()), of: PhantomData }
    }

    /// The name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The server that has the name now: OTP's `whereis`.
    ///
    /// # Errors
    ///
    /// [`FindError::NoProc`] if nobody has it, [`FindError::WrongServer`] if a server of another type has it.
    #[doc(alias = "whereis")]
    pub fn resolve(&self) -> Result<ServerRef<S>, FindError> {
        let process = self.process()?;
        process.downcast().ok_or_else(|| FindError::WrongServer {
            server: process.process().head().subject(),
            found: process.info().server,
            wanted: std::any::type_name::<S>(),
        })
    }

    /// The process that has the name, whatever runs in it.
    pub(crate) fn process(&self) -> Result<ProcessRef, FindError> {
        self.as_process().ok_or_else(|| FindError::NoProc { server: Subject::nobody(self.name.clone()) })
    }
}

impl<S: GenServer> AsProcess for Named<S> {
    fn as_process(&self) -> Option<ProcessRef> {
        match &self.node {
            Some(node) => node.whereis(self.name.clone()),
            None => Node::current().whereis(self.name.clone()),
        }
    }

    fn pid_or_nobody(&self) -> Pid {
        self.as_process().map_or(Pid::NOBODY, |process| process.pid())
    }

    fn find_process(&self) -> Result<ProcessRef, FindError> {
        Ok(self.resolve()?.process_ref())
    }
}

impl<S: GenServer> Clone for Named<S> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), node: self.node.clone(), of: PhantomData }
    }
}

impl<S: GenServer> fmt::Debug for Named<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Named({})", self.name)
    }
}
