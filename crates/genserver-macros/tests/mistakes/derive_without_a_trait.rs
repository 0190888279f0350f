//! Nothing to derive.

use genserver::Init;

struct Counter(u64);

#[genserver::server(derive)]
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
