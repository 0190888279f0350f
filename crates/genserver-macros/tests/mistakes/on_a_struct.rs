//! The attribute on a struct.

#[genserver::server]
struct Counter(u64);

fn main() {}
