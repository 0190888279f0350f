//! Tasks: async functions that run as processes of their own, and whose results are awaited.
//!
//! ```
//! use genserver::task::Task;
//!
//! # genserver_doc::run! {
//! let answer = Task::spawn(async { 6 * 7 });
//! // Do something else here while the task runs.
//! assert_eq!(answer.await?, 42);
//! # }
//! ```
//!
//! A task does one thing and ends. It is a process: it has a pid, can be linked, monitored and killed, and a crash in it is an
//! exit with a reason. [`Task::spawn`] returns an owned handle. Its owner awaits the result, once, and no one else can.
//!
//! # A task and the process that spawns it
//!
//! A task is linked with the process that spawns it, because the two make no sense without each other. If the task crashes, its
//! spawner gets the exit, and ends too unless it traps exits; if the spawner ends, so does the task. Plain code, such as
//! `main` or a test, is not a process. A task that it spawns is not linked, and only its handle tells of its end.
//!
//! ```
//! use genserver::task::Task;
//! use genserver::{Probe, Reason, spawn};
//!
//! # genserver_doc::run! {
//! let parent = spawn(|_me: Probe<()>| async {
//!     let answer = Task::spawn(async { panic!("no answer") });
//!     let () = answer.await?;
//!     Ok(())
//! })?;
//! assert_eq!(parent.process_ref().ended().await.to_string(), "panicked: no answer");
//! # }
//! ```
//!
//! # When there is no result
//!
//! Awaiting a task waits for five seconds, or as long as [`timeout`](Join::timeout) sets, and ends with a [`TaskError`] if the
//! task ended without a result or not in time. In OTP such an `await` exits its caller; here it returns the error, and `?` in
//! a callback, or in another task, turns it into the exit.
//!
//! **A timeout does not end the task.** In OTP the caller exits, and the link ends the task too; `?` does the same
//! here. If you handle the error instead, you decide what happens to the task. After [`join`](Task::join), which only borrows,
//! you still hold it: join it again, or end it with [`shutdown`](Task::shutdown). Awaiting the task itself consumes the handle.
//! After that timeout nothing refers to the task any more, and only its link, if it has one, can end it.
//!
//! ```
//! use std::time::Duration;
//! use genserver::task::{Shutdown, Task, TaskError};
//! # use genserver::time;
//!
//! # genserver_doc::run_paused! {
//! let mut slow = Task::spawn(async { time::sleep(Duration::from_secs(60)).await });
//! let late = slow.join().timeout(Duration::from_secs(1)).await;
//! assert!(matches!(late, Err(TaskError::Timeout { .. })));
//! assert_eq!(slow.shutdown(Shutdown::BrutalKill).await, None);
//! # }
//! ```
//!
//! To check whether a result is there yet, and check again later, use [`yield_for`](Task::yield_for). Nothing ever arrives
//! after a wait was abandoned: a result that is not taken is dropped.
//!
//! # A task that fails
//!
//! A panic ends a task with that panic as its reason. Any value that its function *returns* is a result: a task that
//! returns an `Err` has done its work, and hands the error to its owner. To turn errors into exits, which hit the owner
//! like a crash, use [`or_exit`]: then `?` in the task ends it, as it ends a server in a callback.
//!
//! ```
//! use genserver::task::{Task, or_exit};
//!
//! # genserver_doc::run! {
//! let returned = Task::spawn(async { "80a".parse::<u16>() });
//! assert!(returned.await?.is_err());
//!
//! let crashed = Task::spawn(or_exit(async {
//!     let port: u16 = "80a".parse()?;
//!     Ok(port)
//! }));
//! assert!(crashed.await.unwrap_err().to_string().ends_with("invalid digit found in string"));
//! # }
//! ```
//!
//! # Many tasks
//!
//! [`await_many`] awaits several tasks under one deadline, and [`yield_many`] collects the results that are ready by a deadline.
//! For a collection of unknown length use [`async_stream`]: it runs a function over the items, a few at a time, each in a task of
//! its own.
//!
//! ```
//! use futures::StreamExt;
//! use genserver::Reason;
//! use genserver::task::async_stream;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let lengths = async_stream(["eggs", "milk", "flour"], |item| async move { item.len() });
//! let lengths: Vec<Result<usize, Reason>> = lengths.collect().await;
//! assert_eq!(lengths, [Ok(4), Ok(4), Ok(5)]);
//! # }
//! ```
//!
//! # In a server
//!
//! A callback that awaits a task keeps all other callers waiting. Hand the [`Caller`](crate::Caller) to the task instead, and go
//! on:
//!
//! ```
//! use genserver::task::Task;
//! use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome};
//!
//! struct Sums;
//! struct Sum(Vec<u64>, Caller<u64>);
//!
//! impl GenServer for Sums {
//!     type Args = ();
//!     type Call = Sum;
//!     type Cast = Never;
//!     type Info = Never;
//!
//!     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
//!         Init::Run(Sums)
//!     }
//!
//!     async fn handle_call(
//!         &mut self,
//!         Sum(numbers, caller): Sum,
//!         _cx: &mut Cx<Self>,
//!     ) -> Outcome<Self> {
//!         Task::start_link(async move { caller.reply(numbers.iter().sum()) })?;
//!         Next::wait()
//!     }
//! }
//!
//! # genserver_doc::run! {
//! let sums = genserver::start::<Sums>(()).await?;
//! assert_eq!(sums.call(|caller| Sum(vec![1, 2, 3], caller)).await?, 6);
//! # }
//! ```
//!
//! A server that needs the result itself attaches the task as a stream of one item, with [`Cx::attach`](crate::Cx::attach) of
//! `task.into_future().no_timeout().into_stream()`, and gets the result as an info.
//!
//! # Without a result
//!
//! [`Task::start`] runs a function without returning its result, and [`Task::start_link`] links it. You can also drop the handle
//! of any task: that does not end the task, which goes on, and its result is dropped. [`ignore`](Task::ignore) does the same
//! explicitly, and removes the link.
//!
//! # Under a supervisor
//!
//! A [`TaskSupervisor`] knows its tasks, limits their number and ends them when it ends. With
//! [`spawn_nolink`](TaskSupervisor::spawn_nolink) it runs tasks whose crash their owner survives.
//!
//! # When (not) to use a task
//!
//! A task is worth its process if it runs beside its owner, and if its end matters to others. To do one thing after the
//! other, await the function itself. To await several things at once and drop them together, `join!` is enough:
//!
//! ```
//! # async fn fetch(_what: &str) -> u8 { 1 }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let (eggs, milk) = futures::join!(fetch("eggs"), fetch("milk"));
//! # assert_eq!(eggs + milk, 2);
//! # }
//! ```
//!
//! It runs them by turns on one thread, may borrow, and a panic in one of them is a panic here. For something that lasts and
//! answers more than once, write a server. A function that blocks its thread should not run in a task: it cannot be killed, and
//! it occupies a thread of the runtime. Use [`run_blocking`](crate::run_blocking) and await that.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::task::{Context, Poll, Waker, ready};

use crate::{AsProcess, Ending, Never, Pid, Probe, ProcessRef, Reason, StartError};

// What a task can run, and how it is run.
mod body;
// A task that runs, as its owner sees it.
mod running;
// Waiting for results.
mod join;
// Checking whether results are there.
mod yielding;
// Ending a task from outside.
mod ending;
// A task for each item of a stream.
mod stream;
// Tasks under a supervisor.
mod supervisor;

pub use crate::supervisor::Shutdown;
pub use body::{OrExit, TaskBody, callers, or_exit};
pub use join::{AwaitMany, Join, TaskError, await_many};
pub use stream::{
    AsyncStream, ExitAlone, ExitWithInput, ItemExit, ItemTimedOut, ItemTimeout, async_stream, async_stream_of,
};
pub use supervisor::{StartTask, TaskSupervisor};
pub use yielding::{OnTimeout, YieldMany, yield_many};

use body::{Bond, launch, launch_unattended};
use join::Patience;
use running::Running;

/// The handle of a task, with which its owner awaits it: OTP's `Task.t()`.
///
/// It is not `Clone`, because a result is returned only once. Dropping it does not end the task. The task goes on,
/// still linked with its spawner, and its result is dropped.
///
/// `task.await` is the same as [`task.join().await`](Task::join), but consumes the handle.
///
/// # Examples
///
/// ```
/// use genserver::task::Task;
///
/// # genserver_doc::run! {
/// let words = vec!["a", "task"];
/// let letters = Task::spawn(async move { words.concat().len() });
/// assert_eq!(letters.await?, 5);
/// # }
/// ```
///
/// Only its owner can await it:
///
/// ```compile_fail,E0382
/// # // RAT-043
/// # async fn example() {
/// let task = genserver::task::Task::spawn(async { 1 });
/// let somebody_else = async move { task.await };
/// task.await.unwrap();
/// # }
/// ```
#[must_use = "dropping a task loses its result; await it, or use `Task::start` if none is wanted"]
pub struct Task<T> {
    /// None if it never had one.
    process: Option<ProcessRef>,
    state: TaskState<T>,
}

enum TaskState<T> {
    /// No result has been seen yet.
    Running(Running<T>),
    /// The result is here, and has not been taken.
    Done(Result<T, Reason>),
    /// The result has been taken.
    Over,
}

// The future that is pinned is stored in the task's process.
impl<T> Unpin for Task<T> {}

impl<T: Send + 'static> Task<T> {
    /// Runs a future as a process of its own, and keeps its result for the owner of the handle: OTP's `Task.async`.
    ///
    /// The task is linked with the calling process. Plain code is not a process, so there the task is not linked. It runs
    /// at once, whether or not it is awaited. [`TaskBody`] says what else it can run.
    ///
    /// If the task cannot run, for example because the thread is in no runtime, awaiting it fails with the
    /// [`StartError`] as its reason.
    #[doc(alias = "async")]
    pub fn spawn<B: TaskBody<Output = T>>(body: B) -> Self {
        launch(Bond::Linked, |_me: Probe<Never>| body)
    }

    /// Runs an async function with a mailbox, like [`spawn`](crate::spawn): for a task that receives messages, or traps exits.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::Probe;
    /// use genserver::task::Task;
    ///
    /// # genserver_doc::run! {
    /// let mut shell = Probe::new();
    /// let told = shell.sender();
    /// let task = Task::with_mailbox(|mut me: Probe<u8>| async move {
    ///     told.send(me.sender()).ok();
    ///     me.expect_message().await
    /// });
    /// shell.expect_message().await.send(7)?;
    /// assert_eq!(task.await?, 7);
    /// # }
    /// ```
    pub fn with_mailbox<M, B>(function: impl FnOnce(Probe<M>) -> B + Send + 'static) -> Self
    where
        M: Send + 'static,
        B: TaskBody<Output = T>,
    {
        launch(Bond::Linked, function)
    }

    /// Returns a task that has ended already, with `value`. There is no process, and an await is ready at once: OTP's
    /// `Task.completed`.
    ///
    /// It is for a function that returns a task, and sometimes has the result already.
    pub fn completed(value: T) -> Self {
        Self { process: None, state: TaskState::Done(Ok(value)) }
    }

    /// Waits for the result, for five seconds by default: OTP's `Task.await`.
    ///
    /// This returns a builder for the timeout; await it. The handle is only borrowed: after a timeout the task goes
    /// on, and can be joined again or [shut down](Task::shutdown). `task.await` consumes the handle.
    ///
    /// # Errors
    ///
    /// The awaited join returns a [`TaskError`]: [`Exit`](TaskError::Exit) if the task ended without a result,
    /// [`Timeout`](TaskError::Timeout) if it did not end in time. A result is returned once; after that, the join fails
    /// with [`Reason::NoProc`].
    ///
    /// # Panics
    ///
    /// When it has to wait with a timeout in plain code outside every runtime, where there is no clock.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if it is dropped before it is ready: the task still holds its result.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::{Reason, task::{Task, TaskError}};
    ///
    /// # genserver_doc::run! {
    /// let mut task = Task::spawn(async { 1 });
    /// assert_eq!(task.join().await?, 1);
    /// assert!(matches!(task.join().await, Err(TaskError::Exit { reason: Reason::NoProc, .. })));
    /// # }
    /// ```
    #[doc(alias = "await")]
    pub fn join(&mut self) -> Join<T, &mut Self> {
        Join::new(self)
    }

    /// Moves the result into the handle, if it is there. Ready if nothing more will come.
    fn poll_done(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let TaskState::Running(running) = &mut self.state {
            let result = ready!(running.poll(cx));
            self.state = TaskState::Done(result);
        }
        Poll::Ready(())
    }

    /// Takes the result.
    fn poll_result(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Reason>> {
        ready!(self.poll_done(cx));
        Poll::Ready(match std::mem::replace(&mut self.state, TaskState::Over) {
            TaskState::Done(result) => result,
            TaskState::Running(_) | TaskState::Over => Err(Reason::NoProc),
        })
    }

    /// Takes the result, or returns `None` when the time is over.
    fn poll_within(&mut self, patience: &mut Patience, cx: &mut Context<'_>) -> Poll<Option<Result<T, Reason>>> {
        let mut done = self.poll_done(cx);
        if done.is_pending() {
            ready!(patience.poll(cx));
            // If the result and the deadline come together, the result wins.
            done = self.poll_done(cx);
        }
        ready!(crate::poll_alive(cx));
        Poll::Ready(if done.is_ready() { self.take_result() } else { None })
    }

    /// Takes the result if it is there, without waiting.
    fn take_result(&mut self) -> Option<Result<T, Reason>> {
        match self.poll_result(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        }
    }
}

impl<T> Task<T> {
    /// The pid of its process; [`Pid::NOBODY`] for a task that never had one.
    pub fn pid(&self) -> Pid {
        self.process.as_ref().map_or(Pid::NOBODY, ProcessRef::pid)
    }
}

impl Task<()> {
    /// Runs a future as a process whose result is not awaited: OTP's `Task.start`. It is not linked.
    ///
    /// Like a function that is [spawned](crate::spawn), it may end with nothing or with a reason.
    ///
    /// # Errors
    ///
    /// As [`spawn`](crate::spawn).
    pub fn start<F>(future: F) -> Result<ProcessRef, StartError>
    where
        F: Future<Output: Ending> + Send + 'static,
    {
        launch_unattended(Bond::Free, future)
    }

    /// The same, linked with the calling process: OTP's `Task.start_link`.
    ///
    /// # Errors
    ///
    /// As [`spawn_link`](crate::spawn_link): [`StartError::NotAProcess`] in plain code.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::{Probe, Reason, task::Task};
    ///
    /// # genserver_doc::run! {
    /// let mut shell = Probe::<()>::new();
    /// shell.trap_exits(true);
    /// let start = async { Task::start_link(async { Err(Reason::term("boom")) }) };
    /// let task = shell.scope(start).await?;
    /// assert_eq!(shell.expect_exit(&task).await.reason, Reason::term("boom"));
    /// # }
    /// ```
    pub fn start_link<F>(future: F) -> Result<ProcessRef, StartError>
    where
        F: Future<Output: Ending> + Send + 'static,
    {
        launch_unattended(Bond::Linked, future)
    }
}

/// Waits for five seconds: see [`Task::join`] for another timeout.
impl<T: Send + 'static> IntoFuture for Task<T> {
    type Output = Result<T, TaskError>;
    type IntoFuture = Join<T>;

    fn into_future(self) -> Join<T> {
        Join::new(self)
    }
}

/// The same as [`Task::join`].
impl<'a, T: Send + 'static> IntoFuture for &'a mut Task<T> {
    type Output = Result<T, TaskError>;
    type IntoFuture = Join<T, &'a mut Task<T>>;

    fn into_future(self) -> Join<T, Self> {
        Join::new(self)
    }
}

impl<T> AsProcess for Task<T> {
    fn as_process(&self) -> Option<ProcessRef> {
        self.process.clone()
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            TaskState::Running(_) => write!(f, "Task({})", self.pid()),
            TaskState::Done(_) => write!(f, "Task({}, done)", self.pid()),
            TaskState::Over => write!(f, "Task({}, over)", self.pid()),
        }
    }
}
