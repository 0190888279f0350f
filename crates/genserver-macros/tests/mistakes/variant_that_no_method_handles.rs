//! A variant that no method handles: it is shown where the first one is named.

use genserver::{Caller, Init};

struct Counter(u64);

enum Call {
    Next(Caller<u64>),
    Reset(Caller<u64>),
}

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call(Call::Next)]
    fn next(&mut self) -> u64 {
        self.0
    }
}

fn main() {}
