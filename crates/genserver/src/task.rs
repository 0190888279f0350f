//! Tasks: async functions that run as processes of their own, and whose results somebody awaits.
//!
//! ```
//! use genserver::task::Task;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let answer = Task::spawn(async { 6 * 7 });
//! // Something else is done here, while the task runs.
//! assert_eq!(answer.await?, 42);
//! # Ok(())
//! # }
//! ```
//!
//! A task does one thing and ends. It is a process: it has a pid, can be linked, watched and killed, and a crash in it is an
//! exit with a reason. What [`Task::spawn`] returns is owned. Who holds it awaits the result, once, and nobody else can.
//!
//! # A task and the process that spawns it
//!
//! A task is linked with the process that spawns it: they make no sense without each other. If the task crashes, its
//! spawner gets the exit, and ends too unless it traps exits; if the spawner ends, the task is taken along. Plain code, as
//! `main` and a test are, is no process. A task that it spawns is linked with nobody, and is told of by its handle alone.
//!
//! ```
//! use genserver::task::Task;
//! use genserver::{Probe, Reason, spawn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let parent = spawn(|_me: Probe<()>| async {
//!     let answer = Task::spawn(async { panic!("no answer") });
//!     let () = answer.await?;
//!     Ok(())
//! })?;
//! assert_eq!(parent.process_ref().ended().await.to_string(), "panicked: no answer");
//! # Ok(())
//! # }
//! ```
//!
//! # When the result does not come
//!
//! Awaiting a task waits for five seconds, or as long as [`timeout`](Join::timeout) says, and ends with a [`TaskError`] if the
//! task ended without a result or not in time. In OTP such an `await` exits its caller; here the error is returned, and `?` in
//! a callback, or in another task, makes it the exit.
//!
//! **A time-out does not end the task.** In OTP the caller exits and takes the task along over the link, and that is what `?`
//! does here as well. Whoever handles the error instead decides what becomes of the task, and still holds it after
//! [`join`](Task::join), which only borrows: join it again, or end it with [`shutdown`](Task::shutdown). Awaiting the task itself
//! gives the handle away. After a time-out nobody holds the task any more, and only its link, if it has one, still ends it.
//!
//! ```
//! use std::time::Duration;
//! use genserver::task::{Shutdown, Task, TaskError};
//! # use genserver::time;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut slow = Task::spawn(async { time::sleep(Duration::from_secs(60)).await });
//! let late = slow.join().timeout(Duration::from_secs(1)).await;
//! assert!(matches!(late, Err(TaskError::Timeout { .. })));
//! assert_eq!(slow.shutdown(Shutdown::BrutalKill).await, None);
//! # Ok(())
//! # }
//! ```
//!
//! To look whether a result is there yet, and to look again later, there is [`yield_for`](Task::yield_for). Nothing ever arrives
//! after a wait was given up: a result that nobody fetches is dropped.
//!
//! # A task that fails
//!
//! A panic ends a task with that panic as its reason. What its function *returns* is a result, whatever it is: a task that
//! returns an `Err` has done its work, and hands the error to its owner. To make errors exits, so that the owner is hit by
//! them like by a crash, say [`or_exit`]: then `?` in the task ends it, as it ends a server in a callback.
//!
//! ```
//! use genserver::task::{Task, or_exit};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let returned = Task::spawn(async { "80a".parse::<u16>() });
//! assert!(returned.await?.is_err());
//!
//! let crashed = Task::spawn(or_exit(async {
//!     let port: u16 = "80a".parse()?;
//!     Ok(port)
//! }));
//! assert!(crashed.await.unwrap_err().to_string().ends_with("invalid digit found in string"));
//! # Ok(())
//! # }
//! ```
//!
//! # Many tasks
//!
//! [`await_many`] awaits several tasks under one deadline, [`yield_many`] collects what is ready by one. For a collection of
//! unknown length there is [`async_stream`]: it runs a function over the items, a few at a time, each in a task of its own.
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
//! A callback that awaits a task keeps everybody else waiting. Hand the [`Caller`](crate::Caller) to the task instead, and go
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
//!     async fn handle_call(&mut self, Sum(numbers, caller): Sum, _cx: &mut Cx<Self>) -> Outcome<Self> {
//!         Task::start_link(async move { caller.reply(numbers.iter().sum()) })?;
//!         Next::wait()
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sums = genserver::start::<Sums>(()).await?;
//! assert_eq!(sums.call(|caller| Sum(vec![1, 2, 3], caller)).await?, 6);
//! # Ok(())
//! # }
//! ```
//!
//! A server that needs the result itself draws the task like a stream of one item, with [`Cx::attach`](crate::Cx::attach) of
//! `task.into_future().no_timeout().into_stream()`, and gets it as an info.
//!
//! # Without a result
//!
//! [`Task::start`] runs a function whose result nobody wants, and [`Task::start_link`] links it. The handle of an awaited task
//! can be dropped too: that ends nothing, the task goes on and its result is dropped. [`ignore`](Task::ignore) says so aloud,
//! and takes the link away.
//!
//! # Under a supervisor
//!
//! A [`TaskSupervisor`] knows its tasks, bounds their number and ends them when it ends. With
//! [`spawn_nolink`](TaskSupervisor::spawn_nolink) it runs tasks whose crash their owner survives.
//!
//! # When (not) to use a task
//!
//! A task is worth its process if it is to run beside its owner, and if its end concerns somebody. To do one thing after the
//! other, await the function itself. To await several things at once, and to be gone together with them, `join!` is enough:
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
//! It runs them by turns on one thread, borrows what it likes, and a panic in one is a panic here. What lasts, and answers
//! more than once, is a server. A function that blocks its thread is no better off in a task: it cannot be killed, and it
//! keeps a thread of the runtime; hand it to the runtime's pool for such functions, and await that.

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
// Looking whether results are there.
mod yielding;
// Ending a task before it ends by itself.
mod ending;
// A task for each item of a stream.
mod stream;
// Tasks under a supervisor.
mod supervisor;

pub use crate::supervisor::Shutdown;
pub use body::{OrExit, TaskBody, callers, or_exit};
pub use join::{AWAIT_WITHIN, AwaitMany, Join, TaskError, await_many};
pub use stream::{
    AsyncStream, ExitAlone, ExitWithInput, ItemExit, ItemTimedOut, ItemTimeout, async_stream, async_stream_of,
};
pub use supervisor::{StartTask, TaskSupervisor};
pub use yielding::{OnTimeout, YieldMany, yield_many};

use body::{Bond, launch, launch_unattended};
use join::Patience;
use running::Running;

/// A task, in the hands of whoever awaits it: OTP's `Task.t()`.
///
/// It is not `Clone`: a result is handed out once, to whoever holds the handle. Dropping it ends nothing. The task goes on,
/// still linked with its spawner, and its result is dropped.
///
/// `task.await` is the same as [`task.join().await`](Task::join), with the handle gone afterwards.
///
/// # Examples
///
/// ```
/// use genserver::task::Task;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let words = vec!["a", "task"];
/// let letters = Task::spawn(async move { words.iter().map(|word| word.len()).sum::<usize>() });
/// assert_eq!(letters.await?, 5);
/// # Ok(())
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
    state: State<T>,
}

enum State<T> {
    /// Nobody has seen a result yet.
    Running(Running<T>),
    /// The result is here, and nobody has fetched it.
    Done(Result<T, Reason>),
    /// It has been fetched.
    Over,
}

/// What is pinned lies in the task's process.
impl<T> Unpin for Task<T> {}

impl<T: Send + 'static> Task<T> {
    /// Runs a future as a process of its own, and keeps its result for whoever holds the handle: OTP's `Task.async`.
    ///
    /// The task is linked with the process that calls this. In plain code there is none, and it is linked with nobody. It runs
    /// at once, whether or not somebody awaits it. What else than a future it can run is said at [`TaskBody`].
    ///
    /// A task that cannot run, because the thread is in no runtime for instance, fails when it is awaited, with the
    /// [`StartError`] as its reason.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::task::Task;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let task = Task::spawn(async { "done" });
    /// assert_eq!(task.await?, "done");
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "async")]
    pub fn spawn<B: TaskBody<Output = T>>(body: B) -> Self {
        launch(Bond::Linked, |_me: Probe<Never>| body)
    }

    /// Runs an async function that has a mailbox, as [`spawn`](crate::spawn) gives it one: for a task that is sent messages, or traps exits.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::Probe;
    /// use genserver::task::Task;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut shell = Probe::new();
    /// let told = shell.sender();
    /// let task = Task::with_mailbox(|mut me: Probe<u8>| async move {
    ///     told.send(me.sender()).ok();
    ///     me.expect_message().await
    /// });
    /// shell.expect_message().await.send(7)?;
    /// assert_eq!(task.await?, 7);
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_mailbox<M, B>(function: impl FnOnce(Probe<M>) -> B + Send + 'static) -> Self
    where
        M: Send + 'static,
        B: TaskBody<Output = T>,
    {
        launch(Bond::Linked, function)
    }

    /// A task that has ended already, with `value`. There is no process, and an await is ready at once: OTP's
    /// `Task.completed`.
    ///
    /// It is for a function that returns a task, and sometimes has the result at hand.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::task::Task;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let known = Task::completed(3);
    /// assert_eq!(known.await?, 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn completed(value: T) -> Self {
        Self { process: None, state: State::Done(Ok(value)) }
    }

    /// Waits for the result, for five seconds unless told otherwise: OTP's `Task.await`.
    ///
    /// What comes back is a builder for the time, and is awaited. The handle is only borrowed: after a time-out the task goes
    /// on, and can be joined again or [shut down](Task::shutdown). `task.await` gives the handle away.
    ///
    /// # Errors
    ///
    /// The awaited join returns a [`TaskError`]: [`Exit`](TaskError::Exit) if the task ended without a result,
    /// [`Timeout`](TaskError::Timeout) if it did not end in time. A result is handed out once: after that the task has ended
    /// with [`Reason::NoProc`].
    ///
    /// # Panics
    ///
    /// When it has to wait for a limited time in plain code outside every runtime: there is no clock.
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
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut task = Task::spawn(async { 1 });
    /// assert_eq!(task.join().await?, 1);
    /// assert!(matches!(task.join().await, Err(TaskError::Exit { reason: Reason::NoProc, .. })));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "await")]
    pub fn join(&mut self) -> Join<T, &mut Self> {
        Join::new(self)
    }

    /// Has the result brought into the handle, if it is there. Ready if nothing more will come.
    fn poll_done(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let State::Running(running) = &mut self.state {
            let result = ready!(running.poll(cx));
            self.state = State::Done(result);
        }
        Poll::Ready(())
    }

    /// Fetches the result.
    fn poll_result(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Reason>> {
        ready!(self.poll_done(cx));
        Poll::Ready(match std::mem::replace(&mut self.state, State::Over) {
            State::Done(result) => result,
            State::Running(_) | State::Over => Err(Reason::NoProc),
        })
    }

    /// Fetches the result, or nothing when the time is over.
    fn poll_within(&mut self, patience: &mut Patience, cx: &mut Context<'_>) -> Poll<Option<Result<T, Reason>>> {
        let mut done = self.poll_done(cx);
        if done.is_pending() {
            ready!(patience.poll(cx));
            // A result that comes together with the deadline wins.
            done = self.poll_done(cx);
        }
        ready!(crate::poll_alive(cx));
        Poll::Ready(if done.is_ready() { self.take_result() } else { None })
    }

    /// Fetches the result if it is there, without waiting.
    fn take_result(&mut self) -> Option<Result<T, Reason>> {
        match self.poll_result(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        }
    }
}

impl<T> Task<T> {
    /// The pid of its process; [`Pid::NOBODY`] for a task that never had one.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::{Probe, task::Task};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut task = Task::with_mailbox(|me: Probe<()>| async move { me.pid() });
    /// let pid = task.pid();
    /// assert_eq!(task.join().await?, pid);
    /// # Ok(())
    /// # }
    /// ```
    pub fn pid(&self) -> Pid {
        self.process.as_ref().map_or(Pid::NOBODY, ProcessRef::pid)
    }
}

impl Task<()> {
    /// Runs a future as a process whose result nobody awaits: OTP's `Task.start`. It is linked with nobody.
    ///
    /// It may end with nothing or with a reason, as a function that is [spawned](crate::spawn).
    ///
    /// # Errors
    ///
    /// As [`spawn`](crate::spawn).
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::{Reason, task::Task};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let task = Task::start(async { Err(Reason::term("nothing to do")) })?;
    /// assert_eq!(task.ended().await, Reason::term("nothing to do"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn start<F>(future: F) -> Result<ProcessRef, StartError>
    where
        F: Future<Output: Ending> + Send + 'static,
    {
        launch_unattended(Bond::Free, future)
    }

    /// The same, linked with the process that calls this: OTP's `Task.start_link`.
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
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut shell = Probe::<()>::new();
    /// shell.trap_exits(true);
    /// let task = shell.scope(async { Task::start_link(async { Err(Reason::term("boom")) }) }).await?;
    /// assert_eq!(shell.expect_exit(&task).await.reason, Reason::term("boom"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn start_link<F>(future: F) -> Result<ProcessRef, StartError>
    where
        F: Future<Output: Ending> + Send + 'static,
    {
        launch_unattended(Bond::Linked, future)
    }
}

/// Waits for five seconds: see [`Task::join`], which can be told another time.
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
            State::Running(_) => write!(f, "Task({})", self.pid()),
            State::Done(_) => write!(f, "Task({}, done)", self.pid()),
            State::Over => write!(f, "Task({}, over)", self.pid()),
        }
    }
}
