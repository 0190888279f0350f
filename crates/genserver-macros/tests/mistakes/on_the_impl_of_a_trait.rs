//! The attribute on the `impl` of a trait, in which is a cast.

use genserver::{Cx, GenServer, Init, Never};

struct Counter(u64);

#[genserver::server]
impl GenServer for Counter {
    type Args = ();
    type Call = Never;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[cast]
    fn add(&mut self, amount: u64) {
        self.0 += amount;
    }
}

fn main() {}
