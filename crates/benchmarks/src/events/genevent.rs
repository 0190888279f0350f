//! This workspace's own event manager.

use std::hint::black_box;

use futures::StreamExt;
use genevent::{AsyncHandler, Handler, HandlerCx, Lag, Manager, React, Reaction};
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

async fn sync_notify(manager: &Manager<u64>, event: u64) {
    manager.sync_notify(event).await.expect("the manager runs");
}

async fn stop(manager: Manager<u64>) {
    manager.stop().await.expect("the manager runs");
}

/// A manager whose handlers are done when they return.
#[derive(Debug)]
pub struct Plain(Manager<u64>);

impl Bus for Plain {
    const ID: &'static str = crate::contenders::OURS;

    async fn start(told: u64) -> Self {
        let manager = manager().await;
        for id in 0..told {
            manager.add_handler(Sum(0)).id(id).await.expect("the handler is added");
        }
        Self(manager)
    }

    async fn notify(&mut self, event: u64) {
        notify(&self.0, event).await;
    }

    async fn settle(&mut self) {
        sync_notify(&self.0, 0).await;
    }

    async fn stop(self) {
        stop(self.0).await;
    }
}

impl Waits for Plain {
    async fn sync_notify(&mut self, event: u64) {
        sync_notify(&self.0, event).await;
    }
}

/// A manager whose handlers may wait, and do not.
#[derive(Debug)]
pub struct Async(Manager<u64>);

impl Bus for Async {
    const ID: &'static str = crate::contenders::OURS;

    async fn start(told: u64) -> Self {
        let manager = manager().await;
        for id in 0..told {
            manager.add_async_handler(Sum(0)).id(id).await.expect("the handler is added");
        }
        Self(manager)
    }

    async fn notify(&mut self, event: u64) {
        notify(&self.0, event).await;
    }

    async fn settle(&mut self) {
        sync_notify(&self.0, 0).await;
    }

    async fn stop(self) {
        stop(self.0).await;
    }
}

impl Waits for Async {
    async fn sync_notify(&mut self, event: u64) {
        sync_notify(&self.0, event).await;
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
            let mut events = manager.stream().lag(Lag::Wait);
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
