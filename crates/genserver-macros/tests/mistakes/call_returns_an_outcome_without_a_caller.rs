//! A call that returns an outcome, without a caller.

use genserver::{Init, Next, Outcome};

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    fn next(&mut self) -> Outcome<Self> {
        Next::wait()
    }
}

fn main() {}
