//! The attribute on a trait.

#[genserver::server]
trait Count {
    #[call]
    fn next(&mut self) -> u64;
}

fn main() {}
