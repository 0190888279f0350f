//! The attribute on an enum.

#[genserver::server]
enum Door {
    Open,
    Closed,
}

fn main() {}
