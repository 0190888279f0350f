//! The servers that join groups.

use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome, ServerRef};
use genserver_cluster::{Cluster, Clustered, Messages, Remote, RemoteRef};
use serde::{Deserialize, Serialize};

/// Says what it is called.
pub(super) struct Worker(String);

#[derive(Serialize, Deserialize)]
pub(super) struct Who;

impl Remote<Who> for Worker {
    type Reply = String;

    fn local(Who: Who, caller: Caller<String>) -> Caller<String> {
        caller
    }
}

impl Clustered for Worker {
    fn messages() -> Messages<Self> {
        Messages::new("test.worker", 1).call::<Who>("who")
    }
}

impl GenServer for Worker {
    type Args = String;
    type Call = Caller<String>;
    type Cast = Never;
    type Info = Never;

    async fn init(name: String, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(name))
    }

    async fn handle_call(&mut self, caller: Caller<String>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::reply(caller, self.0.clone())
    }
}

/// Another server, with other messages.
pub(super) struct Clerk;

impl Clustered for Clerk {
    fn messages() -> Messages<Self> {
        Messages::new("test.clerk", 1)
    }
}

impl GenServer for Clerk {
    type Args = ();
    type Call = Never;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self)
    }
}

pub(super) async fn worker(name: &str) -> ServerRef<Worker> {
    genserver::start::<Worker>(name.to_owned()).await.unwrap()
}

/// What all of them say who are in the group, as a member sees it, in order.
pub(super) async fn roll_call(cluster: &Cluster) -> Vec<String> {
    answers(&cluster.group_members::<Worker>("workers").await.unwrap()).await
}

pub(super) async fn answers(workers: &[RemoteRef<Worker>]) -> Vec<String> {
    let mut said = Vec::new();
    for worker in workers {
        said.push(worker.call(Who).await.unwrap());
    }
    said.sort();
    said
}
