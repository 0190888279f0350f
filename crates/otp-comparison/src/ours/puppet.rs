//! A server that does as it is told, and writes down what it sees.

use std::sync::Arc;

use genevent::HandlerGone;
use genserver::{Caller, Cx, Down, Exit, GenServer, Init, Next, Outcome, Reason, ServerRef, Start};

use super::act::{Actor, Me, Return};
use super::world::{What, World, name, ticks};
use super::{Way, events};
use crate::script::Program;
use crate::trace::Kind;
use crate::words;

/// A server that does as it is told.
#[derive(Debug)]
pub(super) struct Puppet(Actor);

/// Who it is to be, and what it does in its init.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) world: Arc<World>,
    pub(super) label: String,
    pub(super) init: Program,
    /// The supervisor among whose children it begins and ends.
    pub(super) ward_of: Option<String>,
}

/// Somebody asks it to do something.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) from: String,
    pub(super) program: Program,
    pub(super) caller: Caller<String>,
}

/// Somebody tells it to do something.
#[derive(Debug)]
pub(super) struct Tell {
    pub(super) from: String,
    pub(super) program: Program,
}

#[derive(Debug)]
pub(super) enum Info {
    /// What the script says.
    Order(Program),
    Message(Tell),
    Continue(Program),
    Down(Down),
    Exit(Exit),
    Gone(HandlerGone),
}

/// The start of a puppet, in the way of this run.
pub(super) fn start(plan: Plan, options: &Options) -> Start<Puppet> {
    let inline = plan.world.way != Way::Queued;
    options.set(genserver::start::<Puppet>(plan)).inline(inline)
}

/// What a script says about a start.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    pub(super) link: bool,
    pub(super) monitor: bool,
    pub(super) name: Option<String>,
    pub(super) within: Option<u32>,
    pub(super) hibernate_after: Option<u32>,
}

impl Options {
    pub(super) fn set(&self, mut start: Start<Puppet>) -> Start<Puppet> {
        if self.link {
            start = start.link();
        }
        if let Some(name) = self.name.as_deref().and_then(name) {
            start = start.name(name);
        }
        if let Some(within) = self.within {
            start = start.timeout(ticks(within));
        }
        if let Some(after) = self.hibernate_after {
            start = start.hibernate_after(ticks(after));
        }
        start
    }
}

impl Puppet {
    pub(super) fn state(&self) -> u32 {
        self.0.state
    }

    pub(super) fn set_state(&mut self, state: u32) {
        self.0.state = state;
    }

    /// In one way of running, every callback awaits something before it does anything.
    async fn begin(&self) {
        self.0.world.way.begin().await;
    }

    fn log(&self, kind: Kind, text: impl Into<String>) {
        self.0.world.log(&self.0.called, kind, text);
    }

    async fn obey(&mut self, program: Program, cx: &mut Cx<Self>) -> Outcome<Self> {
        self.0.run(program, &mut Me::Server(cx), &mut None).await.outcome(None)
    }
}

impl GenServer for Puppet {
    type Args = Plan;
    type Call = Ask;
    type Cast = Tell;
    type Info = Info;

    async fn init(plan: Plan, cx: &mut Cx<Self>) -> Init<Self> {
        let Plan { world, label, init, ward_of } = plan;
        let (called, number) = world.born(&label, cx.process_ref(), What::Server(cx.this()));
        let mut puppet = Self(Actor::new(world, called, number, ward_of));
        puppet.begin().await;
        puppet.0.log_life("init");
        let returned = puppet.0.run(init, &mut Me::Server(cx), &mut None).await;
        returned.init(puppet)
    }

    async fn handle_call(&mut self, ask: Ask, cx: &mut Cx<Self>) -> Outcome<Self> {
        self.begin().await;
        self.log(Kind::From(ask.from.clone()), format!("call from {}", ask.from));
        let mut caller = Some(ask.caller);
        let returned = self.0.run(ask.program, &mut Me::Server(cx), &mut caller).await;
        returned.outcome(caller)
    }

    async fn handle_cast(&mut self, tell: Tell, cx: &mut Cx<Self>) -> Outcome<Self> {
        self.begin().await;
        self.log(Kind::From(tell.from.clone()), format!("cast from {}", tell.from));
        self.obey(tell.program, cx).await
    }

    async fn handle_info(&mut self, info: Info, cx: &mut Cx<Self>) -> Outcome<Self> {
        self.begin().await;
        let (kind, text, program) = match info {
            Info::Order(program) => (Kind::From("driver".to_owned()), "order".to_owned(), program),
            Info::Message(tell) => (Kind::From(tell.from.clone()), format!("info from {}", tell.from), tell.program),
            Info::Continue(program) => (Kind::Own, "continue".to_owned(), program),
            Info::Down(down) => {
                let from = self.0.world.called(down.pid);
                let text = format!("down {from} {}", words::of_reason(&down.reason));
                (Kind::From(from), text, self.0.on("down"))
            }
            Info::Exit(exit) => {
                let from = self.0.world.called(exit.from);
                let text = format!("exit {from} {}", words::of_reason(&exit.reason));
                (Kind::From(from), text, self.0.on("exit"))
            }
            Info::Gone(gone) => {
                let (from, text) = events::gone(&self.0.world, &gone);
                (Kind::From(from), text, self.0.on("gone"))
            }
        };
        self.log(kind, text);
        self.obey(program, cx).await
    }

    async fn handle_idle(&mut self, cx: &mut Cx<Self>) -> Outcome<Self> {
        self.begin().await;
        self.log(Kind::Fence, "timeout");
        let program = self.0.on("timeout");
        self.obey(program, cx).await
    }

    async fn terminate(&mut self, reason: &Reason, cx: &mut Cx<Self>) {
        self.begin().await;
        self.0.log_life(&format!("terminate {}", words::of_reason(reason)));
        let program = self.0.on("terminate");
        // A terminate returns nothing but can fail, which is a panic here.
        if let Return::Fail(reason) = self.0.run(program, &mut Me::Server(cx), &mut None).await {
            self.0.world.complain(format!("terminate cannot fail with {reason}, only `raise`"));
        }
    }
}

impl Return {
    fn init(self, puppet: Puppet) -> Init<Puppet> {
        match self {
            Self::Wait => Init::Run(puppet),
            Self::Idle(count) => Init::RunIdle(puppet, ticks(count)),
            Self::Hibernate => Init::RunHibernate(puppet),
            Self::Then(program) => Init::RunThen(puppet, Info::Continue(program)),
            Self::Ignore => Init::Ignore,
            Self::Stop(reason) | Self::Fail(reason) => Init::Stop(reason),
            other => {
                puppet.0.world.complain(format!("an init cannot return {other:?}"));
                Init::Ignore
            }
        }
    }

    fn outcome(self, caller: Option<Caller<String>>) -> Outcome<Puppet> {
        let reply = |caller: Option<Caller<String>>| caller.expect("only a call is answered");
        match self {
            Self::Wait => Next::wait(),
            Self::Idle(count) => Next::idle(ticks(count)),
            Self::Hibernate => Next::hibernate(),
            Self::Then(program) => Next::then(Info::Continue(program)),
            Self::Stop(reason) => Next::stop(reason),
            Self::Reply(value) => Next::reply(reply(caller), value),
            Self::ReplyIdle(value, count) => Next::reply_idle(reply(caller), value, ticks(count)),
            Self::ReplyHibernate(value) => Next::reply_hibernate(reply(caller), value),
            Self::ReplyThen(value, program) => Next::reply_then(reply(caller), value, Info::Continue(program)),
            Self::StopReply(reason, value) => Next::stop_reply(reason, reply(caller), value),
            Self::Fail(reason) => Err(reason),
            Self::Ignore => panic!("only an init is ignored"),
        }
    }
}

/// The start of a puppet under a supervisor.
pub(super) fn start_child(plan: Plan) -> Start<Puppet, ServerRef<Puppet>> {
    start(plan, &Options { link: true, ..Options::default() })
}
