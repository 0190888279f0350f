//! Servers with one name in a cluster: found, called and monitored from every machine.
//!
//! ```text
//! let cluster = Cluster::connect("nats://127.0.0.1:4222").name_space("shop").start().await?;
//! let cart = cluster.start_named::<Cart>("cart-7", ()).await?;   // on one machine
//! let cart: RemoteRef<Cart> = cluster.named("cart-7");           // on any of them
//! cart.call(Add("milk".into())).await?;
//! ```
//!
//! A cluster stands on an [engine] that is run in production already: it has no consensus, no gossip and no transport of its own.

// What a cluster needs of the system under it.
pub mod engine;
// Which part of an engine belongs to this cluster.
mod space;

pub use space::{MESSAGE_MAX, TIME_TO_LIVE};
