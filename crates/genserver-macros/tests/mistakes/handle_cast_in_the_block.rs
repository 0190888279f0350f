//! `handle_cast` in the block.

use genserver::{Init, Next, Outcome};

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    async fn handle_cast(&mut self, amount: u64) -> Outcome<Self> {
        self.0 += amount;
        Next::wait()
    }
}

fn main() {}
