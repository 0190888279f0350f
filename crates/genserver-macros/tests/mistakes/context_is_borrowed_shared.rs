//! A context that is borrowed without `mut`.

use genserver::{Cx, Init};

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    fn next(&mut self, _cx: &Cx<Self>) -> u64 {
        self.0
    }
}

fn main() {}
