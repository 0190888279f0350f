//! A method that is a call twice.

use genserver::Init;

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    #[call]
    fn next(&mut self) -> u64 {
        self.0
    }
}

fn main() {}
