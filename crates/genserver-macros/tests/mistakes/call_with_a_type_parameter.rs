//! A call with a type parameter.

use genserver::Init;

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    fn next<T: Into<u64>>(&mut self, least: T) -> u64 {
        least.into()
    }
}

fn main() {}
