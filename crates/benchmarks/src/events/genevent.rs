//! This workspace's own event manager.

use std::hint::black_box;

use futures::StreamExt;
use genevent::{AsyncHandler, Handler, HandlerCx, LagPolicy, Manager, React, Reaction};
use genserver::Never;
use tokio::task::JoinSet;

use super::{Bus, LAST, Waits};

/// A handler of either kind.
struct Sum(u64);

impl Sum {
    fn add(&mut self, event: u64) {
        self.0 = self.0.wrapping_add(black_box(event));
    }
}

impl Handler<u64> for Sum {
    type Call = Never;

    fn handle_event(&mut self, event: &u64, _cx: &mut HandlerCx<u64>) -> Reaction<u64> {
        self.add(*event);
        React::stay()
    }
}

impl AsyncHandler<u64> for Sum {
    type Call = Never;

    async fn handle_event(&mut self, event: &u64, _cx: &mut HandlerCx<u64>) -> Reaction<u64> {
        self.add(*event);
        React::stay()
    }
}

async fn manager() -> Manager<u64> {
    Manager::start().await.expect("the manager starts")
}

async fn notify(manager: &Manager<u64>, event: u64) {
    manager.notify_wait(event).await.expect("the manager runs");
}

async fn stop(manager: Manager<u64>) {
    manager.stop().await.expect("the manager runs");
}

/// A manager whose handlers are done when they return.
pub type Plain = Handlers<false>;

/// A manager whose handlers may wait, and do not.
pub type Async = Handlers<true>;

/// A manager with handlers that may wait, or may not.
#[derive(Debug)]
pub struct Handlers<const MAY_WAIT: bool>(Manager<u64>);

impl<const MAY_WAIT: bool> Bus for Handlers<MAY_WAIT> {
    const ID: &'static str = crate::contenders::OURS;

    async fn start(told: u64) -> Self {
        let manager = manager().await;
        for id in 0..told {
            if MAY_WAIT {
                manager.add_async_handler(Sum(0)).id(id).await.expect("the handler is added");
            } else {
                manager.add_handler(Sum(0)).id(id).await.expect("the handler is added");
            }
        }
        Self(manager)
    }

    async fn notify(&mut self, event: u64) {
        notify(&self.0, event).await;
    }

    async fn settle(&mut self) {
        self.sync_notify(0).await;
    }

    async fn stop(self) {
        stop(self.0).await;
    }
}

impl<const MAY_WAIT: bool> Waits for Handlers<MAY_WAIT> {
    async fn sync_notify(&mut self, event: u64) {
        self.0.sync_notify(event).await.expect("the manager runs");
    }
}

/// A manager, and tasks that take its events as streams. Nothing is dropped.
#[derive(Debug)]
pub struct Streams {
    manager: Manager<u64>,
    tasks: JoinSet<()>,
}

impl Bus for Streams {
    const ID: &'static str = crate::contenders::OURS;

    async fn start(told: u64) -> Self {
        let manager = manager().await;
        let mut tasks = JoinSet::new();
        for _ in 0..told {
            let mut events = manager.stream().lag(LagPolicy::Wait);
            events.subscribe().await.expect("the manager runs");
            tasks.spawn(async move {
                let mut sum = 0_u64;
                loop {
                    match events.next().await.expect("the manager runs").expect("nothing is dropped") {
                        LAST => break,
                        event => sum = sum.wrapping_add(event),
                    }
                }
                black_box(sum);
            });
        }
        Self { manager, tasks }
    }

    async fn notify(&mut self, event: u64) {
        notify(&self.manager, event).await;
    }

    async fn settle(&mut self) {
        self.notify(LAST).await;
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("nothing is dropped");
        }
    }

    async fn stop(self) {
        stop(self.manager).await;
    }
}
