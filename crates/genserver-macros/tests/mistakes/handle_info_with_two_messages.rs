//! `handle_info` with two messages.

use genserver::{Init, Next, Outcome};

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    fn handle_info(&mut self, tick: u64, tock: u64) -> Outcome<Self> {
        self.0 += tick + tock;
        Next::wait()
    }
}

fn main() {}
