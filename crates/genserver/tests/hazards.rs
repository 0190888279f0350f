//! What could go wrong when callers run servers on their own threads: wakes, races, foreign threads, budgets and nesting.
//!
//! Each row of the design's table of hazards is a test here, in `hazards_of_the_end` or in `chaos`.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

#[path = "calls_suite/puppet.rs"]
mod puppet;

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::task::{Poll, Waker};
use std::time::Duration;

use futures::executor::block_on;
use futures::future::{BoxFuture, FutureExt, join};
use futures::task::LocalSpawnExt as _;
use genserver::{
    CallError, Caller, Cx, GenServer, Init, Never, Next, Node, Outcome, Probe, Reason, ServerRef, start, sys,
};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinSet, yield_now};

use puppet::{Log, Puppet, act, answer, note, park, slow, waiting};

/// The same test on one thread and on two.
macro_rules! on_both_flavours {
    ($($name:ident)*) => {$(
        mod $name {
            #[tokio::test]
            async fn on_one_thread() {
                super::soon(super::$name()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_two_threads() {
                super::soon(super::$name()).await;
            }
        }
    )*};
}

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
    a_dropped_call_gives_up_the_answer_and_not_the_request
    a_server_that_nobody_refers_to_lives_on
    whoever_stops_a_server_may_be_its_monitor
    a_busy_monitor_holds_up_nobodys_end
    a_stale_waker_disturbs_no_later_callback
    a_suspended_server_is_run_by_nobody_and_keeps_the_order
    a_suspended_server_can_be_stopped_and_killed
}

/// A test that hangs fails.
async fn soon<T>(test: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_mins(1), test).await.expect("the test hangs")
}

async fn puppet() -> ServerRef<Puppet> {
    start::<Puppet>(waiting(&Log::default())).await.unwrap()
}

/// Wakes by a thread of its own.
#[derive(Clone)]
struct Elsewhere(std::sync::mpsc::Sender<Waker>);

impl Elsewhere {
    fn new() -> Self {
        let (wakers, to_wake) = std::sync::mpsc::channel::<Waker>();
        #[expect(clippy::disallowed_methods, reason = "a thread that belongs to no runtime")]
        std::thread::spawn(move || to_wake.into_iter().for_each(Waker::wake));
        Self(wakers)
    }

    /// Pending once, and woken from the other thread as soon as may be.
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
                    // Once it is woken within its own poll, once from elsewhere, during the poll or after.
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

/// Nothing follows the last cast that could bring a forgotten one to light, so it has to be handled by itself.
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

/// Asserts that it is alone in its callbacks.
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

/// Runs this on a thread that belongs to no runtime.
async fn on_a_plain_thread<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    let (tell, told) = oneshot::channel();
    #[expect(clippy::disallowed_methods, reason = "a thread that belongs to no runtime")]
    std::thread::spawn(move || tell.send(run()).ok());
    told.await.unwrap()
}

/// Calls a hundred times, some of which await, and says in which runtimes the handlers ran.
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

#[tokio::test]
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
        // Eat what there is of the caller's budget.
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

/// A server whose handler runs an executor of its own on the same thread, and in it calls others.
#[tokio::test]
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
                            // From another task it is a call like any other: it waits for the server to be free.
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
        // One end takes all of them along, one after the other.
        first.exit(Reason::term("all of you"));
        assert_eq!(last.ended().await, Reason::term("all of you"));
        last = first;
        while last.is_alive() {
            yield_now().await;
        }
    }
}

async fn a_dropped_call_gives_up_the_answer_and_not_the_request() {
    let log = Log::default();
    let server = start::<Puppet>(waiting(&log)).await.unwrap();
    let (go, gone) = oneshot::channel::<()>();
    let mut running = Box::pin(server.call(|caller: Caller<()>| {
        slow(|puppet, _| {
            Box::pin(async move {
                let _ = gone.await;
                puppet.log.note(format!("ran, its caller gone: {}", caller.is_gone()));
                Next::reply(caller, ())
            })
        })
    }));
    let mut queued = Box::pin(server.call(|caller: Caller<()>| {
        act(|puppet, _| {
            puppet.log.note(format!("queued, its caller gone: {}", caller.is_gone()));
            Next::reply(caller, ())
        })
    }));
    assert!(poll_fn(|cx| Poll::Ready(running.poll_unpin(cx).is_pending())).await);
    assert!(poll_fn(|cx| Poll::Ready(queued.poll_unpin(cx).is_pending())).await);
    drop((running, queued));
    go.send(()).unwrap();
    server.call(|caller| answer(caller, ())).await.unwrap();
    assert_eq!(log.take(), ["ran, its caller gone: true", "queued, its caller gone: true"]);
}

async fn a_server_that_nobody_refers_to_lives_on() {
    let node = Node::new();
    let server = node.start::<Puppet>(waiting(&Log::default())).name("alone").await.unwrap();
    assert!(!server.info().has_task);
    let weak = server.downgrade();
    drop(server);
    assert!(weak.upgrade().is_some());
    let found = node.whereis("alone").unwrap().downcast::<Puppet>().unwrap();
    assert_eq!(found.call(|caller| answer(caller, 3)).await, Ok(3));
    found.stop().await.unwrap();
    drop(found);
    assert!(weak.upgrade().is_none());
}

async fn whoever_stops_a_server_may_be_its_monitor() {
    for _ in 0..200 {
        let log = Log::default();
        let server = puppet().await;
        let monitor = start::<Puppet>(waiting(&log)).await.unwrap();
        monitor
            .call(|caller| {
                slow(move |puppet, cx| {
                    Box::pin(async move {
                        cx.monitor(&server, puppet::Told::Down);
                        server.stop().await.unwrap();
                        puppet.log.note("stopped");
                        Next::reply(caller, ())
                    })
                })
            })
            .await
            .unwrap();
        monitor.call(|caller| answer(caller, ())).await.unwrap();
        assert_eq!(log.take(), ["stopped", "down normal"]);
    }
}

async fn a_busy_monitor_holds_up_nobodys_end() {
    let log = Log::default();
    let (server, monitor) = (puppet().await, start::<Puppet>(waiting(&log)).await.unwrap());
    let watched = server.clone();
    let (go, gone) = oneshot::channel::<()>();
    monitor
        .cast(slow(move |puppet, cx| {
            Box::pin(async move {
                cx.monitor(&watched, puppet::Told::Down);
                let _ = gone.await;
                puppet.log.note("no longer busy");
                Next::wait()
            })
        }))
        .unwrap();
    while monitor.info().mailbox > 0 || server.info().monitors == 0 {
        yield_now().await;
    }
    let mut other = Probe::<()>::new();
    let down = other.monitor(&server);
    assert_eq!(server.stop().await, Ok(()));
    assert_eq!(other.expect_down(down).await.reason, Reason::Normal);
    go.send(()).unwrap();
    monitor.call(|caller| answer(caller, ())).await.unwrap();
    assert_eq!(log.take(), ["no longer busy", "down normal"]);
}

async fn a_stale_waker_disturbs_no_later_callback() {
    let server = puppet().await;
    let stale = server
        .call(|caller| {
            slow(|_, _| {
                Box::pin(async {
                    let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
                    Next::reply(caller, waker)
                })
            })
        })
        .await
        .unwrap();
    for round in 0..1000 {
        let early = stale.clone();
        let call = server.call(move |caller| {
            slow(move |_, _| {
                Box::pin(async move {
                    early.wake_by_ref();
                    yield_now().await;
                    early.wake();
                    Next::reply(caller, round)
                })
            })
        });
        let (called, ()) = join(call, async { stale.wake_by_ref() }).await;
        assert_eq!(called, Ok(round));
        stale.wake_by_ref();
    }
    server.stop().await.unwrap();
    stale.wake();
}

async fn a_suspended_server_is_run_by_nobody_and_keeps_the_order() {
    for _ in 0..200 {
        let log = Log::default();
        let server = start::<Puppet>(waiting(&log)).mailbox(3).await.unwrap();
        sys::suspend(&server).await.unwrap();
        server.cast(note("first")).unwrap();
        server.send(puppet::Told::Note("second")).unwrap();
        let caller = server.clone();
        let noted = log.clone();
        let mut calling = JoinSet::new();
        calling.spawn(async move {
            let third = caller.call(|caller| {
                act(move |_, _| {
                    noted.note("third");
                    Next::reply(caller, ())
                })
            });
            third.await
        });
        while server.info().mailbox < 3 {
            yield_now().await;
        }
        for _ in 0..20 {
            yield_now().await;
        }
        assert!(server.cast(note("no room")).unwrap_err().is_full(), "what is held back counts");
        assert_eq!(log.take(), Vec::<String>::new());
        sys::resume(&server).await.unwrap();
        calling.join_next().await.unwrap().unwrap().unwrap();
        server.cast(note("fourth")).unwrap();
        server.stop().await.unwrap();
        assert_eq!(log.take(), ["first", "second", "third", "fourth", "terminate normal"]);
    }
}

async fn a_suspended_server_can_be_stopped_and_killed() {
    let log = Log::default();
    for kill in [false, true] {
        let server = start::<Puppet>(waiting(&log)).await.unwrap();
        sys::suspend(&server).await.unwrap();
        server.cast(note("held back")).unwrap();
        let held = server.call(|caller| answer(caller, ()));
        let end = async {
            yield_now().await;
            if kill {
                server.kill();
            } else {
                server.stop().await.unwrap();
            }
        };
        let (called, ()) = join(held, end).await;
        let reason = if kill { Reason::Killed } else { Reason::Normal };
        assert!(matches!(&called, Err(CallError::Exit { reason: why, .. }) if *why == reason), "{called:?}");
        assert_eq!(log.take(), if kill { vec![] } else { vec!["terminate normal".to_owned()] });
    }
}
