//! A cast with a parameter whose lifetime is left out.

use genserver::Init;
use std::borrow::Cow;

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[cast]
    fn rename(&mut self, name: Cow<str>) {
        drop(name);
    }
}

fn main() {}
