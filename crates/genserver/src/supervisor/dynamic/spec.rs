//! The spec of a dynamic supervisor.

use super::{DynamicChildren, DynamicSupervisor};
use crate::supervisor::SupervisorSpec;

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
pub type DynamicSupervisorSpec = SupervisorSpec<DynamicChildren>;

impl DynamicSupervisorSpec {
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
    /// # genserver_doc::run! {
    /// let rooms = DynamicSupervisor::new().max_children(1).start().await?;
    /// let room = || ChildSpec::server("room", || genserver::start_link::<Counter>(0));
    /// rooms.start_child(room()).await?;
    /// let refused = rooms.start_child(room()).await.unwrap_err();
    /// assert!(matches!(refused, StartChildError::MaxChildren { max: 1, .. }));
    /// # rooms.stop().await?;
    /// # }
    /// ```
    pub fn max_children(mut self, max_children: usize) -> Self {
        self.children.max_children = max_children;
        self
    }
}

/// The spec of a [`Supervisor`](crate::supervisor::Supervisor) cannot be cloned: it has the functions that start its children.
impl Clone for DynamicSupervisorSpec {
    fn clone(&self) -> Self {
        let spec = DynamicSupervisor::new().max_restarts(self.max_restarts).within(self.within);
        spec.max_children(self.children.max_children)
    }
}
