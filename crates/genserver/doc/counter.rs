//! A number that is asked for, added to and doubled; if it is to be idle, it stops.

pub use genserver::{Caller, Cx, GenServer, Init, Next, Outcome};

/// The number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Counter(pub u64);

/// What it is asked.
#[derive(Debug)]
pub enum Call {
    /// How much it is.
    Get(Caller<u64>),
}

/// So much more.
#[derive(Debug)]
pub struct Add(pub u64);

/// Twice as much.
#[derive(Debug)]
pub struct Double;

impl GenServer for Counter {
    type Args = u64;
    type Call = Call;
    type Cast = Add;
    type Info = Double;

    async fn init(first: u64, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Counter(first))
    }

    async fn handle_call(&mut self, Call::Get(caller): Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::reply(caller, self.0)
    }

    async fn handle_cast(&mut self, Add(more): Add, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.0 += more;
        Next::wait()
    }

    async fn handle_info(&mut self, Double: Double, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.0 *= 2;
        Next::wait()
    }

    async fn handle_idle(&mut self, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::stop(genserver::Reason::shutdown_with("idle"))
    }
}
