//! The modules that are written on nothing but what the crate exports, compiled in a crate of a stranger's.
//!
//! It compiles, or it does not: that they work is tested elsewhere.
#![cfg(feature = "tokio")]

pub use genserver::*;

#[path = "../src/agent.rs"]
pub mod agent;
#[path = "../src/supervised.rs"]
pub mod supervised;
