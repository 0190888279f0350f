//! A message that cannot derive `Debug`.

use genserver::Init;

struct Counter(u64);

struct Amount(u64);

#[genserver::server(derive(Debug))]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[cast]
    fn add(&mut self, amount: Amount) {
        self.0 += amount.0;
    }
}

fn main() {}
