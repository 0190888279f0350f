//! A reply that cannot be sent: it is shown where it is returned.

use genserver::{Cx, GenServer, Init, Never};
use std::rc::Rc;

struct Counter(u64);

#[genserver::server]
impl Counter {
    #[call]
    fn next(&mut self) -> Rc<u64> {
        Rc::new(self.0)
    }
}

impl GenServer for Counter {
    type Args = ();
    type Call = Never;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Counter(0))
    }
}

fn main() {}
