//! `init` with a borrowed argument.

use genserver::Init;

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init(name: &str) -> Init<Self> {
        Init::Run(Counter(name.len() as u64))
    }
}

fn main() {}
