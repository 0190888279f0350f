//! The store of `kv-core` on a socket.
