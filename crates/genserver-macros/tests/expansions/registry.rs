//! The registry of seed 004: it logs what it does not expect.

use std::collections::HashMap;

use genserver::agent::Agent;
use genserver::{Cx, Down, Init, MonitorRef, Next, Outcome};

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

#[genserver::server(client = Registry)]
impl Names {
    fn init() -> Init<Self> {
        Init::Run(Names::default())
    }

    /// The bucket of this name, if there is one.
    #[call]
    pub(crate) fn lookup(&self, name: String) -> Option<Bucket> {
        self.names.get(&name).cloned()
    }

    /// Ensures that there is a bucket of this name.
    #[cast]
    pub(crate) async fn create(&mut self, name: String, cx: &mut Cx<Self>) -> Outcome<Self> {
        if !self.names.contains_key(&name) {
            let bucket = Agent::start_link(HashMap::new).await?;
            self.refs.insert(cx.monitor(&bucket, Info::Down), name.clone());
            self.names.insert(name, bucket);
        }
        Next::wait()
    }

    fn handle_info(&mut self, info: Info, cx: &mut Cx<Self>) -> Outcome<Self> {
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
