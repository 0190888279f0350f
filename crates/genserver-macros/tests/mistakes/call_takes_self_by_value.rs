//! A call that takes `self` by value.

use genserver::Init;

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    fn next(self) -> u64 {
        self.0
    }
}

fn main() {}
