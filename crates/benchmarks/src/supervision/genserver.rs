//! This workspace's own supervisors.

use std::time::Duration;

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

/// A supervisor whose children are known when it starts.
#[derive(Debug)]
pub struct Static(Supervisor);

impl Tree for Static {
    const ID: &'static str = crate::contenders::OURS;
    type Child = ServerRef<Child>;

    async fn grow(children: u64, births: Births<Self::Child>) -> Self {
        let child = |number: u64| {
            let births = births.clone();
            ChildSpec::server(number.to_string(), move || genserver::start_link::<Child>(births.clone()))
        };
        let supervisor = Supervisor::one_for_one().children((0..children).map(child));
        let supervisor = supervisor.max_restarts(u32::MAX).within(Duration::from_millis(1)).start().await;
        Self(supervisor.expect("the supervisor starts"))
    }

    async fn crash(child: Self::Child) {
        child.cast(Crash).expect("the child runs");
    }

    async fn fell(self) {
        self.0.stop().await.expect("the supervisor runs");
    }
}
