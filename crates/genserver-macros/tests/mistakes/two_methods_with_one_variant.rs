//! Two methods with one variant.

use genserver::Init;

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    fn next1(&mut self) -> u64 {
        1
    }

    #[call]
    fn next_1(&mut self) -> u64 {
        1
    }
}

fn main() {}
