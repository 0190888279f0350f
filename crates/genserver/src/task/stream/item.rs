//! The task of one item: started, limited in time, and killed with the stream.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::future::BoxFuture;

use crate::supervisor::Shutdown;
use crate::task::Task;
use crate::task::join::Patience;
use crate::{KILL_GRACE, Reason};

/// A task that has been started, or is about to be.
pub(in super::super) enum Starting<T> {
    Started(Task<T>),
    /// Its supervisor was asked to start it.
    Asked(BoxFuture<'static, Result<Task<T>, Reason>>),
}

/// How an item ended.
pub(super) struct Ended<T, K> {
    /// The result; `None` if its time was over.
    pub(super) result: Result<Option<T>, Reason>,
    pub(super) kept: K,
}

/// One item in progress: its index, the part of it that is kept, and its task.
pub(super) struct Item<T, K> {
    place: u64,
    kept: Option<K>,
    within: Option<Duration>,
    stage: ItemStage<T>,
}

enum ItemStage<T> {
    Asked(BoxFuture<'static, Result<Task<T>, Reason>>),
    Running(Task<T>, Patience),
    /// Its time was over, and it was killed. It counts against the limit until it has ended.
    Dying(Task<T>, Patience),
    Over,
}

impl<T, K> Item<T, K> {
    pub(super) fn new(place: u64, kept: K, starting: Starting<T>, within: Option<Duration>) -> Self {
        let stage = match starting {
            Starting::Started(task) => ItemStage::Running(task, Patience::new(within)),
            Starting::Asked(asked) => ItemStage::Asked(asked),
        };
        Self { place, kept: Some(kept), within, stage }
    }
}

// The future that is pinned is stored in the task's process, or boxed.
impl<T, K> Unpin for Item<T, K> {}

impl<T: Send + 'static, K> Future for Item<T, K> {
    type Output = (u64, Ended<T, K>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(self.poll_end(cx));
        self.stage = ItemStage::Over;
        match self.kept.take() {
            Some(kept) => Poll::Ready((self.place, Ended { result, kept })),
            None => Poll::Pending,
        }
    }
}

impl<T: Send + 'static, K> Item<T, K> {
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<T>, Reason>> {
        loop {
            match &mut self.stage {
                ItemStage::Asked(asked) => match ready!(asked.as_mut().poll(cx)) {
                    Ok(task) => self.stage = ItemStage::Running(task, Patience::new(self.within)),
                    Err(reason) => return Poll::Ready(Err(reason)),
                },
                ItemStage::Running(task, patience) => {
                    if let Poll::Ready(result) = task.poll_result(cx) {
                        return Poll::Ready(result.map(Some));
                    }
                    ready!(patience.poll(cx));
                    if let Some(result) = task.order(Shutdown::BrutalKill) {
                        // The result came together with the deadline.
                        return Poll::Ready(result.map(Some));
                    }
                    let ItemStage::Running(task, _) = std::mem::replace(&mut self.stage, ItemStage::Over) else {
                        continue;
                    };
                    self.stage = ItemStage::Dying(task, Patience::new(Some(KILL_GRACE)));
                }
                ItemStage::Dying(task, patience) => {
                    if task.poll_result(cx).is_pending() {
                        ready!(patience.poll(cx));
                    }
                    return Poll::Ready(Ok(None));
                }
                ItemStage::Over => return Poll::Pending,
            }
        }
    }
}

// The stream was dropped, or has ended before this item did.
impl<T, K> Drop for Item<T, K> {
    fn drop(&mut self) {
        if let ItemStage::Running(task, _) = &mut self.stage {
            task.abandon();
        }
    }
}
