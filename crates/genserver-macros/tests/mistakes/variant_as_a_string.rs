//! A variant as a string.

use genserver::Init;

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call("Next")]
    fn next(&mut self) -> u64 {
        self.0
    }
}

fn main() {}
