//! A mistake in a body: it is shown there.

use genserver::Init;

struct Counter(u64);

#[genserver::server(client = Client)]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    fn next(&mut self) -> u64 {
        "one"
    }
}

fn main() {}
