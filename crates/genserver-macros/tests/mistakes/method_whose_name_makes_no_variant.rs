//! A method whose name makes no variant.

use genserver::Init;

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    fn _1(&mut self) -> u64 {
        1
    }
}

fn main() {}
