//! A method that keeps what cannot be sent while it awaits.

use genserver::Init;
use std::rc::Rc;

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn init() -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[cast]
    async fn add(&mut self) {
        let amount = Rc::new(1);
        std::future::ready(()).await;
        self.0 += *amount;
    }
}

fn main() {}
