//! The `kv` program: a prompt on a store, a server, a client.

fn main() {}
