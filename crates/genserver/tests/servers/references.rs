//! Every reference to one server has the same operations, with the same options and errors.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use genserver::supervisor::{ChildSpec, Supervisor};
use genserver::{
    AsServer, CallError, Caller, CastError, Cx, FindError, GenServer, Init, Named, Next, Node, Outcome, Reason,
    ServerRef, StopError, Subject, WaitForServer, call_all, cast_all, start, start_link, sys, time,
};

/// A number that can be asked for, and added to.
struct Sum {
    total: u64,
    /// Callers that are never answered.
    kept: Vec<Caller<u64>>,
}

enum Ask {
    Get(Caller<u64>),
    Keep(Caller<u64>),
}

impl GenServer for Sum {
    type Args = u64;
    type Call = Ask;
    type Cast = u64;
    type Info = u64;

    async fn init(total: u64, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self { total, kept: Vec::new() })
    }

    async fn handle_call(&mut self, ask: Ask, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match ask {
            Ask::Get(caller) => Next::reply(caller, self.total),
            Ask::Keep(caller) => {
                self.kept.push(caller);
                Next::wait()
            }
        }
    }

    async fn handle_cast(&mut self, more: u64, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.total += more;
        Next::wait()
    }

    async fn handle_info(&mut self, more: u64, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.total += more;
        Next::wait()
    }
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A client that does not know how its server is found.
struct Client<R>(R);

impl<R: AsServer<Server = Sum>> AsServer for Client<R> {
    type Server = Sum;

    fn as_server(&self) -> Result<ServerRef<Sum>, FindError> {
        self.0.as_server()
    }

    fn wait_for_server(&self) -> Option<WaitForServer<'_, Sum>> {
        self.0.wait_for_server()
    }
}

/// All that can be done to a server whose number is 1; then it is stopped.
async fn use_up(server: impl AsServer<Server = Sum> + Sync) {
    assert_eq!(server.call(Ask::Get).await, Ok(1));
    assert_eq!(server.call(Ask::Get).no_timeout().allow_cycle().await, Ok(1));
    let late = server.call(Ask::Keep).timeout(ms(100)).await;
    assert!(matches!(late, Err(CallError::Timeout { after, .. }) if after == ms(100)));
    server.cast(1).unwrap();
    server.cast_wait(1).await.unwrap();
    server.send(1).unwrap();
    assert_eq!(server.send_request(Ask::Get).await, Ok(4));
    assert_eq!(call_all([&server, &server], Ask::Get, ms(100)).await.all(), Ok(vec![4, 4]));
    assert!(cast_all([&server], |_| 1).is_empty());
    assert_eq!(sys::with_state(&server, |sum| sum.total).await.unwrap(), 5);
    let ended = async { server.ended().await };
    let stopped = async { server.stop().reason(Reason::Shutdown).timeout(ms(100)).await };
    assert_eq!(futures::join!(ended, stopped), (Reason::Shutdown, Ok(())));
}

/// The same operations when there is no server, and nobody waits for one.
async fn miss(server: impl AsServer<Server = Sum>) {
    assert!(matches!(server.call(Ask::Get).await, Err(CallError::NoProc { .. })));
    assert!(matches!(server.send_request(Ask::Get).await, Err(CallError::NoProc { .. })));
    assert!(matches!(server.cast(7), Err(CastError::NoProc { message: 7, .. })));
    assert!(matches!(server.cast_wait(8).await, Err(CastError::NoProc { message: 8, .. })));
    assert!(matches!(server.send(9), Err(CastError::NoProc { message: 9, .. })));
    assert!(matches!(server.stop().await, Err(StopError::NoProc { .. })));
}

#[tokio::test(start_paused = true)]
async fn all_references_to_a_server_have_the_same_operations() {
    let node = Node::new();
    let fresh = || async { node.start::<Sum>(1).name("sum").await.unwrap() };
    let named = || Named::<Sum>::on(&node, "sum");

    let server = fresh().await;
    use_up(server.clone()).await;
    miss(server).await;

    miss(named()).await;
    fresh().await;
    use_up(named()).await;

    fresh().await;
    let boxed: Box<dyn AsServer<Server = Sum> + Send + Sync> = Box::new(Client(Arc::new(named())));
    use_up(&boxed).await;
    miss(boxed).await;
    assert_eq!(named().ended().await, Reason::NoProc);

    let spec = ChildSpec::server("sum", || start_link::<Sum>(1));
    let child = spec.reference();
    miss(child.clone()).await;
    let supervisor = Supervisor::one_for_one().child(spec).start().await.unwrap();
    use_up(child.clone()).await;
    use_up(Client(child.waiting())).await;
    supervisor.stop().await.unwrap();
    miss(child.clone()).await;
    miss(Client(child.waiting())).await;
}

#[tokio::test(start_paused = true)]
async fn everything_that_is_awaited_waits_for_a_restart() {
    let spec = ChildSpec::server("sum", || start_link::<Sum>(1));
    let sum = Client(spec.reference().waiting());
    let (called, cast, stopped, ended, _supervisor) = futures::join!(
        sum.call(Ask::Get).timeout(ms(500)),
        sum.cast_wait(2),
        async {
            time::sleep(ms(450)).await;
            sum.stop().await
        },
        sum.ended(),
        async {
            time::sleep(ms(400)).await;
            Supervisor::one_for_one().child(spec).start().await.unwrap()
        }
    );
    assert_eq!(called, Ok(1));
    assert!(cast.is_ok());
    assert_eq!(stopped, Ok(()));
    assert_eq!(ended, Reason::Normal);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_covers_the_wait_for_the_server_and_its_answer() {
    let spec = ChildSpec::server("sum", || start_link::<Sum>(1));
    let sum = spec.reference().waiting();
    let begun = time::now();
    let (called, _supervisor) = futures::join!(sum.call(Ask::Keep).timeout(ms(1000)), async {
        time::sleep(ms(400)).await;
        Supervisor::one_for_one().child(spec).start().await.unwrap()
    });
    assert!(matches!(called, Err(CallError::Timeout { .. })));
    assert_eq!((time::now() - begun).as_millis(), 1000);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_in_time_was_not_asked() {
    let spec = ChildSpec::server("sum", || start_link::<Sum>(1));
    let sum = spec.reference().waiting();
    let begun = time::now();
    let nobody = sum.call(|_| unreachable!("there is nobody to ask")).timeout(ms(300)).await;
    assert_eq!(nobody.map(|()| 0), Err(CallError::NoProc { server: Subject::nobody("sum") }));
    assert_eq!(sum.stop().timeout(ms(100)).await, Err(StopError::NoProc { server: Subject::nobody("sum") }));
    assert_eq!((time::now() - begun).as_millis(), 400);
    drop(spec);
}

/// Finds a server that has ended, and waits for one that lives: a restart between the lookup and the call.
struct Late {
    ended: ServerRef<Sum>,
    next: ServerRef<Sum>,
    waits: AtomicU32,
}

impl AsServer for Late {
    type Server = Sum;

    fn as_server(&self) -> Result<ServerRef<Sum>, FindError> {
        match self.waits.fetch_add(1, Ordering::Relaxed) {
            0 => Ok(self.ended.clone()),
            _ => Err(FindError::NoProc { server: Subject::nobody("late") }),
        }
    }

    fn wait_for_server(&self) -> Option<WaitForServer<'_, Sum>> {
        Some(Box::pin(async { Ok(self.next.clone()) }))
    }
}

#[tokio::test]
async fn what_an_ended_server_did_not_take_goes_to_the_next_one() {
    let (ended, next) = (start::<Sum>(1).await.unwrap(), start::<Sum>(2).await.unwrap());
    ended.stop().await.unwrap();
    let late = || Late { ended: ended.clone(), next: next.clone(), waits: AtomicU32::new(0) };
    assert_eq!(late().call(Ask::Get).await, Ok(2));
    assert!(late().cast_wait(3).await.is_ok());
    assert_eq!(late().call(Ask::Get).await, Ok(5));
    assert_eq!(next.call(Ask::Get).await, Ok(5));
}

#[tokio::test]
async fn a_thread_may_block_for_a_server_that_it_looks_up() {
    let node = Node::new();
    let server = node.start::<Sum>(1).name("sum").await.unwrap();
    let named = Named::<Sum>::on(&node, "sum");
    assert!(matches!(named.call(Ask::Get).blocking(), Err(CallError::WouldBlock { .. })));
    let blocked = tokio::task::spawn_blocking(move || (named.call(Ask::Get).blocking(), named)).await.unwrap();
    assert_eq!(blocked.0, Ok(1));
    server.stop().await.unwrap();
    let named = blocked.1;
    let missing = tokio::task::spawn_blocking(move || named.call(Ask::Get).blocking()).await.unwrap();
    assert_eq!(missing, Err(CallError::NoProc { server: Subject::nobody("sum") }));
}
