//! The process of a member: the servers with names belong to it, and end with it.

use std::sync::Arc;

use futures::channel::oneshot;
use futures::future::join_all;
use genserver::supervisor::ChildRef;
use genserver::{
    AsProcess as _, AsServer as _, CallError, Caller, Cx, Exit, GenServer, Init, Never, Next, Outcome, ProcessRef,
    Reason, ServerRef, Start, StopError, time,
};

use crate::cluster::STOP_WITHIN;
use crate::groups::Groups;
use crate::members::Members;
use crate::name::keeper::{Keeper, KeeperArgs};
use crate::name::member::Member;
use crate::wire::messages::Clustered;

/// The process of a member of a cluster.
pub(crate) struct MemberServer {
    member: Arc<Member>,
    /// The processes without which it cannot go on.
    processes: Vec<ProcessRef>,
}

/// What a member is started with.
#[derive(Clone)]
pub(crate) struct MemberArgs {
    pub(super) member: Arc<Member>,
    pub(super) members: Arc<Members>,
    pub(super) groups: Arc<Groups>,
}

/// Asks a member to start a process, which is linked with it.
pub(crate) struct Begin {
    begin: BeginFunction,
    caller: Caller<()>,
}

impl GenServer for MemberServer {
    type Args = MemberArgs;
    type Call = Begin;
    type Cast = Never;
    type Info = Exit;

    async fn init(MemberArgs { member, members, groups }: MemberArgs, cx: &mut Cx<Self>) -> Init<Self> {
        cx.trap_exits(|exit| exit);
        member.set_running(true);
        let processes = members.start().and_then(|of_members| Ok([of_members, groups.start()?].concat()));
        match processes {
            Ok(processes) => Init::Run(Self { member, processes }),
            Err(error) => {
                member.set_running(false);
                Init::Stop(error.into())
            }
        }
    }

    async fn handle_call(&mut self, Begin { begin, caller }: Begin, cx: &mut Cx<Self>) -> Outcome<Self> {
        begin(cx);
        Next::reply(caller, ())
    }

    async fn handle_info(&mut self, exit: Exit, _cx: &mut Cx<Self>) -> Outcome<Self> {
        if self.processes.iter().any(|process| process.pid() == exit.from) {
            return Next::stop(exit.reason);
        }
        // A keeper has ended. A server that was started here is not started again. Its end was reported, if it is one to report.
        Next::wait()
    }

    async fn terminate(&mut self, _reason: &Reason, _cx: &mut Cx<Self>) {
        self.member.set_running(false);
        let keepers = self.member.keepers();
        let stops = keepers.iter().map(|keeper| keeper.stop().reason(Reason::Shutdown).timeout(STOP_WITHIN));
        // Those that have not ended by then are killed, and their names end by themselves.
        let _ = time::timeout(STOP_WITHIN, join_all(stops)).await;
        keepers.iter().for_each(ProcessRef::kill);
        // Those who watch hear of its end at once, and when this returns, unless the engine does not answer.
        self.processes.iter().for_each(|process| process.exit(Reason::Shutdown));
        let _ = time::timeout(STOP_WITHIN, join_all(self.processes.iter().map(ProcessRef::ended))).await;
    }
}

type BeginFunction = Box<dyn FnOnce(&Cx<MemberServer>) + Send>;

/// The process of a member, whichever it is at the moment.
#[derive(Clone)]
pub(super) enum Running {
    One(ServerRef<MemberServer>),
    Child(ChildRef<MemberServer, ServerRef<MemberServer>>),
}

impl Running {
    /// Begins the start of a keeper that belongs to the member.
    pub(super) async fn begin<S: Clustered>(&self, args: KeeperArgs<S>) -> Result<Start<Keeper<S>>, CallError> {
        self.run(|cx| cx.start_link::<Keeper<S>>(args)).await
    }

    /// Runs something in the process of the member: what it links is linked with that.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Cx<MemberServer>) -> T + Send + 'static,
    ) -> Result<T, CallError> {
        let (sender, receiver) = oneshot::channel();
        let begin = Box::new(move |cx: &Cx<MemberServer>| {
            // A caller that has gone meanwhile gets nothing.
            let _ = sender.send(work(cx));
        });
        match self {
            Self::One(server) => server.call(|caller| Begin { begin, caller }).await?,
            Self::Child(child) => child.waiting().call(|caller| Begin { begin, caller }).await?,
        }
        Ok(receiver.await.expect("the member was asked, and has sent it before it answered"))
    }

    pub(super) fn process(&self) -> Option<ProcessRef> {
        match self {
            Self::One(server) => server.as_process(),
            Self::Child(child) => child.as_process(),
        }
    }

    pub(super) async fn stop(&self) -> Result<(), StopError> {
        match self {
            Self::One(server) => server.stop().reason(Reason::Shutdown).await,
            Self::Child(child) => child.stop().reason(Reason::Shutdown).await,
        }
    }
}
