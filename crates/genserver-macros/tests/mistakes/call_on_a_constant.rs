//! `#[call]` on a constant.

use genserver::Init;

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    const FIRST: u64 = 0;
}

fn main() {}
