//! The attribute on a block whose type has no name.

trait Count {}

#[genserver::server]
impl dyn Count {
    #[call]
    fn sum(&self) -> u64 {
        0
    }
}

fn main() {}
