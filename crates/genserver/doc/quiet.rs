// Included by the examples that are about processes rather than messages: a server that takes none.
#[allow(unused_imports, reason = "an example need not use all of it")]
use genserver::{Cx, GenServer, Init, Never};

struct Quiet;

impl GenServer for Quiet {
    type Args = ();
    type Call = Never;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Quiet)
    }
}
