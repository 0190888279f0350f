//! The core suite: what every runtime has to provide for the life of a server, seen from outside.
//!
//! Each test is a function of the runtime; `core_suite!` turns them into the tests of one runtime.

#![expect(clippy::unwrap_used, reason = "a failed `unwrap` is a failed test, also in what the tests share")]
#![expect(clippy::needless_pass_by_value, reason = "a test owns its world")]

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use futures::channel::oneshot;
use genserver::{CallError, Caller, Cx, GenServer, Init, Never, Next, Outcome, Reason, ServerRef};

/// A task for a runtime.
pub(crate) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A runtime under test.
pub(crate) trait World: Sync + 'static {
    /// A runtime of its own, with two threads if it can.
    fn new() -> Self;
    /// Runs a future to completion inside the runtime.
    fn run<T: Send>(&self, future: impl Future<Output = T> + Send) -> T;
    /// Spawns a task; called from inside.
    fn spawn(&self, task: Task);
    /// Completes a while later.
    fn sleep(duration: Duration) -> Task;
}

/// Keeps a number, and its callers if they ask for it.
pub(crate) struct Counter<W> {
    count: u64,
    kept: Vec<Caller<u64>>,
    ended: Option<oneshot::Sender<Reason>>,
    world: std::marker::PhantomData<fn() -> W>,
}

pub(crate) enum Ask {
    Next(Caller<u64>),
    NextLater(Duration, Caller<u64>),
    Keep(Caller<u64>),
    Never(Caller<u64>),
}

pub(crate) enum Tell {
    Add(u64),
    AnswerKept,
}

impl<W: World> GenServer for Counter<W> {
    type Args = Option<oneshot::Sender<Reason>>;
    type Call = Ask;
    type Cast = Tell;
    type Info = Never;

    async fn init(args: Self::Args, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self { count: 0, kept: Vec::new(), ended: args, world: std::marker::PhantomData })
    }

    async fn handle_call(&mut self, call: Ask, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Ask::Next(caller) => {
                self.count += 1;
                Next::reply(caller, self.count)
            }
            Ask::NextLater(pause, caller) => {
                W::sleep(pause).await;
                self.count += 1;
                Next::reply(caller, self.count)
            }
            Ask::Keep(caller) => {
                self.kept.push(caller);
                Next::wait()
            }
            Ask::Never(caller) => {
                std::future::pending::<()>().await;
                Next::reply(caller, 0)
            }
        }
    }

    async fn handle_cast(&mut self, cast: Tell, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match cast {
            Tell::Add(more) => self.count += more,
            Tell::AnswerKept => self.kept.drain(..).for_each(|caller| caller.reply(self.count)),
        }
        Next::wait()
    }

    async fn terminate(&mut self, reason: &Reason, _cx: &mut Cx<Self>) {
        if let Some(ended) = self.ended.take() {
            ended.send(reason.clone()).unwrap();
        }
    }
}

async fn counter<W: World>() -> ServerRef<Counter<W>> {
    genserver::start::<Counter<W>>(None).await.unwrap()
}

pub(crate) fn a_call_is_answered<W: World>(world: W) {
    world.run(async {
        let counter = counter::<W>().await;
        assert_eq!(counter.call(Ask::Next).await.unwrap(), 1);
        assert_eq!(counter.call(Ask::Next).await.unwrap(), 2);
    });
}

pub(crate) fn casts_and_calls_keep_their_order<W: World>(world: W) {
    world.run(async {
        let counter = counter::<W>().await;
        for more in 1..=1000 {
            counter.cast(Tell::Add(more)).unwrap();
        }
        assert_eq!(counter.call(Ask::Next).await.unwrap(), 500_501);
    });
}

pub(crate) fn a_handler_may_await<W: World>(world: W) {
    world.run(async {
        let counter = counter::<W>().await;
        let pause = Duration::from_millis(5);
        assert_eq!(counter.call(|caller| Ask::NextLater(pause, caller)).await.unwrap(), 1);
        assert_eq!(counter.call(Ask::Next).await.unwrap(), 2);
    });
}

pub(crate) fn a_kept_caller_is_answered_later<W: World>(world: W) {
    world.run(async {
        let counter = counter::<W>().await;
        let (kept, told) = futures::join!(counter.call(Ask::Keep), async {
            counter.cast(Tell::Add(7)).unwrap();
            counter.cast(Tell::AnswerKept)
        });
        told.unwrap();
        assert_eq!(kept.unwrap(), 7);
    });
}

pub(crate) fn a_call_times_out<W: World>(world: W) {
    world.run(async {
        let counter = counter::<W>().await;
        let late = counter.call(Ask::Never).timeout(Duration::from_millis(5)).await;
        assert!(matches!(late, Err(CallError::Timeout { .. })), "{late:?}");
    });
}

pub(crate) fn stop_runs_terminate_first<W: World>(world: W) {
    world.run(async {
        let (ended, reason) = oneshot::channel();
        let counter = genserver::start::<Counter<W>>(Some(ended)).await.unwrap();
        counter.stop().await.unwrap();
        assert!(!counter.is_alive());
        assert_eq!(reason.await.unwrap(), Reason::Normal);
        let gone = counter.call(Ask::Next).await;
        assert!(matches!(gone, Err(CallError::NoProc { .. })), "{gone:?}");
    });
}

pub(crate) fn sixteen_clients_share_a_server<W: World>(world: W) {
    const CALLS: u64 = 2000;
    world.run(async {
        let counter = counter::<W>().await;
        let mut clients = Vec::new();
        for _ in 0..16 {
            let (done, waiting) = oneshot::channel();
            let counter = counter.clone();
            world.spawn(Box::pin(async move {
                let mut last = 0;
                for _ in 0..CALLS {
                    let next = counter.call(Ask::Next).await.unwrap();
                    assert!(next > last, "{next} came after {last}");
                    last = next;
                }
                done.send(()).unwrap();
            }));
            clients.push(waiting);
        }
        for client in clients {
            client.await.unwrap();
        }
        assert_eq!(counter.call(Ask::Next).await.unwrap(), 16 * CALLS + 1);
    });
}

/// A server in a handler, one with a task of its own, and one that never needed a task.
pub(crate) fn dropping_the_runtime_ends_its_processes<W: World>(world: W) {
    let (idle, asleep, busy, request) = world.run(async {
        let (idle, asleep, busy) = (counter::<W>().await, counter::<W>().await, counter::<W>().await);
        asleep.cast(Tell::Add(1)).unwrap();
        assert_eq!(asleep.call(Ask::Next).await.unwrap(), 2);
        let request = busy.send_request(Ask::Never);
        (idle, asleep, busy, request)
    });
    drop(world);
    for server in [&idle, &asleep, &busy] {
        assert!(!server.is_alive(), "{server:?} survived its runtime");
    }
    let mut request = request;
    let answer = request.check().expect("the request ended with the runtime");
    assert!(matches!(answer, Err(CallError::Exit { reason: Reason::RuntimeGone, .. })), "{answer:?}");
}

macro_rules! core_suite {
    ($world:ty: $($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                core_suite::$name(<$world as core_suite::World>::new());
            }
        )*
    };
    ($world:ty) => {
        core_suite! {
            $world:
            a_call_is_answered,
            casts_and_calls_keep_their_order,
            a_handler_may_await,
            a_kept_caller_is_answered_later,
            a_call_times_out,
            stop_runs_terminate_first,
            sixteen_clients_share_a_server,
            dropping_the_runtime_ends_its_processes,
        }
    };
}
pub(crate) use core_suite;
