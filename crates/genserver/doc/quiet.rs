//! A server that takes no messages.

pub use genserver::{Cx, GenServer, Init, Never};

/// The server.
#[derive(Debug)]
pub struct Quiet;

impl GenServer for Quiet {
    type Args = ();
    type Call = Never;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Quiet)
    }
}
