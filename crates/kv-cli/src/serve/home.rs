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

/// Where the store is.
#[derive(Debug)]
pub(super) enum Home {
    /// In this program, with the most memory that it may have.
    Place(Place, Option<usize>),
    #[cfg(feature = "cluster")]
    Cluster(Membership),
}

/// The store while it is served.
#[derive(Debug)]
pub(super) enum OpenStore {
    Here(Store),
    #[cfg(feature = "cluster")]
    Cluster(Member),
}

impl Home {
    /// What the arguments say.
    pub(super) fn new(
        cluster: ClusterArguments,
        store: StoreArguments,
        max_memory: Option<usize>,
    ) -> Result<Self, Failure> {
        if cluster.cluster.is_none() {
            return Ok(Self::Place(Place::named(store)?, max_memory));
        }
        Self::of_cluster(cluster)
    }

    #[cfg(feature = "cluster")]
    fn of_cluster(cluster: ClusterArguments) -> Result<Self, Failure> {
        Membership::new(cluster).map(Self::Cluster)
    }

    #[cfg(not(feature = "cluster"))]
    fn of_cluster(_cluster: ClusterArguments) -> Result<Self, Failure> {
        let message =
            "this kv was built without --cluster; build it with `cargo build --release -p kv-cli --features cluster`";
        Err(Failure::new(crate::exit::Exit::Usage, message))
    }

    pub(super) async fn open(&self) -> Result<OpenStore, Failure> {
        match self {
            Self::Place(place, max_memory) => {
                let options = max_memory.iter().copied().fold(Store::options(), StoreOptions::max_memory);
                place.open_with(options).await.map(OpenStore::Here)
            }
            #[cfg(feature = "cluster")]
            Self::Cluster(membership) => membership.begin().await.map(OpenStore::Cluster),
        }
    }
}

/// For a greeting.
impl fmt::Display for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Place(place, _) => place.fmt(f),
            #[cfg(feature = "cluster")]
            Self::Cluster(membership) => membership.fmt(f),
        }
    }
}

impl OpenStore {
    pub(super) fn served(&self) -> ServedStore {
        match self {
            Self::Here(store) => store.clone().into(),
            #[cfg(feature = "cluster")]
            Self::Cluster(member) => member.served(),
        }
    }

    /// The store, if it is one of this program.
    #[cfg_attr(not(feature = "cluster"), expect(clippy::unnecessary_wraps, reason = "a cluster has none"))]
    pub(super) fn here(&self) -> Option<&Store> {
        match self {
            Self::Here(store) => Some(store),
            #[cfg(feature = "cluster")]
            Self::Cluster(_) => None,
        }
    }

    /// Returns if it ends by itself.
    pub(super) async fn ended(&self) -> Reason {
        match self {
            // The server says so, and its clients are told.
            Self::Here(_) => std::future::pending().await,
            #[cfg(feature = "cluster")]
            Self::Cluster(member) => member.ended().await,
        }
    }

    pub(super) async fn stop(&self) -> Result<(), StopError> {
        match self {
            Self::Here(store) => store.stop().await,
            #[cfg(feature = "cluster")]
            Self::Cluster(member) => member.stop().await,
        }
    }
}
