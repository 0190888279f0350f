//! A cast that returns a value.

use genserver::Init;

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[cast]
    fn add(&mut self, amount: u64) -> u64 {
        self.0 + amount
    }
}

fn main() {}
