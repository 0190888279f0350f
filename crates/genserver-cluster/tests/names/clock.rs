//! The server that the tests start, and the members that start it.

use std::time::Duration;

use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome, Reason, time};
use genserver_cluster::engine::model::Model;
use genserver_cluster::{Cluster, Clustered, Messages, Remote};
use serde::{Deserialize, Serialize};

/// Counts how often it was asked.
pub(super) struct Clock(u64);

pub(super) enum Call {
    Tick(Caller<u64>),
    Nap(Duration, Caller<u64>),
    Break(Caller<u64>),
}

#[derive(Serialize, Deserialize)]
pub(super) struct Tick;

/// Is handled for as long as this.
#[derive(Serialize, Deserialize)]
pub(super) struct Nap {
    pub(super) secs: u64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Break;

impl Remote<Tick> for Clock {
    type Reply = u64;

    fn local(Tick: Tick, caller: Caller<u64>) -> Call {
        Call::Tick(caller)
    }
}

impl Remote<Nap> for Clock {
    type Reply = u64;

    fn local(Nap { secs }: Nap, caller: Caller<u64>) -> Call {
        Call::Nap(Duration::from_secs(secs), caller)
    }
}

impl Remote<Break> for Clock {
    type Reply = u64;

    fn local(Break: Break, caller: Caller<u64>) -> Call {
        Call::Break(caller)
    }
}

impl Clustered for Clock {
    fn messages() -> Messages<Self> {
        Messages::new("test.clock", 1).call::<Tick>("tick").call::<Nap>("nap").call::<Break>("break")
    }
}

impl GenServer for Clock {
    /// Whether it starts.
    type Args = bool;
    type Call = Call;
    type Cast = Never;
    type Info = Never;

    async fn init(starts: bool, _cx: &mut Cx<Self>) -> Init<Self> {
        if starts { Init::Run(Self(0)) } else { Init::Stop(Reason::term("no battery")) }
    }

    async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Call::Tick(caller) => {
                self.0 += 1;
                Next::reply(caller, self.0)
            }
            Call::Nap(takes, caller) => {
                time::sleep(takes).await;
                Next::reply(caller, self.0)
            }
            Call::Break(caller) => {
                drop(caller);
                Next::stop(Reason::term("a broken wheel"))
            }
        }
    }
}

/// Two members of one cluster.
pub(super) async fn two() -> (Model, Cluster, Cluster) {
    let model = Model::new();
    let a = Cluster::over(model.member("a")).name_space("test").member("a").start().await.unwrap();
    let b = Cluster::over(model.member("b")).name_space("test").member("b").start().await.unwrap();
    (model, a, b)
}
