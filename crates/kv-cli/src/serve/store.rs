//! The store that is served: one of this program, or one that several servers share.

use std::fmt;

use kv_core::genserver::{Reason, StopError};
use kv_core::{Store, StoreOptions};
use kv_server::ServedStore;

use crate::arguments::{ClusterArguments, StoreArguments};
#[cfg(feature = "cluster")]
use crate::cluster::{Member, Membership};
use crate::exit::Failure;
use crate::place::Place;

/// Which store is to be served.
#[derive(Debug)]
pub(super) enum StoreKind {
    /// One of this program, with the most memory that it may have.
    Own(Place, Option<usize>),
    /// One that several servers share.
    #[cfg(feature = "cluster")]
    Shared(Membership),
}

/// The store while it is served.
#[derive(Debug)]
pub(super) enum OpenStore {
    Own(Store),
    #[cfg(feature = "cluster")]
    Shared(Member),
}

impl StoreKind {
    /// What the arguments say.
    pub(super) fn new(
        cluster: ClusterArguments,
        store: StoreArguments,
        max_memory: Option<usize>,
    ) -> Result<Self, Failure> {
        if cluster.nats.is_none() {
            return Ok(Self::Own(Place::named(store)?, max_memory));
        }
        Self::shared(cluster)
    }

    #[cfg(feature = "cluster")]
    fn shared(cluster: ClusterArguments) -> Result<Self, Failure> {
        Membership::new(cluster).map(Self::Shared)
    }

    #[cfg(not(feature = "cluster"))]
    fn shared(_cluster: ClusterArguments) -> Result<Self, Failure> {
        let message =
            "this kv was built without --cluster; build it with `cargo build --release -p kv-cli --features cluster`";
        Err(Failure::new(crate::exit::Exit::Usage, message))
    }

    pub(super) async fn open(&self) -> Result<OpenStore, Failure> {
        match self {
            Self::Own(place, max_memory) => {
                let options = max_memory.iter().copied().fold(Store::options(), StoreOptions::max_memory);
                place.open_with(options).await.map(OpenStore::Own)
            }
            #[cfg(feature = "cluster")]
            Self::Shared(membership) => membership.begin().await.map(OpenStore::Shared),
        }
    }
}

/// For a greeting.
impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(place, _) => place.fmt(f),
            #[cfg(feature = "cluster")]
            Self::Shared(membership) => membership.fmt(f),
        }
    }
}

impl OpenStore {
    pub(super) fn served(&self) -> ServedStore {
        match self {
            Self::Own(store) => store.clone().into(),
            #[cfg(feature = "cluster")]
            Self::Shared(member) => member.served(),
        }
    }

    /// The store, if it is one of this program.
    #[cfg_attr(not(feature = "cluster"), expect(clippy::unnecessary_wraps, reason = "one that is shared has none"))]
    pub(super) fn here(&self) -> Option<&Store> {
        match self {
            Self::Own(store) => Some(store),
            #[cfg(feature = "cluster")]
            Self::Shared(_) => None,
        }
    }

    /// Returns if it ends by itself.
    pub(super) async fn ended(&self) -> Reason {
        match self {
            // The server says so, and its clients are told.
            Self::Own(_) => std::future::pending().await,
            #[cfg(feature = "cluster")]
            Self::Shared(member) => member.ended().await,
        }
    }

    pub(super) async fn stop(&self) -> Result<(), StopError> {
        match self {
            Self::Own(store) => store.stop().await,
            #[cfg(feature = "cluster")]
            Self::Shared(member) => member.stop().await,
        }
    }
}
