//! `init` that returns nothing.

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() {}
}

fn main() {}
