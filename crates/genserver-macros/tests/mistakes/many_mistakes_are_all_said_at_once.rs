//! Many mistakes, each of which is an error of one run.

use genserver::{Caller, Init, Outcome};

struct Counter(u64);

#[genserver::server(client = Client, nmae = "counter")]
impl Counter {
    pub fn init(&self) -> Init<Self> {
        Init::Run(Counter(0))
    }

    #[call]
    const FIRST: u64 = 0;

    #[call]
    #[cast]
    fn next(self) -> u64 {
        self.0
    }

    #[call]
    fn name(&self, _of: &str) -> &str {
        "counter"
    }

    #[cast]
    fn add<T: Into<u64>>(&mut self, amount: T) -> u64 {
        self.0 + amount.into()
    }

    #[call("Next")]
    fn ask(&mut self, _first: Caller<u64>, _second: Caller<u64>) -> u64 {
        0
    }

    fn handle_info(&mut self) -> Outcome<Self> {
        genserver::Next::wait()
    }
}

fn main() {}
