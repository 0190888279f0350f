//! The client side of a dynamic supervisor.

use std::fmt;

use super::error::{FindChildError, StartChildError, TerminateChildError};
use super::server::{DynamicSupervisorCall, Operation, Server};
use super::spec::DynamicSupervisorSpec;
use crate::supervisor::{ChildCounts, ChildEntry, ChildSpec};
use crate::{AsProcess, AsServer, CallError, Caller, Name, Pid, ProcessRef, ServerRef, Stop};

/// A running dynamic supervisor: see the [page of the module](super).
///
/// It is a reference like any other, cheap to clone, and neither keeps the supervisor alive nor ends it. Its requests
/// have no timeout, because a child may take its time to start and to stop. A child must therefore not
/// call its own supervisor in its init, nor while it is being stopped: each would wait for the other.
///
/// # Examples
///
/// ```
/// use genserver::dynamic_supervisor::DynamicSupervisor;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let rooms = DynamicSupervisor::new().start().name("all rooms").await?;
/// assert_eq!(rooms.name(), Some(&"all rooms".into()));
/// assert_eq!(genserver::whereis("all rooms"), Some(rooms.process_ref()));
///
/// rooms.process_ref().kill();
/// assert!(!rooms.is_alive());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct DynamicSupervisor {
    server: ServerRef<Server>,
}

impl DynamicSupervisor {
    /// Makes the spec of a dynamic supervisor, which can then be started.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use genserver::dynamic_supervisor::DynamicSupervisor;
    ///
    /// let rooms = DynamicSupervisor::new()
    ///     .max_restarts(10)
    ///     .within(Duration::from_secs(60))
    ///     .max_children(10_000)
    ///     .start()
    ///     .name("rooms")
    ///     .await?;
    /// assert_eq!(rooms.count_children().await?.specs, 0);
    /// # rooms.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[expect(clippy::new_ret_no_self, reason = "a supervisor runs, and this is one that is not started yet")]
    pub fn new() -> DynamicSupervisorSpec {
        DynamicSupervisorSpec::new()
    }

    /// Starts a child. Returns the result of its start, for example a reference to its server.
    ///
    /// # Errors
    ///
    /// [`StartChildError`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it abandons the answer; the child is started all the same.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::dynamic_supervisor::DynamicSupervisor;
    /// use genserver::supervisor::{ChildSpec, Restart};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let rooms = DynamicSupervisor::new().start().await?;
    /// for guests in [7, 8] {
    ///     let room = ChildSpec::server("room", move || genserver::start_link::<Counter>(guests));
    ///     let room = rooms.start_child(room.restart(Restart::Temporary)).await?;
    ///     assert_eq!(room.call(Call::Get).await?, guests);
    /// }
    /// # rooms.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn start_child<S, H>(&self, spec: ChildSpec<S, H>) -> Result<H, StartChildError> {
        let (spec, handle) = spec.split();
        let started = self.ask(|caller| Operation::StartChild(spec, caller)).await?;
        started.map(handle)
    }

    /// Ends a child as its spec says, waits for the end, and forgets the child. If it is being restarted, that stops; name it by
    /// the last process that it had.
    ///
    /// # Errors
    ///
    /// [`TerminateChildError::NotFound`] if the process is not, or no longer, a child.
    ///
    /// # Cancel safety
    ///
    /// Dropping it abandons the answer; the child is ended all the same.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::Reason;
    /// use genserver::dynamic_supervisor::{DynamicSupervisor, TerminateChildError};
    /// use genserver::supervisor::ChildSpec;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let rooms = DynamicSupervisor::new().start().await?;
    /// let room = rooms.start_child(ChildSpec::server("room", || genserver::start_link::<Counter>(0))).await?;
    /// rooms.terminate_child(&room).await?;
    /// assert_eq!(room.ended().await, Reason::Shutdown);
    ///
    /// let again = rooms.terminate_child(&room).await.unwrap_err();
    /// assert_eq!(again, TerminateChildError::NotFound { pid: room.pid() });
    /// # rooms.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn terminate_child(&self, child: &impl AsProcess) -> Result<(), TerminateChildError> {
        let pid = child.pid_or_nobody();
        self.ask(|caller| Operation::TerminateChild(pid, caller)).await?
    }

    /// Returns all children, in the order in which they were first started.
    ///
    /// # Errors
    ///
    /// [`CallError`] if the supervisor does not answer.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::dynamic_supervisor::DynamicSupervisor;
    /// use genserver::supervisor::ChildSpec;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let rooms = DynamicSupervisor::new().start().await?;
    /// let room = rooms.start_child(ChildSpec::server("room", || genserver::start_link::<Counter>(0))).await?;
    /// let children = rooms.which_children().await?;
    /// assert_eq!(children[0].info.id, "room");
    /// assert_eq!(children[0].state.process(), Some(&room.process_ref()));
    /// # rooms.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn which_children(&self) -> Result<Vec<ChildEntry>, CallError> {
        self.ask(Operation::WhichChildren).await
    }

    /// Returns how many children there are, how many run, and how many are supervisors. A child that is being restarted does not
    /// run.
    ///
    /// # Errors
    ///
    /// [`CallError`] if the supervisor does not answer.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::dynamic_supervisor::DynamicSupervisor;
    /// use genserver::supervisor::ChildSpec;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let rooms = DynamicSupervisor::new().start().await?;
    /// for _ in 0..3 {
    ///     rooms.start_child(ChildSpec::server("room", || genserver::start_link::<Counter>(0))).await?;
    /// }
    /// let counts = rooms.count_children().await?;
    /// assert_eq!((counts.specs, counts.active, counts.workers, counts.supervisors), (3, 3, 3, 0));
    /// # rooms.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn count_children(&self) -> Result<ChildCounts, CallError> {
        self.ask(Operation::CountChildren).await
    }

    /// Returns the description and the state of a child: OTP's `get_childspec/2` and `which_child/2`.
    ///
    /// # Errors
    ///
    /// [`FindChildError::NotFound`] if the process is not, or no longer, a child.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::dynamic_supervisor::DynamicSupervisor;
    /// use genserver::supervisor::{ChildSpec, Restart};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let rooms = DynamicSupervisor::new().start().await?;
    /// let spec = ChildSpec::server("room", || genserver::start_link::<Counter>(0)).restart(Restart::Transient);
    /// let room = rooms.start_child(spec).await?;
    /// assert_eq!(rooms.child_entry(&room).await?.info.restart, Restart::Transient);
    /// assert!(rooms.child_entry(&rooms).await.is_err());
    /// # rooms.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "get_childspec")]
    #[doc(alias = "which_child")]
    pub async fn child_entry(&self, child: &impl AsProcess) -> Result<ChildEntry, FindChildError> {
        let pid = child.pid_or_nobody();
        self.ask(|caller| Operation::Find(pid, caller)).await?
    }

    /// Ends all children at once, and then the supervisor, with the reason `normal`: see [`ServerRef::stop`].
    ///
    /// # Errors
    ///
    /// As [`ServerRef::stop`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::Reason;
    /// use genserver::dynamic_supervisor::DynamicSupervisor;
    /// use genserver::supervisor::ChildSpec;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let rooms = DynamicSupervisor::new().start().await?;
    /// let room = rooms.start_child(ChildSpec::server("room", || genserver::start_link::<Counter>(0))).await?;
    /// rooms.stop().await?;
    /// assert_eq!(room.ended().await, Reason::Shutdown);
    /// # Ok(())
    /// # }
    /// ```
    pub fn stop(&self) -> Stop {
        self.server.stop()
    }

    /// The pid of the supervisor.
    pub fn pid(&self) -> Pid {
        self.server.pid()
    }

    /// The name it was started with, if any.
    pub fn name(&self) -> Option<&Name> {
        self.server.name()
    }

    /// Returns whether it takes requests. False from the moment its end begins.
    pub fn is_alive(&self) -> bool {
        self.server.is_alive()
    }

    /// The process of the supervisor.
    pub fn process_ref(&self) -> ProcessRef {
        self.server.process_ref()
    }

    /// Calls the supervisor without a timeout.
    async fn ask<R: Send + 'static>(&self, make: impl FnOnce(Caller<R>) -> Operation) -> Result<R, CallError> {
        self.server.call(|caller| DynamicSupervisorCall(make(caller))).no_timeout().await
    }
}

impl From<ServerRef<Server>> for DynamicSupervisor {
    fn from(server: ServerRef<Server>) -> Self {
        Self { server }
    }
}

impl AsProcess for DynamicSupervisor {
    fn as_process(&self) -> Option<ProcessRef> {
        Some(self.process_ref())
    }
}

impl AsServer for DynamicSupervisor {
    type Server = Server;

    fn as_server(&self) -> Result<ServerRef<Server>, CallError> {
        Ok(self.server.clone())
    }
}

impl fmt::Debug for DynamicSupervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DynamicSupervisor").field(&self.server).finish()
    }
}
