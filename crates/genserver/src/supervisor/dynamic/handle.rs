//! The client side of a dynamic supervisor: what it can do beside what every supervisor can.

use super::{DynamicChildren, DynamicSupervisorSpec, FindChildError, TerminateChildError};
use crate::AsProcess;
use crate::supervisor::{ChildEntry, Supervisor};

/// A running dynamic supervisor: see the [page of the module](super).
///
/// What is not on this page is on that of [`Supervisor`], because every supervisor can do it: start children
/// ([`start_child`](Supervisor::start_child)), list and count them ([`which_children`](Supervisor::which_children),
/// [`count_children`](Supervisor::count_children)), and [`stop`](Supervisor::stop).
///
/// It is a reference like any other, cheap to clone, and neither keeps the supervisor alive nor ends it. Its requests
/// have no timeout, because a child may take its time to start and to stop. A child must therefore not
/// call its own supervisor in its init, nor while it is being stopped: each would wait for the other.
pub type DynamicSupervisor = Supervisor<DynamicChildren>;

impl DynamicSupervisor {
    /// Makes the spec of a dynamic supervisor, which can then be started.
    ///
    /// # Examples
    ///
    /// ```
    /// # genserver_doc::run! {
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
    /// # }
    /// ```
    #[expect(clippy::new_ret_no_self, reason = "a supervisor runs, and this is one that is not started yet")]
    pub fn new() -> DynamicSupervisorSpec {
        DynamicSupervisorSpec::with(DynamicChildren::new())
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
    /// Before its first poll nothing is sent. After it, dropping abandons only the answer.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::{Reason, start_link};
    /// use genserver::dynamic_supervisor::{DynamicSupervisor, TerminateChildError};
    /// use genserver::supervisor::ChildSpec;
    ///
    /// # genserver_doc::run! {
    /// let rooms = DynamicSupervisor::new().start().await?;
    /// let room = rooms.start_child(ChildSpec::server("room", || start_link::<Counter>(0))).await?;
    /// rooms.terminate_child(&room).await?;
    /// assert_eq!(room.ended().await, Reason::Shutdown);
    ///
    /// let again = rooms.terminate_child(&room).await.unwrap_err();
    /// assert_eq!(again, TerminateChildError::NotFound { id: room.pid() });
    /// # rooms.stop().await?;
    /// # }
    /// ```
    pub async fn terminate_child(&self, child: &impl AsProcess) -> Result<(), TerminateChildError> {
        self.terminate(child.pid_or_nobody()).await
    }

    /// Returns the description and the state of a child: OTP's `get_childspec/2` and `which_child/2`.
    ///
    /// # Errors
    ///
    /// [`FindChildError::NotFound`] if the process is not, or no longer, a child.
    #[doc(alias = "get_childspec")]
    #[doc(alias = "which_child")]
    pub async fn child_entry(&self, child: &impl AsProcess) -> Result<ChildEntry, FindChildError> {
        self.find(child.pid_or_nobody()).await
    }
}
