//! Tasks under a supervisor.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{Stream, stream};

use super::body::{Bond, Plan, Stub, plan, restarted, supervised};
use super::stream::{AsyncStream, Starting};
use super::{Shutdown, Task, TaskBody};
use crate::dynamic_supervisor::{DynamicSupervisor, Server};
use crate::supervisor::{ChildSpec, Restart, StartChildError, TerminateChildError};
use crate::{AsProcess, CallError, Ending, Never, Probe, ProbeRef, ProcessRef, Reason, ServerRef, Start, Stop};

/// A supervisor of tasks: OTP's `Task.Supervisor`.
///
/// A task that a process spawns by itself ends with that process and takes it along when it crashes. Under a supervisor, a
/// task can crash alone, and there is one place that knows all tasks, bounds their number, and ends them when the program does.
///
/// | | linked with who asks | its result |
/// |---|---|---|
/// | [`spawn`](TaskSupervisor::spawn) | yes | is awaited |
/// | [`spawn_nolink`](TaskSupervisor::spawn_nolink) | no | is awaited |
/// | [`start_child`](TaskSupervisor::start_child) | no | nobody awaits it |
/// | [`async_stream`](TaskSupervisor::async_stream) | yes, unless told otherwise | comes in a stream |
///
/// It is a reference like any other, cheap to clone, and neither keeps the supervisor alive nor ends it.
///
/// # Examples
///
/// ```
/// use genserver::task::TaskSupervisor;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tasks = TaskSupervisor::start().name("tasks").await?;
/// let answer = tasks.spawn_nolink(async { 6 * 7 }).await?;
/// assert_eq!(answer.await?, 42);
///
/// let crash = tasks.spawn_nolink(async { panic!("no answer") }).await?;
/// let crashed: Result<(), _> = crash.await;
/// assert!(crashed.is_err());
/// # tasks.stop().await?;
/// # Ok(())
/// # }
/// ```
#[doc(alias = "Task.Supervisor")]
#[derive(Clone, PartialEq, Eq)]
pub struct TaskSupervisor {
    supervisor: DynamicSupervisor,
}

impl TaskSupervisor {
    /// Starts a supervisor of any number of tasks. Options of the start, a name for instance, are said on what this returns.
    pub fn start() -> Start<Server, Self> {
        DynamicSupervisor::one_for_one().start().handle()
    }

    /// Runs a task under this supervisor, linked with the process that calls this as well: OTP's `Task.Supervisor.async`.
    ///
    /// It is as a task that [`Task::spawn`] runs, and ends with the supervisor too. When this returns, the task runs.
    ///
    /// # Errors
    ///
    /// [`StartChildError`] if the supervisor does not answer, or has as many tasks as it may.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped before it is ready, the task may run or not; nobody will have its result.
    #[doc(alias = "async")]
    pub async fn spawn<B: TaskBody>(&self, body: B) -> Result<Task<B::Output>, StartChildError> {
        let (plan, stub) = plan(Bond::Linked, |_me: Probe<Never>| body);
        self.begin(plan, stub).await
    }

    /// Runs a task under this supervisor, linked with it alone: OTP's `Task.Supervisor.async_nolink`.
    ///
    /// A crash of the task is told to whoever awaits it, and harms nobody. It goes on when the process that asked for it ends.
    #[doc(alias = "async_nolink")]
    pub async fn spawn_nolink<B: TaskBody>(&self, body: B) -> Result<Task<B::Output>, StartChildError> {
        let (plan, stub) = plan(Bond::Free, |_me: Probe<Never>| body);
        self.begin(plan, stub).await
    }

    async fn begin<B, W>(&self, plan: Plan<W, B::Output>, stub: Stub<B::Output>) -> Result<Task<B::Output>, StartChildError>
    where
        B: TaskBody,
        W: FnOnce(Probe<Never>) -> B + Send + 'static,
    {
        let spec = ChildSpec::process("task", supervised(plan)).restart(Restart::Temporary);
        let process = self.supervisor.start_child(spec).await?;
        Ok(stub.started(process.process_ref()))
    }

    /// Runs a task whose result nobody awaits: OTP's `Task.Supervisor.start_child`.
    ///
    /// What comes back is a builder, and is awaited. Unless told otherwise the task is temporary: it runs once. `function` makes
    /// what runs, once for each start.
    pub fn start_child<F, T>(&self, function: impl Fn() -> F + Send + Sync + 'static) -> StartTask
    where
        F: Future<Output = T> + Send + 'static,
        T: Ending + 'static,
    {
        let spec = ChildSpec::process("task", restarted(function)).restart(Restart::Temporary);
        StartTask { supervisor: self.supervisor.clone(), spec }
    }

    /// The processes of the tasks that run.
    pub async fn children(&self) -> Result<Vec<ProcessRef>, CallError> {
        let children = self.supervisor.which_children().await?;
        Ok(children.into_iter().filter_map(|child| child.state.process().cloned()).collect())
    }

    /// Ends a task, and waits until it has ended.
    pub async fn terminate_child(&self, task: &impl AsProcess) -> Result<(), TerminateChildError> {
        self.supervisor.terminate_child(task).await
    }

    /// Runs `function` over `items`, as [`async_stream`](super::async_stream()), in tasks under this supervisor.
    ///
    /// A task that the supervisor does not start fails its item.
    #[doc(alias = "async_stream_nolink")]
    pub fn async_stream<I, F, B>(&self, items: I, function: F) -> AsyncStream<stream::Iter<I::IntoIter>, B::Output>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(I::Item) -> B + Send + Sync + 'static,
        B: TaskBody,
    {
        self.async_stream_of(stream::iter(items), function)
    }

    /// The same for items that come as a stream.
    pub fn async_stream_of<St, F, B>(&self, items: St, function: F) -> AsyncStream<St, B::Output>
    where
        St: Stream<Item: Send + 'static>,
        F: Fn(St::Item) -> B + Send + Sync + 'static,
        B: TaskBody,
    {
        let tasks = self.clone();
        let function = Arc::new(function);
        AsyncStream::new(items, move |bond, item| {
            let (tasks, function) = (tasks.clone(), Arc::clone(&function));
            let (plan, stub) = plan(bond, move |_me: Probe<Never>| function(item));
            // While the supervisor is asked nobody could kill the task if the stream is dropped: it sees to that itself.
            let plan = plan.leashed();
            Starting::Asked(Box::pin(async move { tasks.begin(plan, stub).await.map_err(Reason::from) }))
        })
    }

    /// Stops the supervisor, and all its tasks.
    pub fn stop(&self) -> Stop {
        self.supervisor.stop()
    }
}

/// A task that a supervisor is to start, made by [`TaskSupervisor::start_child`].
#[must_use = "nothing is started until this is awaited"]
pub struct StartTask {
    supervisor: DynamicSupervisor,
    spec: ChildSpec<Probe<Never>, ProbeRef<Never>>,
}

impl StartTask {
    /// When the task is started again after it has ended: never, unless told otherwise.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.spec = self.spec.restart(restart);
        self
    }

    /// How the task is ended: it is given five seconds, unless told otherwise.
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.spec = self.spec.shutdown(shutdown);
        self
    }
}

impl IntoFuture for StartTask {
    type Output = Result<ProcessRef, StartChildError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { Ok(self.supervisor.start_child(self.spec).await?.process_ref()) })
    }
}

impl fmt::Debug for StartTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartTask").field("spec", &self.spec).finish_non_exhaustive()
    }
}

impl From<ServerRef<Server>> for TaskSupervisor {
    fn from(server: ServerRef<Server>) -> Self {
        Self { supervisor: server.into() }
    }
}

impl AsProcess for TaskSupervisor {
    fn as_process(&self) -> Option<ProcessRef> {
        self.supervisor.as_process()
    }
}

impl fmt::Debug for TaskSupervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskSupervisor({:?})", self.supervisor)
    }
}
