//! A call without `self`.

use genserver::Init;

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    fn next() -> u64 {
        0
    }
}

fn main() {}
