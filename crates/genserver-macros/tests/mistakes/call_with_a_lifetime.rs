//! A call with a lifetime.

use genserver::Init;

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    fn next<'a>(&'a mut self) -> &'a u64 {
        &self.0
    }
}

fn main() {}
