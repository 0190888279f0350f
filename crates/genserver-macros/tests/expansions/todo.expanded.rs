//! The manager of seed 003, which forgets the lists that have ended.

use std::collections::HashMap;

use genserver::agent::Agent;
use genserver::{
    AsProcess, AsServer, Call, Caller, CastError, Cx, Down, FindError, GenServer, Init, Lookup, MonitorRef, Next,
    Outcome, ProcessRef, Reason, ServerRef, WaitForServer,
};

/// A to-do list, the newest item first.
pub(crate) type List = Agent<Vec<String>>;

#[derive(Debug, Default)]
pub(crate) struct Manager {
    names: HashMap<String, List>,
    refs: HashMap<MonitorRef, String>,
}

/// A call to `Manager`.
pub(crate) enum ManagerCall {
    /// The list of this name, if there is one.
    Lookup(String, Caller<Option<List>>),
    /// Ends the manager.
    Finish(Caller<()>),
}

/// A cast to `Manager`.
pub(crate) enum ManagerCast {
    /// Ensures that there is a list of this name.
    Create(String),
}

impl Manager {
    /// The list of this name, if there is one.
    pub(crate) fn lookup(&self, name: String) -> Option<List> {
        self.names.get(&name).cloned()
    }

    /// Ends the manager.
    pub(crate) fn finish(&mut self, caller: Caller<()>) -> Outcome<Self> {
        Next::stop_reply(Reason::Normal, caller, ())
    }

    /// Ensures that there is a list of this name.
    pub(crate) async fn create(&mut self, name: String, cx: &mut Cx<Self>) -> Outcome<Self> {
        if !self.names.contains_key(&name) {
            // Linked, so that no list outlives the manager.
            let list = Agent::start_link(Vec::new).await?;
            self.refs.insert(cx.monitor(&list, |down| down), name.clone());
            self.names.insert(name, list);
        }
        Next::wait()
    }
}

impl GenServer for Manager {
    type Args = ();
    type Call = ManagerCall;
    type Cast = ManagerCast;
    type Info = Down;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Manager::default())
    }

    async fn handle_call(&mut self, call: ManagerCall, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            ManagerCall::Lookup(name, caller) => Next::reply(caller, self.lookup(name)),
            ManagerCall::Finish(caller) => self.finish(caller),
        }
    }

    async fn handle_cast(&mut self, cast: ManagerCast, cx: &mut Cx<Self>) -> Outcome<Self> {
        match cast {
            ManagerCast::Create(name) => self.create(name, cx).await,
        }
    }

    async fn handle_info(&mut self, down: Down, _cx: &mut Cx<Self>) -> Outcome<Self> {
        if let Some(name) = self.refs.remove(&down.reference) {
            self.names.remove(&name);
        }
        Next::wait()
    }
}

/// A client of `Manager`, over a `ServerRef`, a name, or a supervisor's child.
#[derive(Clone, Debug)]
pub(crate) struct Lists<R = ServerRef<Manager>>(R);

impl<R: AsServer<Server = Manager>> Lists<R> {
    /// Makes a client of the server that `server` refers to.
    pub(crate) fn new(server: R) -> Self {
        Self(server)
    }

    /// The list of this name, if there is one.
    pub(crate) fn lookup(
        &self,
        name: String,
    ) -> Call<Lookup<'_, R>, Option<List>, impl FnOnce(Caller<Option<List>>) -> ManagerCall> {
        self.0.call(move |caller| ManagerCall::Lookup(name, caller))
    }

    /// Ends the manager.
    pub(crate) fn finish(&self) -> Call<Lookup<'_, R>, (), impl FnOnce(Caller<()>) -> ManagerCall> {
        self.0.call(ManagerCall::Finish)
    }

    /// Ensures that there is a list of this name.
    ///
    /// # Errors
    ///
    /// The message comes back if there is no server, or its mailbox is full.
    pub(crate) fn create(&self, name: String) -> Result<(), CastError<ManagerCast>> {
        self.0.cast(ManagerCast::Create(name))
    }
}

impl<R: AsServer<Server = Manager>> AsServer for Lists<R> {
    type Server = Manager;

    fn as_server(&self) -> Result<ServerRef<Manager>, FindError> {
        self.0.as_server()
    }

    fn wait_for_server(&self) -> Option<WaitForServer<'_, Manager>> {
        self.0.wait_for_server()
    }
}

impl<R: AsProcess> AsProcess for Lists<R> {
    fn as_process(&self) -> Option<ProcessRef> {
        self.0.as_process()
    }
}
