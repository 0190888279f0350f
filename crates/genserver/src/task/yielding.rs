//! Checking whether results are there, and checking again later.

use std::fmt;
use std::future::{IntoFuture, poll_fn};
use std::time::Duration;

use futures::future::BoxFuture;

use super::join::{OutOfTime, Patience, each, next_done};
use super::{Shutdown, Task};
use crate::{CALL_TIMEOUT, Reason};

impl<T: Send + 'static> Task<T> {
    /// Waits for the result for at most `within`, and leaves the task as it is if none comes: OTP's `Task.yield`.
    ///
    /// Returns the result, or the reason of an end without one; `None` if the task has not ended yet, in which case it can be
    /// asked again. With zero, it only checks. A result is returned once; after that, this returns [`Reason::NoProc`].
    ///
    /// # Panics
    ///
    /// As [`join`](Task::join).
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if it is dropped before it is ready.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use genserver::{task::Task, time};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let mut bread = Task::spawn(async {
    ///     time::sleep(Duration::from_secs(60)).await;
    ///     "bread"
    /// });
    /// assert_eq!(bread.yield_for(Duration::from_secs(10)).await, None);
    /// // Do something else; the bread is still in the oven.
    /// assert_eq!(bread.yield_for(Duration::from_secs(100)).await, Some(Ok("bread")));
    /// # }
    /// ```
    #[doc(alias = "yield")]
    pub async fn yield_for(&mut self, within: Duration) -> Option<Result<T, Reason>> {
        self.wait(Some(within)).await
    }
}

/// What happens to the tasks that have not ended when the time of a [`yield_many`] is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OnTimeout {
    /// They go on, and can be asked again.
    #[default]
    Nothing,
    /// They go on, and their results are dropped: see [`Task::ignore`].
    Ignore,
    /// They are killed: see [`Task::shutdown`].
    #[doc(alias = "kill_task")]
    Kill,
}

/// Waits for the results of several tasks, and returns those that are there when the time is over: OTP's `Task.yield_many`.
///
/// The results come in the order of the tasks, with `None` for a task that has not ended. This returns a builder for the timeout,
/// by default five seconds for all together; await it. The tasks are only borrowed, and can be asked again.
///
/// # Panics
///
/// As [`Task::join`].
///
/// # Cancel safety
///
/// Nothing is lost if it is dropped before the time is over.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use genserver::task::{OnTimeout, Task, yield_many};
/// use genserver::time;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let mut tasks = [1, 100].map(|seconds| {
///     Task::spawn(async move {
///         time::sleep(Duration::from_secs(seconds)).await;
///         seconds
///     })
/// });
/// let results = yield_many(&mut tasks).timeout(Duration::from_secs(10));
/// let results = results.on_timeout(OnTimeout::Kill).await;
/// assert_eq!(results, [Some(Ok(1)), None]);
/// # }
/// ```
pub fn yield_many<T: Send + 'static>(tasks: &mut [Task<T>]) -> YieldMany<'_, T> {
    YieldMany { tasks, within: Some(CALL_TIMEOUT), limit: None, on_timeout: OnTimeout::Nothing }
}

/// A wait for several tasks, made by [`yield_many`].
#[must_use = "this does not wait until it is awaited"]
pub struct YieldMany<'a, T> {
    tasks: &'a mut [Task<T>],
    within: Option<Duration>,
    limit: Option<usize>,
    on_timeout: OnTimeout,
}

impl<T: Send + 'static> YieldMany<'_, T> {
    /// Sets the timeout for all together (default: five seconds).
    pub fn timeout(mut self, within: Duration) -> Self {
        self.within = Some(within);
        self
    }

    /// Waits until all have ended, or as many as [`limit`](YieldMany::limit) sets.
    #[doc(alias = "infinity")]
    pub fn no_timeout(mut self) -> Self {
        self.within = None;
        self
    }

    /// Returns as soon as this many have ended. The others then go on, whatever [`on_timeout`](YieldMany::on_timeout) says.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Sets what happens to the tasks that have not ended when the time is over. By default they go on.
    pub fn on_timeout(mut self, on_timeout: OnTimeout) -> Self {
        self.on_timeout = on_timeout;
        self
    }

    async fn run(self) -> Vec<Option<Result<T, Reason>>> {
        poll_fn(crate::poll_alive).await;
        let Self { tasks, within, limit, on_timeout } = self;
        let mut patience = Patience::new(within);
        // Taken at the end, so that nothing is lost if this is dropped before.
        let mut found = vec![false; tasks.len()];
        let mut wanted = limit.unwrap_or(tasks.len());
        let mut is_late = false;
        let mut waiting = each(tasks);
        while wanted > 0 && !is_late {
            match next_done(&mut waiting, &mut patience).await {
                Ok(Some((place, _))) => {
                    found[place] = true;
                    wanted -= 1;
                }
                Ok(None) => break,
                Err(OutOfTime) => is_late = true,
            }
        }
        drop(waiting);
        let mut results: Vec<_> =
            tasks.iter_mut().zip(found).map(|(task, found)| if found { task.take_result() } else { None }).collect();
        if is_late {
            let late = tasks.iter_mut().zip(&mut results).filter(|(_, result)| result.is_none());
            give_up(late.collect(), on_timeout).await;
        }
        results
    }
}

/// A task that has not ended in time, and where to put its result if it has one after all.
type Late<'a, T> = (&'a mut Task<T>, &'a mut Option<Result<T, Reason>>);

/// Handles the tasks that have not ended in time.
async fn give_up<T: Send + 'static>(late: Vec<Late<'_, T>>, how: OnTimeout) {
    match how {
        OnTimeout::Nothing => {}
        OnTimeout::Ignore => late.into_iter().for_each(|(task, result)| *result = task.let_go()),
        OnTimeout::Kill => {
            let mut dying = Vec::with_capacity(late.len());
            for (task, result) in late {
                // All are killed before the first is waited for.
                *result = task.order(Shutdown::BrutalKill);
                if result.is_none() {
                    dying.push((task, result));
                }
            }
            for (task, result) in dying {
                *result = task.bury(Shutdown::BrutalKill).await;
            }
        }
    }
}

impl<'a, T: Send + 'static> IntoFuture for YieldMany<'a, T> {
    type Output = Vec<Option<Result<T, Reason>>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<T> fmt::Debug for YieldMany<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("YieldMany").field("tasks", &self.tasks).field("within", &self.within).finish_non_exhaustive()
    }
}
