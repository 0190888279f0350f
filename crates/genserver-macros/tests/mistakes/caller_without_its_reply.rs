//! A caller without the type of its reply.

use genserver::{Caller, Init};

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    fn next(&mut self, caller: Caller) {
        caller.reply(self.0);
    }
}

fn main() {}
