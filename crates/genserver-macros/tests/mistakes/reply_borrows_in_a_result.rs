//! A reply that borrows, in a result.

use genserver::Init;

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    fn next(&mut self) -> Result<u64, &'_ str> {
        Err("none")
    }
}

fn main() {}
