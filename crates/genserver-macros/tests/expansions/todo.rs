//! The manager of seed 003, which forgets the lists that have ended.

use std::collections::HashMap;

use genserver::agent::Agent;
use genserver::{Caller, Cx, Down, Init, MonitorRef, Next, Outcome, Reason};

/// A to-do list, the newest item first.
pub(crate) type List = Agent<Vec<String>>;

#[derive(Debug, Default)]
pub(crate) struct Manager {
    names: HashMap<String, List>,
    refs: HashMap<MonitorRef, String>,
}

#[genserver::server(client = Lists)]
impl Manager {
    fn init() -> Init<Self> {
        Init::Run(Manager::default())
    }

    /// The list of this name, if there is one.
    #[call]
    pub(crate) fn lookup(&self, name: String) -> Option<List> {
        self.names.get(&name).cloned()
    }

    /// Ends the manager.
    #[call]
    pub(crate) fn finish(&mut self, caller: Caller<()>) -> Outcome<Self> {
        Next::stop_reply(Reason::Normal, caller, ())
    }

    /// Ensures that there is a list of this name.
    #[cast]
    pub(crate) async fn create(&mut self, name: String, cx: &mut Cx<Self>) -> Outcome<Self> {
        if !self.names.contains_key(&name) {
            // Linked, so that no list outlives the manager.
            let list = Agent::start_link(Vec::new).await?;
            self.refs.insert(cx.monitor(&list, |down| down), name.clone());
            self.names.insert(name, list);
        }
        Next::wait()
    }

    async fn handle_info(&mut self, down: Down, _cx: &mut Cx<Self>) -> Outcome<Self> {
        if let Some(name) = self.refs.remove(&down.reference) {
            self.names.remove(&name);
        }
        Next::wait()
    }
}
