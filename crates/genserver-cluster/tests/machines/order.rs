//! Whether some order of the operations of each key explains what clients were answered.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use futures::FutureExt as _;
use futures::channel::oneshot;
use genserver::sim::Check;

/// What happened, in order, with the number of the operation.
pub(super) enum Step {
    /// A key was put, or read.
    Called(usize, Asked),
    /// The operation was answered with this value. Without this step it may have been carried out at any time.
    Returned(usize, u64),
}

/// What was asked.
#[derive(Debug)]
pub(super) struct Asked {
    /// Where the key is, and the key.
    pub(super) key: (String, String),
    /// What is put, or nothing if the key is read.
    pub(super) put: Option<u64>,
}

/// Fails unless some order of the operations of each key explains what was seen. Not within a runtime.
pub(super) fn check_order(steps: impl Fn() -> Vec<Step> + Send + Sync) {
    let replayed = Check::new().runs(1).run(async |sim| {
        let key = |operation: &Asked| operation.key.clone();
        let history = sim.history_by_key(0, key, |value: &mut u64, asked: &Asked| {
            *value = asked.put.unwrap_or(*value);
            *value
        });
        let mut pending = BTreeMap::<usize, Pending>::new();
        for step in steps() {
            match step {
                Step::Called(number, asked) => {
                    let (sender, receiver) = oneshot::channel();
                    let history = history.clone();
                    let mut call: Call = Box::pin(async move {
                        // Dropped, it has no answer.
                        let _ = history.record(asked, receiver).await;
                    });
                    assert_eq!(call.as_mut().now_or_never(), None);
                    pending.insert(number, Pending { sender, call });
                }
                Step::Returned(number, value) => {
                    let Pending { sender, mut call } = pending.remove(&number).unwrap();
                    sender.send(value).unwrap();
                    call.as_mut().now_or_never().unwrap();
                }
            }
        }
    });
    replayed.unwrap_or_else(|failed| panic!("{failed}"));
}

type Call = Pin<Box<dyn Future<Output = ()>>>;

struct Pending {
    sender: oneshot::Sender<u64>,
    call: Call,
}
