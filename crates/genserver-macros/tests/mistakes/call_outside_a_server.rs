//! `#[call]` outside a `#[server]` block, where it does not exist.

struct Counter(u64);

impl Counter {
    #[call]
    fn next(&mut self) -> u64 {
        self.0
    }
}

fn main() {}
