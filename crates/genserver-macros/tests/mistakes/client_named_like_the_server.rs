//! A client with the name of its server.

use genserver::Init;

struct Counter(u64);

#[genserver::server(client = Counter)]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    fn next(&mut self) -> u64 {
        self.0
    }
}

fn main() {}
