//! The store of `kv-core` on a socket.

// How much a client may have.
mod limits;
// How sessions are told to leave.
mod drain;

pub use drain::{Drain, Told};
pub use limits::Limits;
