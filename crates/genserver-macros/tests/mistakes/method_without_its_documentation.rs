//! The compiler asks for the documentation of a method, of its message and of the client's function, at the method.
#![deny(missing_docs)]

use genserver::Init;

/// A counter.
#[derive(Debug)]
pub struct Counter(u64);

#[genserver::server(client = Tickets)]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    pub fn next(&mut self) -> u64 {
        self.0
    }

    #[cast]
    pub fn add(&mut self, more: u64) {
        self.0 += more;
    }
}

fn main() {}
