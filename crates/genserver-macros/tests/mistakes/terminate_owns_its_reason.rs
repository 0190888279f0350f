//! `terminate` that owns its reason.

use genserver::{Init, Reason};

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    fn terminate(&mut self, _reason: Reason) {
        self.0 = 0;
    }
}

fn main() {}
