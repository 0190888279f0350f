//! A cast without `self`.

use genserver::Init;

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[cast]
    fn add(amount: u64) {
        drop(amount);
    }
}

fn main() {}
