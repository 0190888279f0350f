//! Variants of two types.

use genserver::{Caller, Init};

struct Counter(u64);

enum Call {
    Next(Caller<u64>),
}

struct Reset(Caller<u64>);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call(Call::Next)]
    fn next(&mut self) -> u64 {
        self.0
    }

    #[call(Reset)]
    fn reset(&mut self) -> u64 {
        self.0
    }
}

fn main() {}
