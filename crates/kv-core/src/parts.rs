//! The parts of a store: where they are found, also after the supervisor of the store has been started again.
//!
//! A supervisor that is started again has other children. So a store that is a child of somebody's supervisor looks up its parts
//! here at every use.
//!
//! - P1: the children of a start are put here before their supervisor runs.

use std::sync::Arc;

use genevent::{Manager, ManagerServer};
use genserver::dynamic_supervisor::{DynamicSupervisor, DynamicSupervisorServer};
use genserver::supervisor::{ChildError, ChildRef, Supervisor, SupervisorServer};
use genserver::{GenServer, ServerRef};
use parking_lot::RwLock;

use crate::committer::Failure;
use crate::event::BucketEvent;
use crate::key_event::{KeyEvent, KeyEventOutlet};
use crate::limits::StoreShared;
use crate::registry::RegistryServer;
use crate::storage::StorageError;

/// The parts of a store, as they are now.
#[derive(Debug)]
pub(crate) struct StoreParts {
    // The store's supervisor. None if nobody starts it again.
    supervisor: Option<ChildRef<SupervisorServer, Supervisor>>,
    children: Arc<LastChildren>,
}

/// The children of the last start of a store's supervisor; None before the first.
pub(crate) type LastChildren = RwLock<Option<Arc<StoreChildren>>>;

/// The children of a store's supervisor, and what they share.
#[derive(Debug)]
pub(crate) struct StoreChildren {
    pub(crate) events: ChildRef<ManagerServer<BucketEvent>, Manager<BucketEvent>>,
    pub(crate) key_events: ChildRef<ManagerServer<KeyEvent>, Manager<KeyEvent>>,
    pub(crate) outlet: Arc<KeyEventOutlet>,
    pub(crate) buckets: ChildRef<DynamicSupervisorServer, DynamicSupervisor>,
    pub(crate) registry: ChildRef<RegistryServer>,
    pub(crate) shared: Arc<StoreShared>,
    pub(crate) failure: Arc<Failure>,
}

impl StoreParts {
    /// The parts of a store that nobody starts again.
    pub(crate) fn of_one(children: StoreChildren) -> Self {
        Self { supervisor: None, children: Arc::new(RwLock::new(Some(Arc::new(children)))) }
    }

    /// The parts of a store whose supervisor is this child.
    pub(crate) fn of_child(supervisor: ChildRef<SupervisorServer, Supervisor>, children: Arc<LastChildren>) -> Self {
        Self { supervisor: Some(supervisor), children }
    }

    /// The registry, if it runs.
    pub(crate) fn registry(&self) -> Result<ServerRef<RegistryServer>, ChildError> {
        match self.now() {
            Some(children) => children.registry.current(),
            None => Err(ChildError::NotStarted { id: "registry".to_owned() }),
        }
    }

    /// One of the parts, as soon as it runs.
    pub(crate) async fn wait_for<S, H>(&self, part: fn(&StoreChildren) -> &ChildRef<S, H>) -> Result<H, ChildError>
    where
        S: GenServer,
        H: From<ServerRef<S>>,
    {
        Ok(self.wait_with(part).await?.0)
    }

    /// The manager of the key events, as soon as it runs, and the way that leads to it.
    pub(crate) async fn wait_for_key_events(&self) -> Result<(Manager<KeyEvent>, Arc<KeyEventOutlet>), ChildError> {
        let (manager, children) = self.wait_with(|children| &children.key_events).await?;
        Ok((manager, Arc::clone(&children.outlet)))
    }

    /// What the store holds. Nothing before its first start.
    pub(crate) fn memory(&self) -> usize {
        self.now().map_or(0, |children| children.shared.memory())
    }

    /// Why the storage takes no changes, if it does not.
    pub(crate) fn storage_error(&self) -> Option<StorageError> {
        self.now().and_then(|children| children.failure.lock().clone())
    }

    /// One of the parts, as soon as it runs, and those that it was started with.
    async fn wait_with<S, H>(
        &self,
        part: fn(&StoreChildren) -> &ChildRef<S, H>,
    ) -> Result<(H, Arc<StoreChildren>), ChildError>
    where
        S: GenServer,
        H: From<ServerRef<S>>,
    {
        loop {
            let supervisor = match &self.supervisor {
                Some(child) => Some(child.waiting().current().await?),
                None => None,
            };
            let children = self.now().expect("by P1");
            match part(&children).waiting().current().await {
                // It went with its supervisor, and the next one has another.
                Err(ChildError::Gone { .. }) if supervisor.is_some_and(|it| !it.is_alive()) => {}
                found => return Ok((found?, children)),
            }
        }
    }

    fn now(&self) -> Option<Arc<StoreChildren>> {
        self.children.read().clone()
    }
}
