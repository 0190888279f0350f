//! `KV.Registry` as in seeds 000 and 001: it is given an event manager, and tells it of its buckets.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::collections::HashMap;

use genevent::Manager;
use genserver::agent::Agent;
use genserver::{Caller, Cx, Down, GenServer, Init, MonitorRef, Next, Outcome, Pid, Probe, ServerRef, StartError};

/// `KV.Bucket`.
pub(crate) type Bucket = Agent<HashMap<String, i64>>;

/// `{:create, name, pid}` and `{:exit, name, pid}`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    Create(String, Pid),
    Exit(String, Pid),
}

/// The server.
pub(crate) struct Server {
    names: HashMap<String, Bucket>,
    refs: HashMap<MonitorRef, String>,
    events: Manager<Event>,
}

pub(crate) enum Call {
    Lookup(String, Caller<Option<Bucket>>),
}

pub(crate) enum Cast {
    Create(String),
}

impl GenServer for Server {
    type Args = Manager<Event>;
    type Call = Call;
    type Cast = Cast;
    type Info = Down;

    async fn init(events: Manager<Event>, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self { names: HashMap::new(), refs: HashMap::new(), events })
    }

    async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Call::Lookup(name, caller) => Next::reply(caller, self.names.get(&name).cloned()),
        }
    }

    async fn handle_cast(&mut self, Cast::Create(name): Cast, cx: &mut Cx<Self>) -> Outcome<Self> {
        if !self.names.contains_key(&name) {
            let bucket = Bucket::start_link(HashMap::new).await?;
            self.refs.insert(cx.monitor(&bucket, |down| down), name.clone());
            self.events.sync_notify(Event::Create(name.clone(), bucket.pid())).await?;
            self.names.insert(name, bucket);
        }
        Next::wait()
    }

    async fn handle_info(&mut self, down: Down, _cx: &mut Cx<Self>) -> Outcome<Self> {
        if let Some(name) = self.refs.remove(&down.reference) {
            self.names.remove(&name);
            self.events.sync_notify(Event::Exit(name, down.pid)).await?;
        }
        Next::wait()
    }
}

/// The client.
pub(crate) struct Registry(pub(crate) ServerRef<Server>);

impl Registry {
    pub(crate) async fn start_link<M: Send>(parent: &Probe<M>, events: &Manager<Event>) -> Result<Self, StartError> {
        parent.start_link::<Server>(events.clone()).await.map(Self)
    }

    pub(crate) async fn lookup(&self, name: &str) -> Option<Bucket> {
        self.0.call(|caller| Call::Lookup(name.to_owned(), caller)).await.unwrap()
    }

    pub(crate) fn create(&self, name: &str) {
        let _ = self.0.cast(Cast::Create(name.to_owned()));
    }
}
