//! A method without a body.

use genserver::Init;

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    fn next(&mut self) -> u64;
}

fn main() {}
