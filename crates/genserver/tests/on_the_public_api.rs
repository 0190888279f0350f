//! The modules that are written on nothing but what the crate exports, compiled in a crate of a stranger's.
//!
//! It compiles, or it does not: that they work is tested elsewhere.
#![cfg(feature = "tokio")]

pub use genserver::*;

#[path = "../src"]
mod src {
    //! The sources of the crate, as far as they stand on its public interface.

    pub mod agent;
    pub mod registry;
    pub mod supervised;
    pub mod supervisor;
    pub mod task;

    // These stand on nothing else of the crate, and belong to no module more than to another.
    pub(crate) mod sync {
        pub(crate) mod barrier;
        pub(crate) mod handover;
    }
    pub(crate) mod node {
        pub(crate) mod dense;
    }
}

pub use src::supervisor::dynamic as dynamic_supervisor;
pub use src::{agent, registry, supervised, supervisor, task};
use src::{node, sync};
