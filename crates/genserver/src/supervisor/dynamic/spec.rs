//! The spec of a dynamic supervisor.

use std::time::Duration;

use super::handle::DynamicSupervisor;
use super::server::Server;
use crate::supervisor::{Intensity, SpecError};
use crate::{Start, start};

/// The spec of a dynamic supervisor: made by [`DynamicSupervisor::new`].
///
/// | | default |
/// |---|---|
/// | [`max_restarts`](Self::max_restarts) | three |
/// | [`within`](Self::within) | five seconds |
/// | [`max_children`](Self::max_children) | no limit |
///
/// There is no [`AutoShutdown`](crate::supervisor::AutoShutdown) here: children that come and go cannot be significant.
///
/// ```compile_fail,E0599
/// # // SUP-080
/// use genserver::dynamic_supervisor::DynamicSupervisor;
/// use genserver::supervisor::AutoShutdown;
///
/// let rooms = DynamicSupervisor::new().auto_shutdown(AutoShutdown::AnySignificant);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a spec starts nothing until it is started"]
pub struct DynamicSupervisorSpec {
    max_restarts: u32,
    within: Duration,
    pub(super) max_children: usize,
}

impl DynamicSupervisorSpec {
    pub(super) fn new() -> Self {
        Self { max_restarts: Intensity::MAX_RESTARTS, within: Intensity::WITHIN, max_children: usize::MAX }
    }

    /// Sets how many restarts, of any children, are allowed in the time that [`within`](Self::within) sets. One more, and the
    /// supervisor gives up: it ends its children and then itself, with the reason `shutdown`.
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
    /// let rooms = DynamicSupervisor::new().max_restarts(0).start().await?;
    /// let room = rooms.start_child(ChildSpec::server("room", || genserver::start_link::<Counter>(0))).await?;
    /// room.kill();
    /// assert_eq!(rooms.process_ref().ended().await, Reason::Shutdown);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "intensity")]
    pub fn max_restarts(mut self, max_restarts: u32) -> Self {
        self.max_restarts = max_restarts;
        self
    }

    /// Sets the time in which that many restarts are allowed: see [`Intensity`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use genserver::dynamic_supervisor::DynamicSupervisor;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // A thousand children may crash more often than three.
    /// let rooms = DynamicSupervisor::new().max_restarts(100).within(Duration::from_secs(1)).start().await?;
    /// # rooms.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "period")]
    #[doc(alias = "max_seconds")]
    pub fn within(mut self, within: Duration) -> Self {
        self.within = within;
        self
    }

    /// Sets how many children are allowed. One more is refused with [`StartChildError::MaxChildren`](super::StartChildError).
    ///
    /// A child that is being restarted counts, because it keeps its place.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::dynamic_supervisor::{DynamicSupervisor, StartChildError};
    /// use genserver::supervisor::ChildSpec;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let rooms = DynamicSupervisor::new().max_children(1).start().await?;
    /// let room = || ChildSpec::server("room", || genserver::start_link::<Counter>(0));
    /// rooms.start_child(room()).await?;
    /// let refused = rooms.start_child(room()).await.unwrap_err();
    /// assert!(matches!(refused, StartChildError::MaxChildren { max: 1, .. }));
    /// # rooms.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn max_children(mut self, max_children: usize) -> Self {
        self.max_children = max_children;
        self
    }

    /// Starts the supervisor without a link. Set options of the start, such as a name, on the returned builder.
    ///
    /// # Errors
    ///
    /// As [`genserver::start`](crate::start()). If the time for restarts is zero, the reason of
    /// [`StartError::Failed`](crate::StartError::Failed) is [`SpecError::ZeroPeriod`].
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::StartError;
    /// use genserver::dynamic_supervisor::DynamicSupervisor;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let rooms = DynamicSupervisor::new().start().name("the rooms").await?;
    /// let again = DynamicSupervisor::new().start().name("the rooms").await;
    /// assert!(matches!(again, Err(StartError::AlreadyStarted { pid, .. }) if pid == rooms.pid()));
    /// # rooms.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn start(self) -> Start<Server, DynamicSupervisor> {
        start::<Server>(self).handle()
    }

    /// Starts the supervisor linked with the process that runs on this thread. The function of a
    /// [`ChildSpec::supervisor`](crate::supervisor::ChildSpec::supervisor) returns this.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start), and [`StartError::NotAProcess`](crate::StartError::NotAProcess) from plain code.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::dynamic_supervisor::DynamicSupervisor;
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let rooms = ChildSpec::supervisor("rooms", || DynamicSupervisor::new().start_link());
    /// let reference = rooms.reference();
    /// let supervisor = Supervisor::one_for_one().child(rooms).start().await?;
    ///
    /// let rooms: DynamicSupervisor = reference.current()?;
    /// rooms.start_child(ChildSpec::server("room", || genserver::start_link::<Counter>(0))).await?;
    /// # supervisor.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn start_link(self) -> Start<Server, DynamicSupervisor> {
        self.start().link()
    }

    pub(super) fn intensity(&self) -> Result<Intensity, SpecError> {
        if self.within.is_zero() {
            return Err(SpecError::ZeroPeriod);
        }
        Ok(Intensity::new(self.max_restarts, self.within))
    }
}
