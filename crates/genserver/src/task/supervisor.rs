//! Supervised tasks: what they are linked with, and who else ends them.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{Stream, stream};

use super::body::{Bond, Plan, Stub, plan, restarted, supervised};
use super::stream::{AsyncStream, Starting};
use super::{Shutdown, Task, TaskBody};
use crate::supervisor::dynamic::{
    DynamicSupervisor, DynamicSupervisorServer, DynamicSupervisorSpec, StartChildError, TerminateChildError,
};
use crate::supervisor::{ChildSpec, Restart};
use crate::{AsProcess, CallError, Ending, Never, Pid, Probe, ProbeRef, ProcessRef, Reason, ServerRef, Start, Stop};

/// A supervisor of tasks: OTP's `Task.Supervisor`.
///
/// A task that a process spawns by itself concerns only that process. A supervisor knows
/// all its tasks, limits their number and ends them, and a task's crash need not affect the process that awaits it:
///
/// | | linked with the requester | its result |
/// |---|---|---|
/// | [`spawn`](TaskSupervisor::spawn) | yes | is awaited |
/// | [`spawn_nolink`](TaskSupervisor::spawn_nolink) | no | is awaited |
/// | [`async_stream`](TaskSupervisor::async_stream) | yes, or [not](AsyncStream::nolink) | is yielded by a stream |
/// | [`start_child`](TaskSupervisor::start_child) | no | is dropped |
///
/// It is a [`DynamicSupervisor`] whose children are tasks. It is a reference like any other, cheap to clone, and neither keeps
/// the supervisor alive nor ends it.
///
/// # Examples
///
/// ```
/// use genserver::task::TaskSupervisor;
///
/// # genserver_doc::run! {
/// let tasks = TaskSupervisor::start().name("tasks").await?;
/// let answer = tasks.spawn_nolink(async { 6 * 7 }).await?;
/// assert_eq!(answer.await?, 42);
///
/// let crash = tasks.spawn_nolink(async { panic!("no answer") }).await?;
/// let crashed: Result<(), _> = crash.await.map(|never| never);
/// assert!(crashed.is_err());
/// # tasks.stop().await?;
/// # }
/// ```
///
/// As the child of another supervisor:
///
/// ```
/// use genserver::supervisor::{ChildSpec, Supervisor};
/// use genserver::task::TaskSupervisor;
///
/// # genserver_doc::run! {
/// let supervisor = Supervisor::one_for_one().start().await?;
/// let tasks = ChildSpec::supervisor("tasks", || TaskSupervisor::start().name("tasks"));
/// let tasks = supervisor.start_child(tasks).await?;
/// assert_eq!(tasks.spawn(async { 1 }).await?.await?, 1);
/// # supervisor.stop().await?;
/// # }
/// ```
#[doc(alias = "Task.Supervisor")]
#[derive(Clone, PartialEq, Eq)]
pub struct TaskSupervisor {
    supervisor: DynamicSupervisor,
}

impl TaskSupervisor {
    /// Starts a supervisor of any number of tasks. Set options of the start, such as a name, on the returned builder.
    pub fn start() -> Start<DynamicSupervisorServer, Self> {
        Self::start_from(DynamicSupervisor::new())
    }

    /// Starts a supervisor of tasks with the options of a dynamic supervisor, such as the maximal number of tasks.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::dynamic_supervisor::{DynamicSupervisor, StartChildError};
    /// use genserver::task::TaskSupervisor;
    ///
    /// # genserver_doc::run! {
    /// let tasks = TaskSupervisor::start_from(DynamicSupervisor::new().max_children(1)).await?;
    /// let _endless = tasks.spawn_nolink(std::future::pending::<()>()).await?;
    /// let one_too_many = tasks.spawn_nolink(async {}).await;
    /// assert!(matches!(one_too_many, Err(StartChildError::MaxChildren { max: 1, .. })));
    /// # tasks.stop().await?;
    /// # }
    /// ```
    #[doc(alias = "max_children")]
    pub fn start_from(spec: DynamicSupervisorSpec) -> Start<DynamicSupervisorServer, Self> {
        spec.start().handle()
    }

    /// Runs a task, linked with this supervisor and with the calling process: OTP's `Task.Supervisor.async`.
    ///
    /// The task is like one that [`Task::spawn`] runs, but also ends with the supervisor. Plain code is not linked.
    ///
    /// # Errors
    ///
    /// [`StartChildError`] if the supervisor does not answer, or has its maximal number of tasks.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped before it completes, the task may or may not run. Its result is dropped.
    #[doc(alias = "async")]
    pub async fn spawn<B: TaskBody>(&self, body: B) -> Result<Task<B::Output>, StartChildError> {
        let (plan, stub) = plan(Bond::Linked, |_me: Probe<Never>| body);
        self.begin(plan, stub).await
    }

    /// Runs a task, linked only with this supervisor: OTP's `Task.Supervisor.async_nolink`.
    ///
    /// If the task crashes, awaiting it returns that as an error, and does not affect the awaiting process. The task goes on when
    /// the process that requested it ends.
    ///
    /// # Errors
    ///
    /// As [`spawn`](TaskSupervisor::spawn).
    ///
    /// # Cancel safety
    ///
    /// As [`spawn`](TaskSupervisor::spawn).
    ///
    /// # Examples
    ///
    /// A server that can do without the result:
    ///
    /// ```
    /// use genserver::task::TaskSupervisor;
    /// use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome, start};
    ///
    /// struct Weather { tasks: TaskSupervisor }
    /// struct Forecast(Caller<&'static str>);
    /// # async fn look_up() -> &'static str { panic!("the sky fell") }
    ///
    /// impl GenServer for Weather {
    ///     // ...
    ///     # type Args = TaskSupervisor;
    ///     # type Call = Forecast;
    ///     # type Cast = Never;
    ///     # type Info = Never;
    ///     # async fn init(tasks: TaskSupervisor, _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Weather { tasks }) }
    ///     async fn handle_call(
    ///         &mut self,
    ///         Forecast(caller): Forecast,
    ///         _cx: &mut Cx<Self>,
    ///     ) -> Outcome<Self> {
    ///         let forecast = self.tasks.spawn_nolink(look_up()).await?;
    ///         Next::reply(caller, forecast.await.unwrap_or("as yesterday"))
    ///     }
    /// }
    ///
    /// # genserver_doc::run! {
    /// let tasks = TaskSupervisor::start().await?;
    /// let weather = start::<Weather>(tasks.clone()).await?;
    /// assert_eq!(weather.call(Forecast).await?, "as yesterday");
    /// # tasks.stop().await?;
    /// # }
    /// ```
    #[doc(alias = "async_nolink")]
    pub async fn spawn_nolink<B: TaskBody>(&self, body: B) -> Result<Task<B::Output>, StartChildError> {
        let (plan, stub) = plan(Bond::Free, |_me: Probe<Never>| body);
        self.begin(plan, stub).await
    }

    /// Lets the supervisor start a planned task.
    async fn begin<B, W>(
        &self,
        plan: Plan<W, B::Output>,
        stub: Stub<B::Output>,
    ) -> Result<Task<B::Output>, StartChildError>
    where
        B: TaskBody,
        W: FnOnce(Probe<Never>) -> B + Send + 'static,
    {
        let spec = ChildSpec::process("task", supervised(plan)).restart(Restart::Temporary);
        let process = self.supervisor.start_child(spec).await?;
        Ok(stub.started(process.process_ref()))
    }

    /// Runs a task whose result is dropped: OTP's `Task.Supervisor.start_child`.
    ///
    /// This returns a builder; await it to get the process of the task, which is linked only with the supervisor.
    /// By default the task is temporary, so it runs once, however it ends. `function` makes the future, once for each
    /// start. The future ends like a function that is [spawned](crate::spawn).
    ///
    /// # Errors
    ///
    /// The awaited start returns a [`StartChildError`], as [`spawn`](TaskSupervisor::spawn) does.
    pub fn start_child<F, T>(&self, function: impl Fn() -> F + Send + Sync + 'static) -> StartTask
    where
        F: Future<Output = T> + Send + 'static,
        T: Ending + 'static,
    {
        let spec = ChildSpec::process("task", restarted(function)).restart(Restart::Temporary);
        StartTask { supervisor: self.supervisor.clone(), spec }
    }

    /// Returns the processes of the running tasks, in the order in which they were first started.
    ///
    /// # Errors
    ///
    /// [`CallError`] if the supervisor does not answer.
    pub async fn children(&self) -> Result<Vec<ProcessRef>, CallError> {
        let children = self.supervisor.which_children().await?;
        Ok(children.into_iter().filter_map(|child| child.state.process().cloned()).collect())
    }

    /// Ends a task, and waits until it has ended. A process that is linked with it gets its exit.
    ///
    /// # Errors
    ///
    /// [`TerminateChildError::NotFound`] if there is no such task, or no longer.
    pub async fn terminate_child(&self, task: &impl AsProcess) -> Result<(), TerminateChildError> {
        self.supervisor.terminate_child(task).await
    }

    /// Runs `function` over `items` in tasks under this supervisor: see [`async_stream`](super::async_stream()), and
    /// [`nolink`](AsyncStream::nolink) for a stream whose consumer lives on when an item crashes.
    ///
    /// An item whose task the supervisor does not start fails with the [`StartChildError`] as its reason.
    #[doc(alias = "async_stream_nolink")]
    pub fn async_stream<I, F, B>(&self, items: I, function: F) -> AsyncStream<stream::Iter<I::IntoIter>, B::Output>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(I::Item) -> B + Send + Sync + 'static,
        B: TaskBody,
    {
        self.async_stream_of(stream::iter(items), function)
    }

    /// The same for items that come from a stream.
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
            // If the stream is dropped while the supervisor is asked, nothing else could kill the task, so the task watches its
            // handle.
            let plan = plan.leashed();
            Starting::Asked(Box::pin(async move { tasks.begin(plan, stub).await.map_err(Reason::from) }))
        })
    }

    /// Ends the tasks all at once, and then the supervisor, with the reason `normal`: see [`ServerRef::stop`].
    pub fn stop(&self) -> Stop {
        self.supervisor.stop()
    }

    /// The pid of the supervisor.
    pub fn pid(&self) -> Pid {
        self.supervisor.pid()
    }

    /// Returns whether it takes requests. False from the moment its end begins.
    pub fn is_alive(&self) -> bool {
        self.supervisor.is_alive()
    }

    /// The process of the supervisor.
    pub fn process_ref(&self) -> ProcessRef {
        self.supervisor.process_ref()
    }
}

impl From<ServerRef<DynamicSupervisorServer>> for TaskSupervisor {
    fn from(server: ServerRef<DynamicSupervisorServer>) -> Self {
        Self { supervisor: server.into() }
    }
}

impl AsProcess for TaskSupervisor {
    fn as_process(&self) -> Option<ProcessRef> {
        Some(self.process_ref())
    }
}

impl fmt::Debug for TaskSupervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TaskSupervisor").field(&self.supervisor).finish()
    }
}

/// A task that a supervisor is to start, made by [`TaskSupervisor::start_child`].
#[must_use = "nothing is started until this is awaited"]
pub struct StartTask {
    supervisor: DynamicSupervisor,
    spec: ChildSpec<Probe<Never>, ProbeRef<Never>>,
}

impl StartTask {
    /// Sets when the task is restarted after it has ended (default: never).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use genserver::Reason;
    /// use genserver::supervisor::Restart;
    /// use genserver::task::TaskSupervisor;
    ///
    /// # genserver_doc::run! {
    /// static TRIES: AtomicU32 = AtomicU32::new(0);
    ///
    /// let tasks = TaskSupervisor::start().await?;
    /// let upload = || async {
    ///     match TRIES.fetch_add(1, Ordering::Relaxed) {
    ///         0 | 1 => Err(Reason::term("no connection")),
    ///         _ => Ok(()),
    ///     }
    /// };
    /// tasks.start_child(upload).restart(Restart::Transient).await?;
    /// while !tasks.children().await?.is_empty() {
    ///     tokio::task::yield_now().await;
    /// }
    /// assert_eq!(TRIES.load(Ordering::Relaxed), 3);
    /// # tasks.stop().await?;
    /// # }
    /// ```
    pub fn restart(mut self, restart: Restart) -> Self {
        self.spec = self.spec.restart(restart);
        self
    }

    /// Sets how the task is ended (default: it gets five seconds).
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
