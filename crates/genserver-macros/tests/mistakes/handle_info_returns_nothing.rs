//! `handle_info` that returns nothing.

use genserver::Init;

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    fn handle_info(&mut self, tick: u64) {
        self.0 += tick;
    }
}

fn main() {}
