//! A server that has a lifetime.

use genserver::Init;

struct Counter<'a>(&'a u64);

#[genserver::server]
impl<'a> Counter<'a> {
    fn init() -> Init<Self> {
        Init::Run(Counter(&0))
    }

    #[call]
    fn next(&mut self) -> u64 {
        *self.0
    }
}

fn main() {}
