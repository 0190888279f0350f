//! What a task can run, and how it runs as a process.

use std::cell::RefCell;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::channel::oneshot;
use pin_project_lite::pin_project;

use super::running::Running;
use super::{State, Task};
use crate::{Ending, Never, Pid, Probe, ProcessRef, Reason, StartError, current_process, spawn, spawn_link};

/// What a task can run: any future, or one that [may exit](or_exit).
///
/// What a future returns is the task's result, an `Err` like everything else.
pub trait TaskBody: Send + 'static {
    /// The task's result.
    type Output: Send + 'static;

    /// Runs it. An error is the reason that the task exits with.
    fn run(self) -> impl Future<Output = Result<Self::Output, Reason>> + Send;
}

impl<F: Future<Output: Send + 'static> + Send + 'static> TaskBody for F {
    type Output = F::Output;

    async fn run(self) -> Result<F::Output, Reason> {
        Ok(self.await)
    }
}

/// Has an error of a future be the exit of its task: OTP's `exit/1` in a task, and `?` as in a callback.
///
/// The task's result is what the future returns in `Ok`. If it returns `Err`, the task has no result: it ends with that
/// reason, which is reported and travels over links like a panic. `Err(Reason::Normal)` ends it quietly.
///
/// # Examples
///
/// ```
/// use genserver::{Reason, task::{Task, TaskError, or_exit}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let task = Task::spawn(or_exit(async {
///     let port: u16 = "80a".parse()?;
///     if port < 1024 {
///         return Err(Reason::term("a privileged port"));
///     }
///     Ok(port)
/// }));
/// let Err(TaskError::Exit { reason, .. }) = task.await else { unreachable!() };
/// assert!(reason.downcast_ref::<std::num::ParseIntError>().is_some());
/// # }
/// ```
#[doc(alias = "exit")]
pub fn or_exit<T, F: Future<Output = Result<T, Reason>>>(future: F) -> OrExit<F> {
    OrExit(future)
}

/// A future whose error is the exit of its task; made by [`or_exit`].
#[derive(Clone, Debug)]
#[must_use = "nothing runs until this is given to a task"]
pub struct OrExit<F>(F);

impl<T, F> TaskBody for OrExit<F>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Reason>> + Send + 'static,
{
    type Output = T;

    async fn run(self) -> Result<T, Reason> {
        self.0.await
    }
}

/// What a new task has with its spawner.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bond {
    /// A link with the process that spawns it, if one does.
    Linked,
    /// The same, taken away when it ends with a result: its spawner hears of crashes only.
    LinkedForCrashes,
    /// Nothing.
    Free,
}

/// Runs `function` as a task, and gives its handle.
pub(super) fn launch<M, B>(bond: Bond, function: impl FnOnce(Probe<M>) -> B + Send + 'static) -> Task<B::Output>
where
    M: Send + 'static,
    B: TaskBody,
{
    let owner = current_process().filter(|_| bond != Bond::Free);
    let parting = owner.clone().filter(|_| bond == Bond::LinkedForCrashes);
    let (sender, result) = oneshot::channel();
    let run = on_behalf(|me: Probe<M>| async move {
        let pid = me.pid();
        let value = guarded(async move { function(me).run().await }).await?;
        if let Some(owner) = parting {
            owner.unlink(&pid);
        }
        // Nobody wants it if the handle is gone: then it is dropped here, in the task.
        drop(sender.send(value));
        Ok(())
    });
    let spawned = if owner.is_some() { spawn_link(run) } else { spawn(run) };
    match spawned {
        Ok(process) => {
            let process = process.process_ref();
            let running = Running::new(process.clone(), owner, result);
            Task { process: Some(process), state: State::Running(running) }
        }
        Err(error) => Task { process: None, state: State::Done(Err(error.into())) },
    }
}

/// Runs a future as a task whose result nobody awaits.
pub(super) fn launch_unattended<F>(bond: Bond, future: F) -> Result<ProcessRef, StartError>
where
    F: Future<Output: Ending> + Send + 'static,
{
    let run = on_behalf(|_me: Probe<Never>| guarded(async move { future.await.into_ending() }));
    let spawned = if bond == Bond::Free { spawn(run) } else { spawn_link(run) };
    spawned.map(|process| process.process_ref())
}

/// Has a panic be an error, so that it can be reported as a task's before it is reported as a process's.
async fn guarded<T>(future: impl Future<Output = Result<T, Reason>>) -> Result<T, Reason> {
    let ended = AssertUnwindSafe(future).catch_unwind().await;
    ended.unwrap_or_else(|payload| Err(Reason::caught(payload)))
}

/// How many callers a task remembers, as a process does its ancestors.
const CALLERS_KEPT: usize = 16;

thread_local! {
    /// On whose behalf the task runs that this thread polls just now.
    static ON_BEHALF: RefCell<Option<Arc<Callers>>> = const { RefCell::new(None) };
}

struct Callers {
    /// The task that they have called.
    task: Pid,
    callers: Vec<Pid>,
}

/// On whose behalf this task runs: the process that spawned it, then the one on whose behalf that ran, and so on, as far as
/// they were tasks. OTP's `$callers`.
///
/// A supervised task is started by its supervisor, and so descends from it; its callers are those that asked for it. It is
/// empty in plain code, in a process that is no task, and in a task that plain code has spawned.
///
/// # Examples
///
/// ```
/// use genserver::Probe;
/// use genserver::task::{Task, TaskError, callers, or_exit};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let shell = Probe::<()>::new();
/// let mut outer = shell.scope(async {
///     Task::spawn(or_exit(async {
///         let inner = Task::spawn(async { callers() });
///         Ok(inner.await?)
///     }))
/// }).await;
/// let pid = outer.pid();
/// assert_eq!(outer.join().await?, [pid, shell.pid()]);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "$callers")]
pub fn callers() -> Vec<Pid> {
    let Some(here) = current_process() else { return Vec::new() };
    ON_BEHALF.with_borrow(|current| match current {
        Some(current) if current.task == here.pid() => current.callers.clone(),
        // A server that runs on this task's thread is not called a task for it.
        _ => Vec::new(),
    })
}

/// Has what `function` makes run on behalf of whoever calls this.
pub(super) fn on_behalf<M, F>(
    function: impl FnOnce(Probe<M>) -> F + Send + 'static,
) -> impl FnOnce(Probe<M>) -> OnBehalf<F> + Send + 'static
where
    M: Send + 'static,
    F: Future,
{
    let mut chain: Vec<Pid> = current_process().iter().map(ProcessRef::pid).collect();
    chain.extend(callers());
    chain.truncate(CALLERS_KEPT);
    move |me| {
        let callers = Arc::new(Callers { task: me.pid(), callers: chain });
        OnBehalf { callers, future: function(me) }
    }
}

pin_project! {
    /// A task's future: while it is polled, this thread knows its callers.
    pub(super) struct OnBehalf<F> {
        callers: Arc<Callers>,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for OnBehalf<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _restored = Restored { before: ON_BEHALF.replace(Some(Arc::clone(this.callers))) };
        this.future.poll(cx)
    }
}

/// Restores who was current before, also when a panic drops it.
struct Restored {
    before: Option<Arc<Callers>>,
}

impl Drop for Restored {
    fn drop(&mut self) {
        ON_BEHALF.set(self.before.take());
    }
}
