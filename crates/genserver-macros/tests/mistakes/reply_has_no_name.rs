//! A reply of a type without a name.

use genserver::Init;

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    fn next(&mut self) -> impl Iterator<Item = u64> {
        0..self.0
    }
}

fn main() {}
