//! A call with a caller, which returns a value.

use genserver::{Caller, Init};

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    fn next(&mut self, _caller: Caller<u64>) -> u64 {
        self.0
    }
}

fn main() {}
