//! `init` with `self`.

use genserver::Init;

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init(&mut self) -> Init<Self> {
        Init::Run(Counter(0))
    }
}

fn main() {}
