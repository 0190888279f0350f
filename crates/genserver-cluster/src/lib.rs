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

// References to servers that may be on other machines.
mod remote;
// How messages travel: the format.
pub mod wire;
// Which part of an engine belongs to this cluster.
mod space;
// What a cluster needs of the system under it.
pub mod engine;

// The server that the tests ask.
#[cfg(test)]
mod desk;

pub use remote::RemoteRef;
pub use remote::call::{RemoteCall, RemoteCallError};
pub use remote::cast::{RemoteCast, RemoteCastError};
pub use remote::not_sent::NotSent;
pub use space::{MESSAGE_MAX, TIME_TO_LIVE};
pub use wire::messages::{Clustered, Messages, Remote};
pub use wire::reason::RemoteError;
