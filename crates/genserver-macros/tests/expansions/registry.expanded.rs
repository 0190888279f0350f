//! The registry of seed 004: it logs what it does not expect.

use std::collections::HashMap;

use genserver::agent::Agent;
use genserver::{
    AsProcess, AsServer, Call, Caller, CastError, Cx, Down, FindError, GenServer, Init, Lookup, MonitorRef, Next,
    Outcome, ProcessRef, ServerRef, WaitForServer,
};

pub(crate) type Bucket = Agent<HashMap<String, i64>>;

#[derive(Debug, Default)]
pub(crate) struct Names {
    names: HashMap<String, Bucket>,
    refs: HashMap<MonitorRef, String>,
}

#[derive(Debug)]
pub(crate) enum Info {
    Down(Down),
    Other(#[expect(dead_code, reason = "it is only shown")] &'static str),
}

/// A call to `Names`.
pub(crate) enum NamesCall {
    /// The bucket of this name, if there is one.
    Lookup(String, Caller<Option<Bucket>>),
}

/// A cast to `Names`.
pub(crate) enum NamesCast {
    /// Ensures that there is a bucket of this name.
    Create(String),
}

impl Names {
    /// The bucket of this name, if there is one.
    pub(crate) fn lookup(&self, name: String) -> Option<Bucket> {
        self.names.get(&name).cloned()
    }

    /// Ensures that there is a bucket of this name.
    pub(crate) async fn create(&mut self, name: String, cx: &mut Cx<Self>) -> Outcome<Self> {
        if !self.names.contains_key(&name) {
            let bucket = Agent::start_link(HashMap::new).await?;
            self.refs.insert(cx.monitor(&bucket, Info::Down), name.clone());
            self.names.insert(name, bucket);
        }
        Next::wait()
    }
}

impl GenServer for Names {
    type Args = ();
    type Call = NamesCall;
    type Cast = NamesCast;
    type Info = Info;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Names::default())
    }

    async fn handle_call(&mut self, call: NamesCall, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            NamesCall::Lookup(name, caller) => Next::reply(caller, self.lookup(name)),
        }
    }

    async fn handle_cast(&mut self, cast: NamesCast, cx: &mut Cx<Self>) -> Outcome<Self> {
        match cast {
            NamesCast::Create(name) => self.create(name, cx).await,
        }
    }

    async fn handle_info(&mut self, info: Info, cx: &mut Cx<Self>) -> Outcome<Self> {
        match info {
            Info::Down(down) => {
                if let Some(name) = self.refs.remove(&down.reference) {
                    self.names.remove(&name);
                }
            }
            unexpected @ Info::Other(_) => cx.unexpected(&unexpected),
        }
        Next::wait()
    }
}

/// A client of `Names`, over a `ServerRef`, a name, or a supervisor's child.
#[derive(Clone, Debug)]
pub(crate) struct Registry<R = ServerRef<Names>>(R);

impl<R: AsServer<Server = Names>> Registry<R> {
    /// Makes a client of the server that `server` refers to.
    pub(crate) fn new(server: R) -> Self {
        Self(server)
    }

    /// The bucket of this name, if there is one.
    pub(crate) fn lookup(
        &self,
        name: String,
    ) -> Call<Lookup<'_, R>, Option<Bucket>, impl FnOnce(Caller<Option<Bucket>>) -> NamesCall> {
        self.0.call(move |caller| NamesCall::Lookup(name, caller))
    }

    /// Ensures that there is a bucket of this name.
    ///
    /// # Errors
    ///
    /// The message comes back if there is no server, or its mailbox is full.
    pub(crate) fn create(&self, name: String) -> Result<(), CastError<NamesCast>> {
        self.0.cast(NamesCast::Create(name))
    }
}

impl<R: AsServer<Server = Names>> AsServer for Registry<R> {
    type Server = Names;

    fn as_server(&self) -> Result<ServerRef<Names>, FindError> {
        self.0.as_server()
    }

    fn wait_for_server(&self) -> Option<WaitForServer<'_, Names>> {
        self.0.wait_for_server()
    }
}

impl<R: AsProcess> AsProcess for Registry<R> {
    fn as_process(&self) -> Option<ProcessRef> {
        self.0.as_process()
    }
}
