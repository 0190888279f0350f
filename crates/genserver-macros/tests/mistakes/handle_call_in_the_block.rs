//! `handle_call` in the block.

use genserver::{Cx, Init, Next, Outcome};

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    fn next(&mut self) -> u64 {
        self.0
    }

    async fn handle_call(&mut self, _call: CounterCall, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::wait()
    }
}

fn main() {}
