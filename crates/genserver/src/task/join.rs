//! Waiting for the results of tasks: of one, and of several under one deadline.

use std::borrow::BorrowMut;
use std::fmt;
use std::future::{Future, IntoFuture, poll_fn};
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;

use super::{Task, TaskState};
use crate::time::{self, Sleep};
use crate::{CALL_TIMEOUT, Pid, Reason};

/// The error of an awaited task that has no result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// It did not end in time. It goes on: a timeout cancels nothing.
    #[error(
        "task {task} did not end within {after:?}, and goes on; `join` it again, end it with `shutdown`, or allow it more time with `timeout`"
    )]
    Timeout {
        /// The pid of the task.
        task: Pid,
        /// The time limit.
        after: Duration,
    },
    /// It ended without a result: it crashed, or was ended from outside. [`Reason::NoProc`] if its result was taken before.
    #[error("task {task} ended without a result: {reason}")]
    Exit {
        /// The pid of the task; [`Pid::NOBODY`] if it could not be started at all.
        task: Pid,
        /// Why it ended.
        reason: Reason,
    },
}

/// A time limit. The clock is not read before the wait really waits.
pub(super) struct Patience {
    within: Option<Duration>,
    sleep: Option<Sleep>,
}

impl Patience {
    pub(super) fn new(within: Option<Duration>) -> Self {
        Self { within, sleep: None }
    }

    /// Ready when the time is over. With zero, it is ready at once.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.within {
            None => Poll::Pending,
            Some(Duration::ZERO) => Poll::Ready(()),
            Some(within) => self.sleep.get_or_insert_with(|| time::sleep(within)).as_mut().poll(cx),
        }
    }
}

/// A wait for the result of a task, made by [`Task::join`] or by awaiting the task.
///
/// It holds the task, or borrows it.
///
/// # Examples
///
/// ```
/// use genserver::task::Task;
///
/// # genserver_doc::run! {
/// let (mut eggs, milk) = (Task::spawn(async { 6 }), Task::spawn(async { 1 }));
/// let (eggs, milk) = futures::try_join!(eggs.join(), milk.into_future())?;
/// assert_eq!(eggs + milk, 7);
/// # }
/// ```
#[must_use = "this does not wait until it is awaited"]
pub struct Join<T, K = Task<T>> {
    task: K,
    within: Option<Duration>,
    patience: Patience,
    result: PhantomData<fn() -> T>,
}

impl<T, K> Join<T, K> {
    pub(super) fn new(task: K) -> Self {
        let within = Some(CALL_TIMEOUT);
        Self { task, within, patience: Patience::new(within), result: PhantomData }
    }

    /// Sets the timeout (default: five seconds). With zero, the wait only checks for the result.
    pub fn timeout(self, within: Duration) -> Self {
        self.within(Some(within))
    }

    /// Waits for as long as the task runs: OTP's `infinity`.
    #[doc(alias = "infinity")]
    pub fn no_timeout(self) -> Self {
        self.within(None)
    }

    fn within(mut self, within: Option<Duration>) -> Self {
        self.within = within;
        self.patience = Patience::new(within);
        self
    }
}

impl<T, K: Unpin> Unpin for Join<T, K> {}

impl<T: Send + 'static, K: BorrowMut<Task<T>> + Unpin> Future for Join<T, K> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let task = this.task.borrow_mut();
        Poll::Ready(match ready!(task.poll_within(&mut this.patience, cx)) {
            Some(result) => result.map_err(|reason| TaskError::Exit { task: task.pid(), reason }),
            None => Err(TaskError::Timeout { task: task.pid(), after: this.within.unwrap_or_default() }),
        })
    }
}

impl<T, K: BorrowMut<Task<T>>> fmt::Debug for Join<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Join").field("task", self.task.borrow()).field("within", &self.within).finish_non_exhaustive()
    }
}

/// Waits for the results of several tasks, under one deadline: OTP's `Task.await_many`.
///
/// The results come in the order of the tasks, all of them or none. This returns a builder for the timeout, by default five
/// seconds for all together; await it. The tasks are only borrowed.
///
/// # Errors
///
/// The awaited wait returns a [`TaskError`] as soon as one task has ended without a result, whatever the others do, or when the
/// time is over. The other tasks go on, and keep their results: they can be joined, yielded to or shut down.
///
/// # Panics
///
/// As [`Task::join`].
///
/// # Cancel safety
///
/// Nothing is lost if it is dropped before it is ready.
///
/// # Examples
///
/// ```
/// use genserver::task::{Task, await_many};
///
/// # genserver_doc::run! {
/// let mut tasks = [1, 2, 3].map(|number| Task::spawn(async move { number * number }));
/// assert_eq!(await_many(&mut tasks).await?, [1, 4, 9]);
/// # }
/// ```
pub fn await_many<T: Send + 'static>(tasks: &mut [Task<T>]) -> AwaitMany<'_, T> {
    AwaitMany { tasks, within: Some(CALL_TIMEOUT) }
}

/// A wait for several tasks, made by [`await_many`].
#[must_use = "this does not wait until it is awaited"]
pub struct AwaitMany<'a, T> {
    tasks: &'a mut [Task<T>],
    within: Option<Duration>,
}

impl<T: Send + 'static> AwaitMany<'_, T> {
    /// Sets the timeout for all together (default: five seconds).
    pub fn timeout(mut self, within: Duration) -> Self {
        self.within = Some(within);
        self
    }

    /// Waits for as long as they run: OTP's `infinity`.
    #[doc(alias = "infinity")]
    pub fn no_timeout(mut self) -> Self {
        self.within = None;
        self
    }

    async fn run(self) -> Result<Vec<T>, TaskError> {
        let Self { tasks, within } = self;
        let mut patience = Patience::new(within);
        let mut waiting = each(tasks);
        loop {
            match next_done(&mut waiting, &mut patience).await {
                Ok(Some((_, task))) if matches!(task.state, TaskState::Done(Ok(_))) => {}
                Ok(Some((_, task))) => drop(task.take_outcome()?),
                Ok(None) => break,
                Err(OutOfTime) => {
                    let late = waiting.iter().min_by_key(|late| late.place).map_or(Pid::NOBODY, Done::pid);
                    return Err(TaskError::Timeout { task: late, after: within.unwrap_or_default() });
                }
            }
        }
        drop(waiting);
        tasks.iter_mut().map(Task::take_outcome).collect()
    }
}

impl<'a, T: Send + 'static> IntoFuture for AwaitMany<'a, T> {
    type Output = Result<Vec<T>, TaskError>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<T> fmt::Debug for AwaitMany<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwaitMany").field("tasks", &self.tasks).field("within", &self.within).finish()
    }
}

impl<T: Send + 'static> Task<T> {
    /// The result of a finished task, as an await returns it.
    fn take_outcome(&mut self) -> Result<T, TaskError> {
        let task = self.pid();
        self.take_result().unwrap_or(Err(Reason::NoProc)).map_err(|reason| TaskError::Exit { task, reason })
    }
}

/// The end of one of several tasks; returns the task's handle.
pub(super) struct Done<'a, T> {
    place: usize,
    task: Option<&'a mut Task<T>>,
}

impl<T> Done<'_, T> {
    fn pid(&self) -> Pid {
        self.task.as_ref().map_or(Pid::NOBODY, |task| task.pid())
    }
}

impl<'a, T: Send + 'static> Future for Done<'a, T> {
    type Output = (usize, &'a mut Task<T>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(task) = self.task.take() else { return Poll::Pending };
        if task.poll_done(cx).is_pending() || crate::poll_alive(cx).is_pending() {
            self.task = Some(task);
            return Poll::Pending;
        }
        Poll::Ready((self.place, task))
    }
}

/// The ends of several tasks. Each is polled when it is woken, and not whenever another is.
pub(super) fn each<T: Send + 'static>(tasks: &mut [Task<T>]) -> FuturesUnordered<Done<'_, T>> {
    tasks.iter_mut().enumerate().map(|(place, task)| Done { place, task: Some(task) }).collect()
}

/// The error that the time is over.
pub(super) struct OutOfTime;

/// The next task that has ended, and its index; `None` if all have.
pub(super) async fn next_done<'a, T: Send + 'static>(
    waiting: &mut FuturesUnordered<Done<'a, T>>,
    patience: &mut Patience,
) -> Result<Option<(usize, &'a mut Task<T>)>, OutOfTime> {
    poll_fn(|cx| {
        ready!(crate::poll_alive(cx));
        let mut polled = waiting.poll_next_unpin(cx);
        if polled.is_pending() {
            ready!(patience.poll(cx));
            // If the result and the deadline come together, the result wins.
            polled = waiting.poll_next_unpin(cx);
        }
        Poll::Ready(match polled {
            Poll::Ready(next) => Ok(next),
            Poll::Pending => Err(OutOfTime),
        })
    })
    .await
}
