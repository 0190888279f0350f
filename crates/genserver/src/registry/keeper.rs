//! The process of a registry: it monitors the processes that hold keys, and removes the entries of those that have ended.

use std::sync::Arc;

use super::table::Table;
use super::{Key, Value};
use crate::{Cx, Down, GenServer, Init, Never, Next, Outcome};

/// The server of a registry, which [`Registry::start`](super::Registry::start) starts.
///
/// It takes no calls: it is there to be started, supervised and stopped.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// use genserver::registry::Registry;
/// use genserver::supervisor::{ChildSpec, Supervisor};
///
/// # genserver_doc::run! {
/// let counters = Registry::unique();
/// let kept = counters.clone();
/// let keeper = ChildSpec::server("counters", move || kept.start_link());
/// let name = counters.via("visits", ());
/// let start = move || genserver::start_link::<Counter>(1).name(name.clone());
/// let visits = ChildSpec::server("visits", start);
/// let supervisor = Supervisor::one_for_one().child(keeper).child(visits).start().await?;
/// assert!(counters.lookup("visits").is_some());
/// # supervisor.stop().await?;
/// # }
/// ```
pub struct Keeper<K: Key, V: Value> {
    table: Arc<Table<K, V>>,
}

/// The arguments of a [`Keeper`].
pub struct KeeperArgs<K: Key, V: Value> {
    pub(super) table: Arc<Table<K, V>>,
}

/// The message from a registry to its [`Keeper`] that there are new processes to monitor.
#[derive(Debug)]
pub struct Watch {
    _private: (),
}

impl Watch {
    pub(super) fn new() -> Self {
        Self { _private: () }
    }
}

/// The error of a second keeper of the same registry.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the registry is running already; start a registry once, or make another one")]
pub struct AlreadyRunning;

impl<K: Key, V: Value> Keeper<K, V> {
    fn watch(owners: Vec<crate::Pid>, cx: &mut Cx<Self>) {
        for owner in owners {
            // Its `Down` says which process it was. If it has ended meanwhile, the `Down` comes at once.
            cx.monitor(&owner, std::convert::identity);
        }
    }
}

impl<K: Key, V: Value> GenServer for Keeper<K, V> {
    type Args = KeeperArgs<K, V>;
    type Call = Never;
    type Cast = Watch;
    type Info = Down;

    async fn init(KeeperArgs { table }: KeeperArgs<K, V>, cx: &mut Cx<Self>) -> Init<Self> {
        if !table.begin(cx.this()) {
            return Init::Fail(AlreadyRunning.into());
        }
        let keeper = Self { table };
        // After a restart the table already has owners.
        Self::watch(keeper.table.owners(), cx);
        Init::Run(keeper)
    }

    async fn handle_cast(&mut self, Watch { .. }: Watch, cx: &mut Cx<Self>) -> Outcome<Self> {
        Self::watch(self.table.take_unwatched(), cx);
        Next::wait()
    }

    async fn handle_info(&mut self, down: Down, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.table.forget(down.pid);
        Next::wait()
    }
}

// Its successor may start, however it ends.
impl<K: Key, V: Value> Drop for Keeper<K, V> {
    fn drop(&mut self) {
        self.table.end();
    }
}

impl<K: Key, V: Value> std::fmt::Debug for Keeper<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").finish_non_exhaustive()
    }
}

impl<K: Key, V: Value> std::fmt::Debug for KeeperArgs<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeeperArgs").finish_non_exhaustive()
    }
}
