//! A caller of a reply that borrows.

use genserver::{Caller, Init};

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    fn next(&mut self, caller: Caller<&u64>) {
        caller.reply(&0);
    }
}

fn main() {}
