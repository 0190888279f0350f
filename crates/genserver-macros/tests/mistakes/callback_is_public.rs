//! A callback that is public.

use genserver::Init;

struct Counter(u64);

#[genserver::server]
impl Counter {
    pub fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }
}

fn main() {}
