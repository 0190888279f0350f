//! A server that breaks when it is told to, and for which no info means anything.

pub use genserver::*;

/// The server.
#[derive(Debug)]
pub struct Fragile;

impl GenServer for Fragile {
    type Args = ();
    type Call = Never;
    type Cast = &'static str;
    type Info = u8;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Fragile)
    }

    async fn handle_cast(&mut self, what: &'static str, _cx: &mut Cx<Self>) -> Outcome<Self> {
        panic!("{what} broke");
    }
}
