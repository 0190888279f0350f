//! One mistake, and a file full of what it must not disturb: the methods, the enums, the client and the `impl GenServer`.

use genserver::{Caller, GenServer, Init};

pub struct Counter(u64);

#[genserver::server(client = Client)]
impl Counter {
    fn init(first: u64) -> Init<Self> {
        Init::Run(Counter(first))
    }

    #[call]
    pub fn next(&mut self, least: u64) -> u64 {
        self.0.max(least)
    }

    #[cast]
    pub fn add(&mut self, amount: u64) {
        self.0 += amount;
    }

    #[cast]
    pub fn rename(&mut self, name: &str) {
        drop(name.to_owned());
    }
}

// Nothing below is an error.
pub fn calls(counter: &mut Counter, caller: Caller<u64>) -> CounterCall {
    counter.add(1);
    counter.rename("one");
    CounterCall::Next(counter.next(1), caller)
}

pub async fn asks(client: &Client) -> Option<u64> {
    client.add(1).ok()?;
    client.next(1).await.ok()
}

pub fn is_server() -> <Counter as GenServer>::Cast {
    CounterCast::Add(1)
}

fn main() {}
