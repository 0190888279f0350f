//! This workspace's own servers, started and called as any user does: timeouts in force, nothing tuned.

use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome, ServerRef};

use super::{Ask, Cast, Counter, Subject};

/// The library of this workspace.
#[derive(Debug)]
pub struct Ours;

/// The same, in a task of its own: its callers never run it.
#[derive(Debug)]
pub struct OursInOwnTask;

/// The counting server.
#[derive(Debug)]
pub struct Server(Counter<ServerRef<Self>>);

/// Its call.
#[derive(Debug)]
pub struct Count(Ask, Caller<u64>);

impl GenServer for Server {
    type Args = ();
    type Call = Count;
    type Cast = Cast<ServerRef<Self>>;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(Counter::default()))
    }

    async fn handle_call(&mut self, Count(ask, caller): Count, _cx: &mut Cx<Self>) -> Outcome<Self> {
        ask.prepare().await;
        Next::reply(caller, self.0.count())
    }

    async fn handle_cast(&mut self, cast: Self::Cast, _cx: &mut Cx<Self>) -> Outcome<Self> {
        if let Some((next, cast)) = self.0.handle(cast) {
            next.cast(cast).expect("the next server has space for a token");
        }
        Next::wait()
    }
}

impl Subject for Ours {
    const ID: &'static str = "genserver";
    type Server = ServerRef<Server>;
    type Keep = ();

    async fn start() -> (Self::Server, Self::Keep) {
        (genserver::start::<Server>(()).await.expect("the server starts"), ())
    }

    async fn start_in_own_task() -> (Self::Server, Self::Keep) {
        (genserver::start::<Server>(()).inline(false).await.expect("the server starts"), ())
    }

    async fn call(server: &Self::Server, ask: Ask) -> u64 {
        server.call(|caller| Count(ask, caller)).await.expect("the server answers")
    }

    async fn cast(server: &Self::Server, cast: Cast<Self::Server>) {
        server.cast_wait(cast).await.expect("the server runs");
    }

    async fn stop(server: Self::Server, (): Self::Keep) {
        server.stop().await.expect("the server runs");
    }
}

impl Subject for OursInOwnTask {
    const ID: &'static str = "inline(false)";
    type Server = ServerRef<Server>;
    type Keep = ();

    async fn start() -> (Self::Server, Self::Keep) {
        Ours::start_in_own_task().await
    }

    async fn call(server: &Self::Server, ask: Ask) -> u64 {
        Ours::call(server, ask).await
    }

    async fn cast(server: &Self::Server, cast: Cast<Self::Server>) {
        Ours::cast(server, cast).await;
    }

    async fn stop(server: Self::Server, (): Self::Keep) {
        Ours::stop(server, ()).await;
    }
}
