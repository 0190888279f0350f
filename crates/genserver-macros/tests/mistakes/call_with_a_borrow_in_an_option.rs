//! A call with a borrow in an option.

use genserver::Init;

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    fn next(&mut self, least: Option<&u64>) -> u64 {
        least.copied().unwrap_or(self.0)
    }
}

fn main() {}
