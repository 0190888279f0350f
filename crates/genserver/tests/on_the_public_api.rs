//! The modules that use only what the crate exports, compiled in a foreign crate.
//!
//! This only has to compile: other tests check that the modules work.
#![cfg(feature = "tokio")]

pub use genserver::*;

#[path = "../src"]
mod src {
    //! The sources of the crate that use only its public interface.

    pub mod agent;
    pub mod registry;
    pub mod supervised;
    pub mod supervisor;
    pub mod task;

    // These depend on nothing else of the crate, and belong to no single module.
    pub(crate) mod sync {
        pub(crate) mod barrier;
        pub(crate) mod oneshot;
    }
    pub(crate) mod node {
        pub(crate) mod dense;
    }
}

pub use src::supervisor::dynamic as dynamic_supervisor;
pub use src::{agent, registry, supervised, supervisor, task};
use src::{node, sync};
