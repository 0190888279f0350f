//! This workspace's own supervisors.

use std::time::Duration;

use genserver::dynamic_supervisor::DynamicSupervisor;
use genserver::supervisor::{ChildSpec, Supervisor};
use genserver::{Cx, GenServer, Init, Never, Outcome, Reason, ServerRef};

use super::{Births, Tree};

/// A child.
#[derive(Debug)]
pub struct Child;

/// What a child is told, and cannot stand.
#[derive(Debug)]
pub struct Crash;

impl GenServer for Child {
    type Args = Births<ServerRef<Self>>;
    type Call = Never;
    type Cast = Crash;
    type Info = Never;

    async fn init(births: Self::Args, cx: &mut Cx<Self>) -> Init<Self> {
        births.send(cx.this()).expect("somebody looks on");
        Init::Run(Self)
    }

    async fn handle_cast(&mut self, Crash: Crash, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Err(Reason::term("told to crash"))
    }
}

fn spec(id: String, births: &Births<ServerRef<Child>>) -> ChildSpec<Child, ServerRef<Child>> {
    let births = births.clone();
    ChildSpec::server(id, move || genserver::start_link::<Child>(births.clone()))
}

/// A window too short for any restart to be one too many.
const WITHIN: Duration = Duration::from_millis(1);

/// A supervisor whose children are known when it starts.
#[derive(Debug)]
pub struct Static(Supervisor);

impl Tree for Static {
    const ID: &'static str = crate::contenders::OURS;
    type Child = ServerRef<Child>;

    async fn grow(children: u64, births: Births<Self::Child>) -> Self {
        let children = (0..children).map(|number| spec(number.to_string(), &births));
        let supervisor = Supervisor::one_for_one().children(children).max_restarts(u32::MAX).within(WITHIN);
        Self(supervisor.start().await.expect("the supervisor starts"))
    }

    async fn crash(child: Self::Child) {
        child.cast(Crash).expect("the child runs");
    }

    async fn fell(self) {
        self.0.stop().await.expect("the supervisor runs");
    }
}

/// A supervisor whose children come and go.
#[derive(Debug)]
pub struct Dynamic(DynamicSupervisor);

impl Tree for Dynamic {
    const ID: &'static str = "dynamic";
    type Child = ServerRef<Child>;

    async fn grow(children: u64, births: Births<Self::Child>) -> Self {
        let supervisor = DynamicSupervisor::new().max_restarts(u32::MAX).within(WITHIN);
        let supervisor = supervisor.start().await.expect("the supervisor starts");
        for _ in 0..children {
            supervisor.start_child(spec(String::new(), &births)).await.expect("the child starts");
        }
        Self(supervisor)
    }

    async fn crash(child: Self::Child) {
        Static::crash(child).await;
    }

    async fn fell(self) {
        self.0.stop().await.expect("the supervisor runs");
    }
}
