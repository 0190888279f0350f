//! Two blocks of one server.

use genserver::Init;

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    fn next(&mut self) -> u64 {
        self.0
    }
}

#[genserver::server]
impl Counter {
    #[call]
    fn reset(&mut self) -> u64 {
        0
    }
}

fn main() {}
