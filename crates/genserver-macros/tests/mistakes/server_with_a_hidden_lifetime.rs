//! A server whose lifetime is left out.

struct Counter<'a>(&'a u64);

#[genserver::server]
impl Counter<'_> {
    #[call]
    fn next(&mut self) -> u64 {
        *self.0
    }
}

fn main() {}
