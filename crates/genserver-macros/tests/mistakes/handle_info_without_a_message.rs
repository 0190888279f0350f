//! `handle_info` without a message.

use genserver::{Init, Next, Outcome};

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    fn handle_info(&mut self) -> Outcome<Self> {
        self.0 += 1;
        Next::wait()
    }
}

fn main() {}
