//! What a task can run, and how it runs as a process.

use std::any::type_name;
use std::cell::RefCell;
use std::future::{Future, poll_fn, ready};
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::{BoxFuture, Either, select};

use super::running::Running;
use super::{Task, TaskState};
use crate::report::{Level, Report, TaskFailed};
use crate::sync::oneshot;
use crate::{Ending, Never, Pid, Probe, ProcessRef, Reason, StartError, current_process, spawn, spawn_link};

/// A type that a task can run: any future, or one that [may exit](or_exit).
///
/// The output of a future is the task's result, even if it is an `Err`.
///
/// # Examples
///
/// A type of your own can be a task's body:
///
/// ```
/// use genserver::Reason;
/// use genserver::task::{Task, TaskBody};
///
/// struct Sum(Vec<u64>);
///
/// impl TaskBody for Sum {
///     type Output = u64;
///
///     async fn run(self) -> Result<u64, Reason> {
///         self.0.into_iter().reduce(u64::wrapping_add).ok_or(Reason::term("nothing to add"))
///     }
/// }
///
/// # genserver_doc::run! {
/// assert_eq!(Task::spawn(Sum(vec![1, 2, 3])).await?, 6);
/// assert!(Task::spawn(Sum(vec![])).await.is_err());
/// # }
/// ```
pub trait TaskBody: Send + 'static {
    /// The task's result.
    type Output: Send + 'static;

    /// Runs it. If it returns an error, the task exits with that reason.
    fn run(self) -> impl Future<Output = Result<Self::Output, Reason>> + Send;

    /// Its name in reports.
    fn name() -> &'static str {
        type_name::<Self>()
    }
}

impl<F: Future<Output: Send + 'static> + Send + 'static> TaskBody for F {
    type Output = F::Output;

    async fn run(self) -> Result<F::Output, Reason> {
        Ok(self.await)
    }
}

/// Makes an error of a future the exit of its task: OTP's `exit/1` in a task, and `?` as in a callback.
///
/// The task's result is the `Ok` value of the future. If the future returns `Err`, the task has no result: it ends with that
/// reason, which is reported and travels over links like a panic. `Err(Reason::Normal)` ends it silently.
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

    fn name() -> &'static str {
        type_name::<F>()
    }
}

/// The ties of a new task to its spawner.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bond {
    /// A link with the process that spawns it, if any.
    Linked,
    /// The same, removed when it ends with a result: only its crashes reach its spawner.
    LinkedForCrashes,
    /// None.
    Free,
}

/// A task that is not started yet: what it will run, its spawner, and the destination of its result.
pub(super) struct Plan<W, T> {
    function: W,
    owner: Option<ProcessRef>,
    bond: Bond,
    /// Whether it ends when its handle is dropped.
    leashed: bool,
    callers: Vec<Pid>,
    sender: oneshot::Sender<T>,
}

/// The part of a task that its owner holds until the task is started.
pub(super) struct Stub<T> {
    owner: Option<ProcessRef>,
    result: oneshot::Receiver<T>,
}

impl<T> Stub<T> {
    /// The handle of the running task.
    pub(super) fn started(self, process: ProcessRef) -> Task<T> {
        let running = Running::new(process.clone(), self.owner, self.result);
        Task { process: Some(process), state: TaskState::Running(running) }
    }

    /// The handle of a task that could not be started.
    pub(super) fn failed(error: StartError) -> Task<T> {
        Task { process: None, state: TaskState::Done(Err(error.into())) }
    }
}

/// Plans a task of the current process.
pub(super) fn plan<M, B, W>(bond: Bond, function: W) -> (Plan<W, B::Output>, Stub<B::Output>)
where
    M: Send + 'static,
    B: TaskBody,
    W: FnOnce(Probe<M>) -> B + Send + 'static,
{
    let owner = current_process().filter(|_| bond != Bond::Free);
    let (sender, result) = oneshot::channel();
    let plan = Plan { function, owner: owner.clone(), bond, leashed: false, callers: chain(), sender };
    (plan, Stub { owner, result })
}

impl<W, T: Send + 'static> Plan<W, T> {
    /// Makes the task end when its handle is dropped.
    pub(super) fn leashed(mut self) -> Self {
        self.leashed = true;
        self
    }

    /// Links the task with its spawner; returns false if the spawner is gone, or the task is no longer wanted.
    fn is_wanted<M: Send + 'static>(&self, me: &mut Probe<M>) -> bool {
        !self.sender.is_closed() && self.owner.as_ref().is_none_or(|owner| me.link(owner).is_ok())
    }

    /// Makes the future that runs in the process of the task.
    fn body<M, B>(self, me: Probe<M>) -> Body<B>
    where
        M: Send + 'static,
        B: TaskBody<Output = T>,
        W: FnOnce(Probe<M>) -> B + Send + 'static,
    {
        let Self { function, owner, bond, leashed, callers, mut sender } = self;
        let pid = me.pid();
        let unlink = move || {
            if let Some(owner) = owner {
                owner.unlink(&pid);
            }
        };
        Body::new(pid, callers, B::name(), async move {
            // The function is dropped before its result is sent: when the owner has the result, the function holds nothing any
            // more.
            let run = async move { function(me).run().await };
            let value = if leashed {
                match select(pin!(run), pin!(sender.closed())).await {
                    Either::Left((value, _)) => value?,
                    Either::Right(((), _)) => {
                        unlink();
                        return Err(Reason::Shutdown);
                    }
                }
            } else {
                run.await?
            };
            // A task that was killed meanwhile has no result.
            poll_fn(crate::poll_alive).await;
            if bond == Bond::LinkedForCrashes {
                unlink();
            }
            // If the handle is gone, the value comes back and is dropped here, in the task.
            drop(sender.send(value));
            Ok(())
        })
    }
}

/// Runs `function` as a task, and returns its handle.
pub(super) fn launch<M, B>(bond: Bond, function: impl FnOnce(Probe<M>) -> B + Send + 'static) -> Task<B::Output>
where
    M: Send + 'static,
    B: TaskBody,
{
    let (plan, stub) = plan(bond, function);
    let is_linked = plan.owner.is_some();
    let run = move |me: Probe<M>| plan.body::<M, B>(me);
    match if is_linked { spawn_link(run) } else { spawn(run) } {
        Ok(process) => stub.started(process.process_ref()),
        Err(error) => Stub::failed(error),
    }
}

/// The start function of a planned task for its supervisor. It starts once.
pub(super) fn supervised<M, B, W>(plan: Plan<W, B::Output>) -> impl FnMut(Probe<M>) -> Body<B> + Send + 'static
where
    M: Send + 'static,
    B: TaskBody,
    W: FnOnce(Probe<M>) -> B + Send + 'static,
{
    let mut plan = Some(plan);
    move |mut me: Probe<M>| match plan.take() {
        // If the requester has ended or given the task up, it does not run at all.
        Some(plan) if plan.is_wanted(&mut me) => plan.body(me),
        _ => Body::nothing(),
    }
}

/// The start function of a task whose result is not awaited. It starts as often as needed.
pub(super) fn restarted<F>(function: impl Fn() -> F + Send + Sync + 'static) -> impl FnMut(Probe<Never>) -> Body<F>
where
    F: Future<Output: Ending> + Send + 'static,
{
    let (callers, function) = (chain(), Arc::new(function));
    move |me| {
        let function = Arc::clone(&function);
        Body::new(me.pid(), callers.clone(), type_name::<F>(), async move { function().await.into_ending() })
    }
}

/// Runs a future as a task whose result is not awaited.
pub(super) fn launch_unattended<F>(bond: Bond, future: F) -> Result<ProcessRef, StartError>
where
    F: Future<Output: Ending> + Send + 'static,
{
    let callers = chain();
    let run = move |me: Probe<Never>| {
        Body::<F>::new(me.pid(), callers, type_name::<F>(), async move { future.await.into_ending() })
    };
    let spawned = if bond == Bond::Free { spawn(run) } else { spawn_link(run) };
    spawned.map(|process| process.process_ref())
}

/// Runs a task's function, and reports its end if it is abnormal. The report of its process follows.
async fn reported(
    started_by: Option<Pid>,
    function: &'static str,
    future: impl Future<Output = Result<(), Reason>>,
) -> Result<(), Reason> {
    let ended = AssertUnwindSafe(future).catch_unwind().await;
    // If the task was killed meanwhile, that is its reason, and not what the function returned.
    poll_fn(crate::poll_alive).await;
    let Err(reason) = ended.unwrap_or_else(|payload| Err(Reason::caught(payload))) else { return Ok(()) };
    if !reason.is_normal_set()
        && let Some(me) = current_process()
    {
        let failed = |me| Report::TaskFailed(TaskFailed::new(me, started_by, function, reason.clone()));
        me.report(Level::Error, failed);
    }
    Err(reason)
}

/// How many callers a task remembers, as a process does its ancestors.
const CALLERS_KEPT: usize = 16;

thread_local! {
    /// The callers of the task that this thread is polling.
    static ON_BEHALF: RefCell<Option<Arc<Callers>>> = const { RefCell::new(None) };
}

struct Callers {
    /// The task that has these callers.
    task: Pid,
    callers: Vec<Pid>,
}

/// Returns the callers of this task: the process that spawned it, then that process's caller, and so on, as far as
/// they were tasks. OTP's `$callers`.
///
/// A supervised task is started by its supervisor, and so descends from it; its callers are the processes that requested it. It
/// is empty in plain code, in a process that is not a task, and in a task that plain code has spawned.
///
/// # Examples
///
/// ```
/// use genserver::Probe;
/// use genserver::task::{Task, TaskError, callers, or_exit};
///
/// # genserver_doc::run! {
/// let shell = Probe::<()>::new();
/// let mut outer = shell.scope(async {
///     Task::spawn(or_exit(async {
///         let inner = Task::spawn(async { callers() });
///         Ok(inner.await?)
///     }))
/// }).await;
/// let pid = outer.pid();
/// assert_eq!(outer.join().await?, [pid, shell.pid()]);
/// # }
/// ```
#[doc(alias = "$callers")]
pub fn callers() -> Vec<Pid> {
    let Some(here) = current_process() else { return Vec::new() };
    ON_BEHALF.with_borrow(|current| match current {
        Some(current) if current.task == here.pid() => current.callers.clone(),
        // A server that is run by this task's thread is not the task, and has no callers.
        _ => Vec::new(),
    })
}

/// The callers of a task that is spawned here.
fn chain() -> Vec<Pid> {
    let mut chain: Vec<Pid> = current_process().iter().map(ProcessRef::pid).collect();
    chain.extend(callers());
    chain.truncate(CALLERS_KEPT);
    chain
}

/// The future that runs in the process of a task. Reports show its type, so it is named after `B` and nothing else.
pub(super) struct Body<B> {
    callers: Arc<Callers>,
    future: BoxFuture<'static, Result<(), Reason>>,
    runs: PhantomData<fn() -> B>,
}

impl<B> Body<B> {
    fn new(
        task: Pid,
        callers: Vec<Pid>,
        function: &'static str,
        future: impl Future<Output = Result<(), Reason>> + Send + 'static,
    ) -> Self {
        let future = Box::pin(reported(callers.first().copied(), function, future));
        Self { callers: Arc::new(Callers { task, callers }), future, runs: PhantomData }
    }

    /// Runs nothing.
    fn nothing() -> Self {
        Self::new(Pid::NOBODY, Vec::new(), "nothing", ready(Ok(())))
    }
}

/// Sets the thread's callers while it is polled.
impl<B> Future for Body<B> {
    type Output = Result<(), Reason>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let _restored = Restored { before: ON_BEHALF.replace(Some(Arc::clone(&self.callers))) };
        self.future.as_mut().poll(cx)
    }
}

/// Restores the callers that were set before, even if a panic drops it.
struct Restored {
    before: Option<Arc<Callers>>,
}

impl Drop for Restored {
    fn drop(&mut self) {
        ON_BEHALF.set(self.before.take());
    }
}
