//! Members that can be killed, and the engine that they stand on.

use std::sync::Arc;
use std::time::Duration;

use genserver::supervisor::Supervisor;
use genserver::{AsProcess as _, Node, Probe};
use genserver_cluster::engine::model::Model;
use genserver_cluster::{Cluster, NamedServer, RemoteRef, StartNamedError};
use parking_lot::Mutex;

use super::cart::{Cart, CartArgs, Oracle};
use super::observed::Observed;

pub(super) const SPACE: &str = "shop";
pub(super) const NAME: &str = "cart-7";
pub(super) const TIME_TO_LIVE: Duration = Duration::from_millis(1_500);
/// How long the engine's client waits for an answer: longer than a keeper does.
const ANSWER_WITHIN: Duration = Duration::from_millis(600);
pub(super) const MEMBERS: [&str; 3] = ["a", "b", "c"];

/// A cluster of three members, each on a node of its own.
pub(super) struct Shop {
    pub(super) model: Model,
    pub(super) oracle: Arc<Oracle>,
    members: Vec<Mutex<Running>>,
}

#[derive(Clone)]
struct Running {
    node: Node,
    cluster: Cluster,
}

impl Shop {
    pub(super) async fn open(oracle: Oracle) -> Self {
        let (model, oracle) = (Model::new(), Arc::new(oracle));
        model.set_answer_within(ANSWER_WITHIN);
        let mut members = Vec::new();
        for name in MEMBERS {
            members.push(Mutex::new(start(&model, &oracle, name).await));
        }
        Self { model, oracle, members }
    }

    /// A member, as it runs now.
    pub(super) fn cluster(&self, member: usize) -> Cluster {
        self.members[member].lock().cluster.clone()
    }

    /// The server, as a member sees it.
    pub(super) fn cart(&self, member: usize) -> RemoteRef<Cart> {
        self.cluster(member).named(NAME)
    }

    /// Starts the server on a member.
    pub(super) async fn start(&self, member: usize, args: CartArgs) -> Result<NamedServer<Cart>, StartNamedError> {
        self.cluster(member).start_named(NAME, args).await
    }

    /// Makes a member a candidate for the server.
    pub(super) async fn stand(&self, member: usize) {
        let (running, args) = (self.members[member].lock().clone(), self.args(member));
        let candidate = running.cluster.singleton::<Cart>(NAME, move || args.clone());
        let machine = Probe::<()>::on(&running.node);
        machine.scope(async { Supervisor::one_for_one().child(candidate).start().await }).await.unwrap();
    }

    pub(super) fn args(&self, member: usize) -> CartArgs {
        let (oracle, member) = (Arc::clone(&self.oracle), MEMBERS[member].to_owned());
        CartArgs { oracle, member, init_takes: Duration::ZERO, lingers: false }
    }

    /// Ends everything that runs on the machine of a member, at once, and what it has on its way is held up or lost.
    pub(super) fn crash(&self, member: usize) {
        self.model.cut(MEMBERS[member]);
        let node = self.members[member].lock().node.clone();
        for process in node.process_list() {
            if let Some(process) = process.pid.as_process() {
                process.kill();
            }
        }
    }

    /// Starts the machine of a member again.
    pub(super) async fn restart(&self, member: usize) {
        let running = start(&self.model, &self.oracle, MEMBERS[member]).await;
        self.model.rejoin(MEMBERS[member]);
        *self.members[member].lock() = running;
    }

    /// Ends every cut.
    pub(super) fn rejoin_all(&self) {
        for member in MEMBERS {
            self.model.rejoin(member);
        }
    }

    /// Ends everything.
    pub(super) async fn close(&self) {
        for member in &self.members {
            let node = member.lock().node.clone();
            node.shutdown(Duration::from_secs(30)).await;
        }
    }
}

async fn start(model: &Model, oracle: &Arc<Oracle>, name: &str) -> Running {
    let node = Node::new();
    let engine = Observed { engine: model.member(name), member: name.to_owned(), oracle: Arc::clone(oracle) };
    let options = Cluster::over(engine).name_space(SPACE).member(name).time_to_live(TIME_TO_LIVE);
    let machine = Probe::<()>::on(&node);
    let cluster = machine.scope(async { options.start().await }).await.unwrap();
    Running { node, cluster }
}
