//! `handle_info` without `self`.

use genserver::{Init, Next, Outcome};

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    fn handle_info(tick: u64) -> Outcome<Self> {
        drop(tick);
        Next::wait()
    }
}

fn main() {}
