//! A call with two callers.

use genserver::{Caller, Init};

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    fn next(&mut self, first: Caller<u64>, second: Caller<u64>) {
        drop((first, second));
    }
}

fn main() {}
