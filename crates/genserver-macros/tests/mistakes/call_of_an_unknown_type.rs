//! A call with a parameter of an unknown type: one error, although the type is written in three places.

use genserver::Init;

struct Counter(u64);

#[genserver::server(client = Client)]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    fn next(&mut self, least: Laest) -> u64 {
        self.0
    }
}

fn main() {}
