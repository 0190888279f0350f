//! A client without a name.

use genserver::Init;

struct Counter(u64);

#[genserver::server(client)]
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
