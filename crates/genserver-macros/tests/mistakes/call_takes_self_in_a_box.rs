//! A call that takes `self` in a box.

use genserver::Init;

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    fn next(self: Box<Self>) -> u64 {
        self.0
    }
}

fn main() {}
