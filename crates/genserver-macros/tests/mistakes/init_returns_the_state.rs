//! `init` that returns the state itself.

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Self {
        Counter(0)
    }
}

fn main() {}
