//! `init` twice.

use genserver::Init;

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    fn init(first: u64) -> Init<Self> {
        Init::Run(Counter(first))
    }
}

fn main() {}
