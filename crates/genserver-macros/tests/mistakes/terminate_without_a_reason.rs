//! `terminate` without a reason.

use genserver::Init;

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    fn terminate(&mut self) {
        self.0 = 0;
    }
}

fn main() {}
