//! `#[cast]` on a callback.

use genserver::{Init, Next, Outcome};

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[cast]
    fn handle_info(&mut self, _tick: u8) -> Outcome<Self> {
        Next::wait()
    }
}

fn main() {}
