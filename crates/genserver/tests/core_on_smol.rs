//! The core suite on the second runtime, and tests of that runtime itself.
#![cfg(feature = "smol")]

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use core_suite::{Ask, Counter, Task, World, core_suite};
use futures::channel::oneshot;
use genserver::runtime::{Runtime, Smol};
use genserver::{CallError, Node};

#[path = "core_suite/suite.rs"]
mod core_suite;

struct Two(Smol);

impl World for Two {
    fn new() -> Self {
        Self(Smol::new())
    }

    fn run<T: Send>(&self, future: impl Future<Output = T> + Send) -> T {
        self.0.block_on_with_threads(1, future)
    }

    fn spawn(&self, task: Task) {
        self.0.handle().spawn(task);
    }

    fn sleep(duration: Duration) -> Task {
        Box::pin(async move {
            async_io::Timer::after(duration).await;
        })
    }
}

core_suite!(Two);

#[test]
fn a_thread_is_inside_only_while_it_polls() {
    let (runtime, other) = (Smol::new(), Smol::new());
    let (ours, others) = (runtime.handle(), other.handle());
    assert!(!ours.is_current());
    runtime.block_on(async {
        assert!(ours.is_current());
        assert!(!others.is_current());
        let (told, inside) = oneshot::channel();
        let spawned = ours.clone();
        ours.spawn(Box::pin(async move { told.send(spawned.is_current()).unwrap() }));
        assert!(inside.await.unwrap());
    });
    assert!(!ours.is_current());
    assert_ne!(ours.id(), others.id());
}

#[test]
fn a_task_without_budget_yields() {
    let runtime = Smol::new();
    let handle = runtime.handle();
    let units = runtime.block_on(async {
        let mut units = 0;
        std::future::poll_fn(|cx| {
            if units > 0 {
                return std::task::Poll::Ready(());
            }
            while handle.poll_budget(cx).is_ready() {
                units += 1;
            }
            std::task::Poll::Pending
        })
        .await;
        units
    });
    assert_eq!(units, 128);
}

#[test]
fn a_caller_in_a_loop_lets_the_other_tasks_run() {
    let runtime = Smol::new();
    let rounds = runtime.block_on(async {
        let counter = genserver::start::<Counter<Two>>(None).await.unwrap();
        let (told, mut waiting) = oneshot::channel();
        runtime.handle().spawn(Box::pin(async move { told.send(()).unwrap() }));
        let mut rounds = 0;
        while waiting.try_recv().unwrap().is_none() {
            counter.call(Ask::Next).await.unwrap();
            rounds += 1;
        }
        rounds
    });
    assert!(rounds <= 256, "the other task had to wait for {rounds} calls");
}

#[test]
fn a_timer_that_is_due_ends() {
    let runtime = Smol::new();
    let handle = runtime.handle();
    runtime.block_on(handle.sleep_until(handle.now() + Duration::from_millis(1)));
}

#[test]
fn a_process_of_it_is_called_from_a_thread_outside() {
    let runtime = Smol::new();
    let node = Node::with_runtime(Arc::new(runtime.handle()));
    let counter = runtime.block_on(node.start::<Counter<Two>>(None)).unwrap();
    let pause = Duration::from_millis(1);
    let (ended, stop) = oneshot::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(|| runtime.block_on(stop));
        assert_eq!(counter.call_blocking(Ask::Next).unwrap(), 1);
        assert_eq!(counter.call_blocking(|caller| Ask::NextLater(pause, caller)).unwrap(), 2);
        let late = counter.call(Ask::Never).timeout(pause).blocking();
        assert!(matches!(late, Err(CallError::Timeout { .. })), "{late:?}");
        ended.send(()).unwrap();
    });
}

#[test]
fn a_task_of_it_may_not_block() {
    let runtime = Smol::new();
    let refused = runtime.block_on(async {
        let counter = genserver::start::<Counter<Two>>(None).await.unwrap();
        counter.call_blocking(Ask::Next)
    });
    assert!(matches!(refused, Err(CallError::WouldBlock { .. })), "{refused:?}");
}

#[test]
fn a_node_does_not_keep_its_runtime() {
    let runtime = Smol::new();
    let node = Node::with_runtime(Arc::new(runtime.handle()));
    let counter = runtime.block_on(node.start::<Counter<Two>>(None)).unwrap();
    drop(runtime);
    assert!(!counter.is_alive());
    assert!(matches!(counter.call_blocking(Ask::Next), Err(CallError::NoProc { .. })));
}

#[test]
fn two_of_them_call_each_other() {
    let (here, there) = (Smol::new(), Smol::new());
    let counter = there.block_on(genserver::start::<Counter<Two>>(None)).unwrap();
    let (ended, stop) = oneshot::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(|| there.block_on(stop));
        here.block_on(async {
            for next in 1..=1000 {
                assert_eq!(counter.call(Ask::Next).await.unwrap(), next);
            }
        });
        ended.send(()).unwrap();
    });
}
