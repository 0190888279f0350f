//! Servers that give one another something to do: they run one after the other in one task, and nobody else suffers for it.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use genserver::{Caller, Cx, GenServer, Init, Never, Next, Node, Outcome, Reason, ServerRef, start};
use tokio::runtime::{Builder, Handle};
use tokio::task::block_in_place;

/// Does what it is sent.
struct Worker;

type Work = Box<dyn FnOnce() + Send>;

impl GenServer for Worker {
    type Args = ();
    type Call = Caller<()>;
    type Cast = Work;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self)
    }

    async fn handle_call(&mut self, caller: Caller<()>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::reply(caller, ())
    }

    async fn handle_cast(&mut self, work: Work, _cx: &mut Cx<Self>) -> Outcome<Self> {
        work();
        Next::wait()
    }
}

async fn worker() -> ServerRef<Worker> {
    start::<Worker>(()).await.unwrap()
}

fn give(to: &ServerRef<Worker>, work: impl FnOnce() + Send + 'static) {
    assert!(to.cast(Box::new(work)).is_ok());
}

/// Passes a token on and on.
fn pass(to: ServerRef<Worker>, from: ServerRef<Worker>) -> Work {
    Box::new(move || drop(to.cast(pass(from, to.clone()))))
}

#[tokio::test]
async fn a_server_needs_no_task_of_its_own_for_what_another_gives_it() {
    let (giver, next) = (worker().await, worker().await);
    let (to, (done, mut seen)) = (next.clone(), tokio::sync::mpsc::unbounded_channel());
    give(&giver, move || give(&to, move || done.send(()).unwrap()));
    seen.recv().await.unwrap();
    assert!(giver.info().has_task);
    assert!(!next.info().has_task);
}

#[tokio::test]
async fn one_that_others_must_not_run_has_its_own_task_all_the_same() {
    let (giver, next) = (worker().await, start::<Worker>(()).inline(false).await.unwrap());
    let (to, (done, mut seen)) = (next.clone(), tokio::sync::mpsc::unbounded_channel());
    give(&giver, move || give(&to, move || done.send(()).unwrap()));
    seen.recv().await.unwrap();
    assert!(next.info().has_task);
}

#[tokio::test]
async fn a_token_that_never_stops_leaves_the_thread_to_others() {
    let (left, right) = (worker().await, worker().await);
    assert!(left.cast(pass(right.clone(), left.clone())).is_ok());
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    left.call(|caller| caller).await.unwrap();
    left.kill();
    right.kill();
    assert_eq!(left.ended().await, Reason::Killed);
    assert_eq!(right.ended().await, Reason::Killed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callback_that_gives_its_thread_away_may_wait_for_the_one_it_gave_something() {
    let (giver, next) = (worker().await, worker().await);
    let done = Arc::new(AtomicBool::new(false));
    let (to, doing) = (next.clone(), Arc::clone(&done));
    let (tell, told) = tokio::sync::oneshot::channel();
    give(&giver, move || {
        give(&to, move || doing.store(true, Ordering::SeqCst));
        block_in_place(|| to.call_blocking(|caller| caller)).unwrap();
        tell.send(()).unwrap();
    });
    told.await.unwrap();
    assert!(done.load(Ordering::SeqCst));
}

#[test]
fn whoever_belongs_to_another_runtime_runs_there() {
    let runtimes: [_; 2] = std::array::from_fn(|_| Builder::new_multi_thread().worker_threads(1).build().unwrap());
    let nodes = [0, 1].map(|at| {
        let handle = Handle::clone(runtimes[at].handle());
        Node::with_runtime(Arc::new(genserver::runtime::Tokio::new(handle)))
    });
    let [giver, next] = nodes.map(|node| futures::executor::block_on(node.start::<Worker>(())).unwrap());
    let (tell, told) = std::sync::mpsc::channel();
    give(&giver, move || give(&next, move || tell.send(Handle::current().id()).unwrap()));
    assert_eq!(told.recv().unwrap(), runtimes[1].handle().id());
}
