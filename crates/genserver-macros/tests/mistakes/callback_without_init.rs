//! A callback, and no `init`.

use genserver::{Next, Outcome};

struct Counter(u64);

#[genserver::server]
impl Counter {
    fn handle_info(&mut self, tick: u64) -> Outcome<Self> {
        self.0 += tick;
        Next::wait()
    }
}

fn main() {}
