//! One server in two forms, by hand and by the macro: a call through the client of each executes the same.

use std::hint::black_box;

use genserver::Init;

/// Written by hand, as the page of `genserver` teaches it.
mod by_hand {
    use genserver::{AsServer, Call, Caller, Cx, GenServer, Init, Lookup, Never, Next, Outcome, ServerRef};

    pub(super) struct Sum(u64);

    pub(super) struct Add(u64, Caller<u64>);

    impl GenServer for Sum {
        type Args = u64;
        type Call = Add;
        type Cast = Never;
        type Info = Never;

        async fn init(first: u64, _cx: &mut Cx<Self>) -> Init<Self> {
            Init::Run(Self(first))
        }

        async fn handle_call(&mut self, Add(more, caller): Add, _cx: &mut Cx<Self>) -> Outcome<Self> {
            self.0 += more;
            Next::reply(caller, self.0)
        }
    }

    pub(super) struct Client<R = ServerRef<Sum>>(R);

    impl<R: AsServer<Server = Sum>> Client<R> {
        pub(super) fn new(server: R) -> Self {
            Self(server)
        }

        pub(super) fn add(&self, more: u64) -> Call<Lookup<'_, R>, u64, impl FnOnce(Caller<u64>) -> Add> {
            self.0.call(move |caller| Add(more, caller))
        }
    }
}

struct Sum(u64);

#[genserver::server(client = Client)]
impl Sum {
    fn init(first: u64) -> Init<Self> {
        Init::Run(Self(first))
    }

    #[call]
    fn add(&mut self, more: u64) -> u64 {
        self.0 += more;
        self.0
    }
}

/// One client calls an idle server, in the form that is written by hand.
pub(crate) async fn calls_by_hand(ops: u64) {
    let client = by_hand::Client::new(genserver::start::<by_hand::Sum>(0).await.expect("the server starts"));
    for _ in 0..ops {
        black_box(client.add(black_box(1)).await.expect("the server answers"));
    }
}

/// The same in the form of the macro.
pub(crate) async fn calls_by_macro(ops: u64) {
    let client = Client::new(genserver::start::<Sum>(0).await.expect("the server starts"));
    for _ in 0..ops {
        black_box(client.add(black_box(1)).await.expect("the server answers"));
    }
}
