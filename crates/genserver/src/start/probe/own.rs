//! The probe itself: creation, pid, name, and taking letters out of its mailbox.

use std::future::Future;
use std::sync::Arc;

use futures::future::maybe_done;

use crate::node::Node;
#[cfg(feature = "sim")]
use crate::node::any_process::About;
use crate::node::any_process::AnyProcess as _;
use crate::node::name::Name;
use crate::node::process_ref::ProcessRef;
use crate::process::plain::Plain;
use crate::start::probe::{Letter, Probe, ProbeRef, Scope};
use crate::values::pid::Pid;
use crate::values::reason::Reason;

impl<M: Send + 'static> Probe<M> {
    /// Makes a new process in the caller's node.
    ///
    /// # Panics
    ///
    /// If the thread is in no runtime: a probe needs one to wait.
    #[track_caller]
    pub fn new() -> Self {
        Self::on(&Node::current())
    }

    /// Makes a new process in `node`.
    ///
    /// # Panics
    ///
    /// As [`new`](Probe::new).
    #[track_caller]
    pub fn on(node: &Node) -> Self {
        let home = node.home().expect("a probe waits on a runtime: make it inside one, or in a node that has one");
        Self { process: Plain::held(&home, None) }
    }

    /// Makes a new process in `node`, with a label.
    #[cfg(feature = "sim")]
    pub(crate) fn labelled(node: &Node, label: Arc<str>) -> Self {
        let home = node.home().expect("the node has a runtime");
        let about = About { label: Some(label), ..About::default() };
        Self { process: Plain::held(&home, Some(Arc::new(about))) }
    }

    /// The pid of this process.
    pub fn pid(&self) -> Pid {
        self.process.head.pid
    }

    /// An untyped reference to this process.
    pub fn process_ref(&self) -> ProcessRef {
        ProcessRef::new(self.erased())
    }

    /// Returns whether it is alive: an exit that it does not trap ends it.
    #[doc(alias = "is_process_alive")]
    pub fn is_alive(&self) -> bool {
        self.process.is_alive()
    }

    /// The reference through which others send it messages.
    pub fn sender(&self) -> ProbeRef<M> {
        ProbeRef::new(Arc::clone(&self.process))
    }

    /// Gives this process a name. It has at most one, until it ends.
    ///
    /// # Errors
    ///
    /// [`RegisterError`](crate::RegisterError) if the name is taken, or this process already has one.
    pub fn register(&self, name: impl Into<Name>) -> Result<(), crate::node::name::RegisterError> {
        self.process.register(name.into())
    }

    /// Runs a future as this process: it makes its calls and starts in the name of this process.
    ///
    /// In a plain task this marks what belongs together. As in a callback, a call that would close a cycle of waiting processes
    /// fails at once with [`CallError::Cycle`](crate::CallError::Cycle). What the task does beside the scope is not part of it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// use genserver::Probe;
    ///
    /// let probe = Probe::<()>::new();
    /// let server = probe.scope(async { genserver::start_link::<Quiet>(()).await }).await?;
    /// assert_eq!(server.info().parent, Some(probe.pid()));
    /// # }
    /// ```
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F, M> {
        Scope { pid: self.pid(), future: Box::pin(maybe_done(future)) }
    }

    /// Waits for the next letter.
    ///
    /// # Errors
    ///
    /// The reason of this process's end, if it has ended and its mailbox is empty.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if it is dropped before it is ready.
    ///
    /// # Examples
    ///
    /// ```
    /// # genserver_doc::run! {
    /// use genserver::{Letter, Probe};
    ///
    /// let mut probe = Probe::<u8>::new();
    /// probe.sender().send(7)?;
    /// assert_eq!(probe.recv().await, Ok(Letter::Message(7)));
    /// # }
    /// ```
    #[doc(alias = "receive")]
    pub async fn recv(&mut self) -> Result<Letter<M>, Reason> {
        std::future::poll_fn(|cx| self.process.poll_letter(cx, |_| true)).await
    }

    /// Takes the next letter if there is one.
    pub fn try_recv(&mut self) -> Option<Letter<M>> {
        self.process.take_letter(|_| true)
    }

    /// Takes everything that has arrived, like `flush()` in the Erlang shell.
    pub fn flush(&mut self) -> Vec<Letter<M>> {
        std::iter::from_fn(|| self.try_recv()).collect()
    }
}
