//! The floor of streams: Tokio's broadcast channel, with nothing dropped.

use std::hint::black_box;

use tokio::sync::broadcast;
use tokio::task::JoinSet;

use super::{Bus, LAST};

/// As many events may wait as in the buffer of a stream of ours.
const BUFFER: usize = 1024;

/// The sender looks whether the slowest receiver leaves space for so many, and then sends as many. To look before each one would
/// cost it more than to send.
const AT_ONCE: usize = 32;

/// A channel and the tasks that receive from it.
#[derive(Debug)]
pub struct Receivers {
    sender: broadcast::Sender<u64>,
    space: usize,
    tasks: JoinSet<()>,
}

async fn receive(mut receiver: broadcast::Receiver<u64>) {
    let mut sum = 0_u64;
    loop {
        match receiver.recv().await.expect("nothing is dropped") {
            LAST => break,
            event => sum = sum.wrapping_add(event),
        }
    }
    black_box(sum);
}

impl Bus for Receivers {
    const ID: &'static str = crate::contenders::BASE;

    async fn start(told: u64) -> Self {
        let (sender, _) = broadcast::channel(BUFFER);
        let mut tasks = JoinSet::new();
        for _ in 0..told {
            tasks.spawn(receive(sender.subscribe()));
        }
        Self { sender, space: 0, tasks }
    }

    async fn notify(&mut self, event: u64) {
        if self.space == 0 {
            while self.sender.len() > BUFFER - AT_ONCE {
                tokio::task::yield_now().await;
            }
            self.space = AT_ONCE;
            tokio::task::consume_budget().await;
        }
        self.space -= 1;
        self.sender.send(event).expect("somebody receives");
    }

    async fn settle(&mut self) {
        self.notify(LAST).await;
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("nothing is dropped");
        }
    }

    async fn stop(self) {}
}
