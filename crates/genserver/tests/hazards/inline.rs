//! A server on its callers' threads: wakes, races, foreign threads, budgets and nesting.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::task::{Poll, Waker};
use std::time::Duration;

use futures::executor::block_on;
use futures::future::{BoxFuture, FutureExt};
use futures::task::LocalSpawnExt as _;
use genserver::{CallError, Caller, Cx, GenServer, Init, Never, Next, Outcome, Reason, ServerRef, start};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinSet, yield_now};

use crate::flavours::soon;
use crate::puppet::{self, Log, Puppet, act, answer, note, park, slow, waiting};

on_both_flavours! {
    a_waker_that_fires_while_a_caller_polls_is_not_lost
    a_message_that_comes_while_the_poller_lets_go_is_handled
    a_server_never_has_two_pollers
    a_call_to_a_parked_server_does_not_poll_it
    a_caller_in_another_runtime_or_in_none_leaves_the_work_to_the_servers_own
    a_waker_fired_in_a_foreign_runtime_comes_home
    the_first_task_of_a_server_races_an_inline_run
    a_handler_gets_on_although_its_caller_has_no_budget_left
    fifty_servers_may_call_one_another_in_a_row
    fifty_servers_may_start_one_another_in_a_row
}

async fn puppet() -> ServerRef<Puppet> {
    start::<Puppet>(waiting(&Log::default())).await.unwrap()
}

/// Wakes from a thread of its own.
#[derive(Clone)]
struct Elsewhere(std::sync::mpsc::Sender<Waker>);

impl Elsewhere {
    fn new() -> Self {
        let (wakers, to_wake) = std::sync::mpsc::channel::<Waker>();
        #[expect(clippy::disallowed_methods, reason = "a thread outside every runtime")]
        std::thread::spawn(move || to_wake.into_iter().for_each(Waker::wake));
        Self(wakers)
    }

    /// Pending once, and woken from the other thread as soon as possible.
    async fn bounce(&self) {
        let mut bounced = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut bounced, true) {
                return Poll::Ready(());
            }
            self.0.send(cx.waker().clone()).unwrap();
            Poll::Pending
        })
        .await;
    }
}

async fn a_waker_that_fires_while_a_caller_polls_is_not_lost() {
    let server = puppet().await;
    let elsewhere = Elsewhere::new();
    for round in 0..3000 {
        let elsewhere = elsewhere.clone();
        let called = server.call(move |caller| {
            slow(move |_, _| {
                Box::pin(async move {
                    // One wake comes within its own poll, one from another thread, during the poll or after it.
                    yield_now().await;
                    elsewhere.bounce().await;
                    poll_fn(|cx| {
                        cx.waker().wake_by_ref();
                        Poll::Ready(())
                    })
                    .await;
                    Next::reply(caller, round)
                })
            })
        });
        assert_eq!(called.await, Ok(round));
    }
}

/// Counts what it handles.
struct Counter(Arc<AtomicU32>);

impl GenServer for Counter {
    type Args = Arc<AtomicU32>;
    type Call = Caller<u32>;
    type Cast = ();
    type Info = Never;

    async fn init(count: Arc<AtomicU32>, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Counter(count))
    }

    async fn handle_call(&mut self, caller: Caller<u32>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::reply(caller, self.0.load(SeqCst))
    }

    async fn handle_cast(&mut self, (): (), _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.0.fetch_add(1, SeqCst);
        Next::wait()
    }
}

/// Nothing follows the last cast that would bring a forgotten one to light, so it has to be handled by itself.
async fn a_message_that_comes_while_the_poller_lets_go_is_handled() {
    let count = Arc::new(AtomicU32::new(0));
    let server = start::<Counter>(Arc::clone(&count)).await.unwrap();
    let mut sent = 0;
    for _ in 0..3000 {
        let caller = server.clone();
        let mut calling = JoinSet::new();
        calling.spawn(async move { caller.call(|caller| caller).await });
        yield_now().await;
        server.cast(()).unwrap();
        sent += 1;
        while let Some(called) = calling.join_next().await {
            called.unwrap().unwrap();
        }
        while count.load(SeqCst) < sent {
            yield_now().await;
        }
    }
}

/// Asserts that only one of its callbacks runs at a time.
struct Alone {
    inside: AtomicBool,
}

enum Come {
    AndGo(Caller<()>),
    AndStay(Caller<()>, Elsewhere),
}

impl Alone {
    fn enter(&self) {
        assert!(!self.inside.swap(true, SeqCst), "two callbacks at once");
    }

    fn leave(&self) {
        assert!(self.inside.swap(false, SeqCst));
    }
}

impl GenServer for Alone {
    type Args = ();
    type Call = Come;
    type Cast = ();
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Alone { inside: AtomicBool::new(false) })
    }

    async fn handle_call(&mut self, come: Come, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.enter();
        let caller = match come {
            Come::AndGo(caller) => caller,
            Come::AndStay(caller, elsewhere) => {
                elsewhere.bounce().await;
                caller
            }
        };
        self.leave();
        Next::reply(caller, ())
    }

    async fn handle_cast(&mut self, (): (), _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.enter();
        yield_now().await;
        self.leave();
        Next::wait()
    }
}

async fn a_server_never_has_two_pollers() {
    let server = start::<Alone>(()).await.unwrap();
    let elsewhere = Elsewhere::new();
    let mut clients = JoinSet::new();
    for client in 0..8 {
        let (server, elsewhere) = (server.clone(), elsewhere.clone());
        clients.spawn(async move {
            for round in 0..1000 {
                match (round + client) % 5 {
                    0 => server.cast(()).unwrap(),
                    1 => server.call(|caller| Come::AndStay(caller, elsewhere.clone())).await.unwrap(),
                    _ => server.call(Come::AndGo).await.unwrap(),
                }
            }
        });
    }
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    assert_eq!(server.stop().await, Ok(()));
}

async fn a_call_to_a_parked_server_does_not_poll_it() {
    let server = puppet().await;
    let polls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&polls);
    let (go, gone) = oneshot::channel::<()>();
    server
        .cast(slow(move |_, _| {
            Box::pin(async move {
                let mut gone = gone;
                poll_fn(|cx| {
                    counted.fetch_add(1, SeqCst);
                    gone.poll_unpin(cx)
                })
                .await
                .unwrap();
                Next::wait()
            })
        }))
        .unwrap();
    while polls.load(SeqCst) == 0 {
        yield_now().await;
    }
    let mut waiting = JoinSet::new();
    for number in 0..20 {
        let server = server.clone();
        waiting.spawn(async move { server.call(|caller| answer(caller, number)).await });
    }
    for _ in 0..100 {
        yield_now().await;
    }
    assert_eq!(polls.load(SeqCst), 1);
    go.send(()).unwrap();
    while let Some(called) = waiting.join_next().await {
        called.unwrap().unwrap();
    }
    assert_eq!(polls.load(SeqCst), 2);
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// Runs this on a thread outside every runtime.
pub(crate) async fn on_a_plain_thread<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    let (tell, told) = oneshot::channel();
    #[expect(clippy::disallowed_methods, reason = "a thread outside every runtime")]
    std::thread::spawn(move || tell.send(run()).ok());
    told.await.unwrap()
}

/// Calls a hundred times, some of which await, and returns the runtimes in which the handlers ran.
async fn call_often(server: ServerRef<Puppet>) -> Vec<tokio::runtime::Id> {
    let mut homes = Vec::new();
    for round in 0..500 {
        let home = server.call(move |caller| {
            slow(move |_, _| {
                Box::pin(async move {
                    if round % 3 == 0 {
                        yield_now().await;
                    }
                    Next::reply(caller, Handle::current().id())
                })
            })
        });
        homes.push(home.await.unwrap());
    }
    homes.dedup();
    homes
}

async fn a_caller_in_another_runtime_or_in_none_leaves_the_work_to_the_servers_own() {
    let home = Handle::current().id();
    let server = puppet().await;
    let calls = call_often(server.clone());
    assert_eq!(on_a_plain_thread(|| block_on(calls)).await, [home]);
    let foreign = runtime();
    let calls = call_often(server.clone());
    assert_eq!(on_a_plain_thread(move || foreign.block_on(calls)).await, [home]);
    assert_eq!(call_often(server).await, [home]);
}

async fn a_waker_fired_in_a_foreign_runtime_comes_home() {
    let home = Handle::current().id();
    let server = puppet().await;
    let foreign = runtime();
    let (wakers, mut to_wake) = mpsc::unbounded_channel::<Waker>();
    let mut waking = JoinSet::new();
    waking.spawn_on(
        async move {
            while let Some(waker) = to_wake.recv().await {
                waker.wake();
            }
        },
        foreign.handle(),
    );
    for _ in 0..1000 {
        let wakers = wakers.clone();
        let called = server.call(move |caller| {
            slow(move |_, _| {
                Box::pin(async move {
                    let mut sent = false;
                    poll_fn(|cx| {
                        if std::mem::replace(&mut sent, true) {
                            return Poll::Ready(());
                        }
                        wakers.send(cx.waker().clone()).unwrap();
                        Poll::Pending
                    })
                    .await;
                    Next::reply(caller, Handle::current().id())
                })
            })
        });
        assert_eq!(called.await, Ok(home));
    }
    foreign.shutdown_background();
}

async fn the_first_task_of_a_server_races_an_inline_run() {
    for _ in 0..2000 {
        let count = Arc::new(AtomicU32::new(0));
        let server = start::<Counter>(Arc::clone(&count)).await.unwrap();
        let mut racing = JoinSet::new();
        for _ in 0..2 {
            let server = server.clone();
            racing.spawn(async move { server.cast(()).unwrap() });
        }
        server.call(|caller| caller).await.unwrap();
        while racing.join_next().await.is_some() {}
        while count.load(SeqCst) < 2 {
            yield_now().await;
        }
        server.stop().await.unwrap();
    }
}

/// In virtual time, where no callback is long.
#[tokio::test(start_paused = true)]
async fn a_tight_loop_of_calls_lets_other_tasks_run_every_128_calls() {
    let server = puppet().await;
    let polls = Arc::new(AtomicU32::new(0));
    let other = Arc::clone(&polls);
    let mut others = JoinSet::new();
    others.spawn(async move {
        loop {
            other.fetch_add(1, SeqCst);
            yield_now().await;
        }
    });
    yield_now().await;
    let (mut seen, mut since, mut longest) = (polls.load(SeqCst), 0, 0);
    for _ in 0..20_000 {
        server.call(|caller| answer(caller, ())).await.unwrap();
        since += 1;
        if polls.load(SeqCst) > seen {
            seen = polls.load(SeqCst);
            since = 0;
        }
        longest = longest.max(since);
    }
    assert!(longest <= 128, "{longest} calls in a row");
    assert!(seen >= 20_000 / 128);
    assert!(!server.info().has_task, "and all of them ran on the caller's own task");
}

#[tokio::test]
async fn a_tight_loop_of_casts_and_calls_lets_other_tasks_run() {
    let server = puppet().await;
    let polls = Arc::new(AtomicU32::new(0));
    let other = Arc::clone(&polls);
    let mut others = JoinSet::new();
    others.spawn(async move {
        loop {
            other.fetch_add(1, SeqCst);
            yield_now().await;
        }
    });
    yield_now().await;
    let before = polls.load(SeqCst);
    for _ in 0..2000 {
        server.cast(note("x")).unwrap();
        server.call(|caller| answer(caller, ())).await.unwrap();
    }
    assert!(polls.load(SeqCst) - before >= 2000 / 128);
}

async fn a_handler_gets_on_although_its_caller_has_no_budget_left() {
    let server = puppet().await;
    for used in [0, 100, 126, 127, 128, 129] {
        let (fill, mut drain) = mpsc::unbounded_channel();
        for number in 0..300 {
            fill.send(number).unwrap();
        }
        // Use up the caller's budget.
        let (feed, mut eat) = mpsc::unbounded_channel();
        for number in 0..used {
            feed.send(number).unwrap();
        }
        yield_now().await;
        for _ in 0..used {
            eat.recv().await.unwrap();
        }
        let called = server.call(|caller| {
            slow(move |_, _| {
                Box::pin(async move {
                    let mut sum = 0;
                    for _ in 0..300 {
                        sum += drain.recv().await.unwrap();
                    }
                    Next::reply(caller, sum)
                })
            })
        });
        assert_eq!(called.await, Ok((0..300).sum::<i32>()));
    }
}

/// A server whose handler runs an executor of its own on the same thread, and calls other servers in it.
#[tokio::test(start_paused = true)]
async fn an_executor_inside_a_handler_does_not_lock_the_library() {
    let (outer, inner) = (puppet().await, puppet().await);
    let parked = puppet().await;
    let never = parked.call(park::<()>).timeout(Duration::from_millis(1)).await;
    assert!(matches!(never, Err(CallError::Timeout { .. })));
    let calls = outer.call(|caller| {
        act(move |_, cx| {
            let this = cx.this();
            let mut pool = futures::executor::LocalPool::new();
            let spawner = pool.spawner();
            let sum = spawner
                .spawn_local_with_handle(async move {
                    // To an idle server, which runs here; to itself; and to one that never answers.
                    let idle = inner.call(|caller| answer(caller, 1)).await;
                    let own = this.call(|caller| answer(caller, 1)).await;
                    let silent = parked.call(|caller| answer(caller, 1)).now_or_never();
                    this.cast(note("to myself")).unwrap();
                    (idle, own, silent.is_some())
                })
                .unwrap();
            let (idle, own, silent) = pool.run_until(sum);
            assert!(matches!(own, Err(CallError::CallingSelf { .. })));
            Next::reply(caller, (idle, silent))
        })
    });
    assert_eq!(calls.await, Ok((Ok(1), false)));
    outer.call(|caller| answer(caller, ())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_blocks_in_place_may_be_called_meanwhile() {
    soon(async {
        let (server, other) = (puppet().await, puppet().await);
        for _ in 0..50 {
            let (this, other) = (server.clone(), other.clone());
            let called = server.call(|caller| {
                act(move |_, _| {
                    let reentered = tokio::task::block_in_place(|| {
                        Handle::current().block_on(async move {
                            let mut calls = JoinSet::new();
                            let busy = this.clone();
                            // From another task it is a call like any other: it waits until the server is free.
                            calls.spawn(async move { busy.call(|caller| answer(caller, 1)).await });
                            other.call(|caller| answer(caller, ())).await.unwrap();
                            yield_now().await;
                            calls
                        })
                    });
                    Next::reply(caller, reentered)
                })
            });
            let mut calls = called.await.unwrap();
            assert_eq!(calls.join_next().await.unwrap().unwrap(), Ok(1));
        }
    })
    .await;
}

/// Calls the next of a row, which calls the next.
fn down_the_row(mut row: std::vec::IntoIter<ServerRef<Puppet>>, caller: Caller<usize>) -> puppet::Act {
    slow(move |_, _| {
        Box::pin(async move {
            let deeper: BoxFuture<'_, usize> = match row.next() {
                Some(next) => Box::pin(async move { next.call(|caller| down_the_row(row, caller)).await.unwrap() }),
                None => Box::pin(async { 0 }),
            };
            Next::reply(caller, deeper.await + 1)
        })
    })
}

async fn fifty_servers_may_call_one_another_in_a_row() {
    let mut servers = Vec::new();
    for _ in 0..50 {
        servers.push(puppet().await);
    }
    for _ in 0..100 {
        let mut row = servers.clone().into_iter();
        let first = row.next().unwrap();
        assert_eq!(first.call(|caller| down_the_row(row, caller)).await, Ok(50));
    }
}

/// Starts the next in its init.
struct Nested(Option<ServerRef<Nested>>);

impl GenServer for Nested {
    type Args = u32;
    type Call = Caller<u32>;
    type Cast = Never;
    type Info = Never;

    async fn init(deeper: u32, cx: &mut Cx<Self>) -> Init<Self> {
        if deeper == 0 {
            return Init::Run(Nested(None));
        }
        match Box::pin(cx.start_link::<Nested>(deeper - 1)).await {
            Ok(next) => Init::Run(Nested(Some(next))),
            Err(error) => Init::Stop(error.into()),
        }
    }

    async fn handle_call(&mut self, caller: Caller<u32>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match &self.0 {
            None => Next::reply(caller, 1),
            Some(next) => {
                let deeper = Box::pin(next.call(|caller| caller)).await?;
                Next::reply(caller, deeper + 1)
            }
        }
    }
}

async fn fifty_servers_may_start_one_another_in_a_row() {
    for deeper in [50, 2000] {
        let first = start::<Nested>(deeper).await.unwrap();
        assert_eq!(first.call(|caller| caller).no_timeout().await, Ok(deeper + 1));
        let mut last = first.clone();
        // One end takes down all of them, one after the other.
        first.exit(Reason::term("all of you"));
        assert_eq!(last.ended().await, Reason::term("all of you"));
        last = first;
        while last.is_alive() {
            yield_now().await;
        }
    }
}
