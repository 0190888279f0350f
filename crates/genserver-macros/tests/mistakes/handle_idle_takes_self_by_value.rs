//! `handle_idle` that takes `self` by value.

use genserver::{Init, Next, Outcome};

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    fn handle_idle(self) -> Outcome<Self> {
        Next::wait()
    }
}

fn main() {}
