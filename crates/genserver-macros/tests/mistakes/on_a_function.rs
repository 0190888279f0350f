//! The attribute on a function.

#[genserver::server]
fn count() {}

fn main() {}
