//! A cast with a borrowed parameter.

use genserver::Init;

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[cast]
    fn rename(&mut self, name: &str) {
        drop(name);
    }
}

fn main() {}
