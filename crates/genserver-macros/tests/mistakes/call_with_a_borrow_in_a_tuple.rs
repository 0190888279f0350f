//! A call with a borrow in a tuple.

use genserver::Init;

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    fn next(&mut self, (_name, least): (&str, u64)) -> u64 {
        least
    }
}

fn main() {}
