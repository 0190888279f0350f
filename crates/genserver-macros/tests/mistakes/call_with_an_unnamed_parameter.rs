//! A call with a parameter of a type without a name.

use genserver::Init;

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    fn next(&mut self, least: impl Into<u64>) -> u64 {
        least.into()
    }
}

fn main() {}
