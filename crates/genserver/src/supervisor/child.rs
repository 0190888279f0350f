//! A child as its supervisor holds it: the part that every kind of supervisor needs.

use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;

use futures::FutureExt as _;

use super::child_spec::{ChildInfo, ChildSpec, Description, Parts, RestartParts};
use super::child_watch::{ChildWatch, PublishedState};
use super::policy::{Restart, Shutdown};
use crate::{KILL_GRACE, ProcessRef, Reason, StartError, time};

/// A child as its supervisor holds it: its spec and its state. Use it to write a supervisor of your own.
///
/// It starts and ends the child in the name of the current process, which in a callback is the supervisor. The supervisor decides
/// when. To be told of the child's end, the supervisor monitors it with [`Cx::monitor`](crate::Cx::monitor), and then
/// records what follows with [`restarting`](Child::restarting) or [`stopped`](Child::stopped). Every
/// [`ChildRef`](super::ChildRef) to the child sees that. Dropping a `Child` tells them that the child is gone for good; it does
/// not end the process.
///
/// # Examples
///
/// ```
/// # use genserver_doc::quiet::*;
/// use genserver::{Probe, Reason, start};
/// use genserver::supervisor::{Child, ChildSpec, ChildState};
///
/// # genserver_doc::run! {
/// let mut supervisor = Probe::<()>::new();
/// supervisor.trap_exits(true);
/// let mut child = Child::new(ChildSpec::server("quiet", || start::<Quiet>(())).untyped());
///
/// let process = supervisor.scope(async { child.start().await }).await?;
/// assert_eq!(process.info().parent, Some(supervisor.pid()));
/// assert_eq!(child.state(), &ChildState::Running(process.clone()));
///
/// let unexpected = supervisor.scope(async { child.shut_down().await }).await;
/// assert_eq!(unexpected, None);
/// assert_eq!(process.ended().await, Reason::Shutdown);
/// assert_eq!(child.state(), &ChildState::Stopped);
/// # }
/// ```
pub struct Child {
    description: Arc<Description>,
    // None if there is nothing to keep, as for most of very many children.
    restart_parts: Option<Box<RestartParts>>,
    state: ChildState,
}

/// What a child is doing.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// use genserver::start_link;
/// use genserver::supervisor::{ChildSpec, ChildState, Supervisor};
///
/// # genserver_doc::run! {
/// let counter = ChildSpec::server("counter", || start_link::<Counter>(0));
/// let supervisor = Supervisor::one_for_one().child(counter).start().await?;
/// for child in supervisor.which_children().await? {
///     match child.state {
///         ChildState::Running(process) => println!("{} is {}", child.info.id, process.pid()),
///         ChildState::Restarting => println!("{} will be back", child.info.id),
///         ChildState::Stopped => println!("{} is stopped", child.info.id),
///     }
/// }
/// # supervisor.stop().await?;
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ChildState {
    /// It runs as this process; or it has just ended, and its supervisor has not been told yet.
    Running(ProcessRef),
    /// It has ended, and its supervisor is trying to start it again.
    Restarting,
    /// It does not run: it was stopped, ended in an orderly way, or chose not to run. [`Supervisor::restart_child`] starts it.
    ///
    /// [`Supervisor::restart_child`]: super::Supervisor::restart_child
    #[doc(alias = "undefined")]
    Stopped,
}

impl ChildState {
    /// The process, if it runs.
    pub fn process(&self) -> Option<&ProcessRef> {
        match self {
            Self::Running(process) => Some(process),
            Self::Restarting | Self::Stopped => None,
        }
    }
}

impl Child {
    /// Makes a child that has not been started yet.
    pub fn new(spec: ChildSpec) -> Self {
        let Parts { description, restart_parts } = spec.parts;
        Self { description: Arc::new(description), restart_parts: Some(restart_parts), state: ChildState::Stopped }
    }

    /// The same, with its id as the label of its processes, unless the spec or its function sets a name or a label.
    ///
    /// It is for a supervisor whose ids say which child is which.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// use genserver::Probe;
    /// use genserver::supervisor::{Child, ChildSpec};
    ///
    /// # genserver_doc::run! {
    /// let supervisor = Probe::<()>::new();
    /// let spec = ChildSpec::server("the cache", || genserver::start::<Quiet>(()));
    /// let mut child = Child::labelled(spec.untyped());
    /// let process = supervisor.scope(async { child.start().await }).await?;
    /// assert_eq!(process.info().label.as_deref(), Some("the cache"));
    /// assert!(process.subject().to_string().starts_with("process the cache <"));
    /// # }
    /// ```
    pub fn labelled(mut spec: ChildSpec) -> Self {
        let description = &mut spec.parts.description;
        description.label.get_or_insert_with(|| Arc::from(&*description.info.id));
        Self::new(spec)
    }

    /// Its id, which is its label in memory, too, if it is [labelled](Child::labelled) with it.
    pub(super) fn shared_id(&self) -> Arc<str> {
        let id = &*self.info().id;
        self.description.label.clone().filter(|label| **label == *id).unwrap_or_else(|| Arc::from(id))
    }

    /// The part of its spec that describes it.
    pub fn info(&self) -> &ChildInfo {
        &self.description.info
    }

    /// Shares the memory of its description with another child, if both have the same.
    ///
    /// This has no visible effect. It is for supervisors of very many similar children, and saves a hundred bytes
    /// per child.
    pub fn share_info(&mut self, other: &Self) {
        if self.description == other.description {
            self.description = Arc::clone(&other.description);
        }
    }

    /// What it is doing.
    pub fn state(&self) -> &ChildState {
        &self.state
    }

    /// The process, if it runs.
    pub fn process(&self) -> Option<&ProcessRef> {
        self.state.process()
    }

    /// Starts it, linked with the current process, which becomes its parent. The child must not be running.
    ///
    /// When this returns, init has run. If it fails, the state is as before. Every process but the first says in its
    /// [`ProcessInfo::restarts`](crate::ProcessInfo::restarts) how many there were before it. The start function of a temporary
    /// child is dropped as soon as the child runs, because it is never started again.
    ///
    /// # Errors
    ///
    /// The error of the start; [`StartError::Panicked`] if the function of the spec panicked.
    ///
    /// # Panics
    ///
    /// If a temporary child is started a second time.
    ///
    /// # Cancel safety
    ///
    /// As [`start_link`](crate::start_link): dropping this kills the child; but if the supervisor ends meanwhile, the child gets
    /// the reason over the link.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// use genserver::supervisor::{Child, ChildSpec};
    /// use genserver::{Probe, StartError, start};
    ///
    /// # genserver_doc::run! {
    /// let supervisor = Probe::<()>::new();
    /// let mut child = Child::new(ChildSpec::server("quiet", || start::<Quiet>(())).untyped());
    /// assert_eq!(child.start().await, Err(StartError::NotAProcess));
    ///
    /// let process = supervisor.scope(async { child.start().await }).await?;
    /// assert_eq!(child.process(), Some(&process));
    /// # }
    /// ```
    pub async fn start(&mut self) -> Result<ProcessRef, StartError> {
        poll_fn(crate::poll_alive).await;
        let factory = self.restart_parts.as_mut().and_then(|restart_parts| restart_parts.factory.as_mut());
        let factory = factory.expect("a temporary child is started once");
        let label = self.description.label.clone();
        let starting = catch_unwind(AssertUnwindSafe(|| factory(label))).map_err(panicked)?;
        let process = AssertUnwindSafe(starting).catch_unwind().await.map_err(panicked)??;
        if let Some(restart_parts) = &mut self.restart_parts {
            if restart_parts.starts > 0 {
                process.set_restarts(restart_parts.starts);
            }
            restart_parts.starts += 1;
        }
        self.state = ChildState::Running(process.clone());
        self.tell();
        if self.info().restart == Restart::Temporary
            && let Some(restart_parts) = &mut self.restart_parts
        {
            restart_parts.factory = None;
            if restart_parts.is_nothing() {
                self.restart_parts = None;
            }
        }
        Ok(process)
    }

    /// Ends it as its spec says, and waits for the end. Returns the reason if that is unexpected.
    ///
    /// It does not rely on a link: a child that has removed its link ends all the same. The state is [`ChildState::Stopped`]
    /// afterwards; if the child did not run, nothing else happens. The exit comes from the current process, so a child that traps
    /// exits takes it as an order.
    ///
    /// Expected are `shutdown` from a child that was ordered to stop, `killed` from a child that was killed, and every reason of
    /// the [normal set](Reason::is_normal_set) from a child that is not permanent. If a child had to be killed because it did not
    /// end in time, that is unexpected.
    ///
    /// Code that never awaits cannot be killed. A child that does not end within a second of being killed is given up: it no
    /// longer counts as a child, and what is left of it can only compute.
    ///
    /// # Cancel safety
    ///
    /// If this is dropped before it completes, the child has its order to stop, and the state is unchanged.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// use genserver::supervisor::{Child, ChildSpec, Shutdown};
    /// use genserver::{Probe, Reason, start};
    ///
    /// # genserver_doc::run! {
    /// let mut supervisor = Probe::<()>::new();
    /// supervisor.trap_exits(true);
    /// let spec = ChildSpec::server("quiet", || start::<Quiet>(())).shutdown(Shutdown::BrutalKill);
    /// let mut child = Child::new(spec.untyped());
    /// let process = supervisor.scope(async { child.start().await }).await?;
    /// let unexpected = supervisor.scope(async { child.shut_down().await }).await;
    /// assert_eq!(unexpected, None, "to be killed is what its spec says");
    /// assert_eq!(process.ended().await, Reason::Killed);
    /// # }
    /// ```
    pub async fn shut_down(&mut self) -> Option<Reason> {
        self.end(PublishedState::Stopped).await
    }

    /// The same for a child that is about to be restarted together with others: references to it wait for that.
    pub(super) async fn shut_down_to_restart(&mut self) -> Option<Reason> {
        self.end(PublishedState::Restarting).await
    }

    async fn end(&mut self, then: PublishedState) -> Option<Reason> {
        poll_fn(crate::poll_alive).await;
        let reason = match &self.state {
            ChildState::Running(process) => Some(end(process, self.info().shutdown).await),
            ChildState::Restarting | ChildState::Stopped => None,
        };
        self.state = ChildState::Stopped;
        if let Some(restart_parts) = &self.restart_parts {
            restart_parts.tell(|| then);
        }
        reason.filter(|reason| !self.info().shutdown.leads_to(reason, self.info().restart))
    }

    /// Returns why it has ended, given the reason `told` of its `Down`.
    ///
    /// A child may end before its supervisor can monitor it. The `Down` then knows no process, and this returns the reason that
    /// the process left behind.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// use genserver::supervisor::{Child, ChildSpec};
    /// use genserver::{Probe, Reason, start};
    ///
    /// # genserver_doc::run! {
    /// let mut supervisor = Probe::<()>::new();
    /// supervisor.trap_exits(true);
    /// let mut child = Child::new(ChildSpec::server("quiet", || start::<Quiet>(())).untyped());
    /// let process = supervisor.scope(async { child.start().await }).await?;
    /// process.kill();
    ///
    /// let reference = supervisor.monitor(&process);
    /// let told = supervisor.expect_down(reference).await.reason;
    /// assert_eq!(told, Reason::NoProc);
    /// assert_eq!(child.reason_of_end(told).await, Reason::Killed);
    /// # }
    /// ```
    pub fn reason_of_end(&self, told: Reason) -> impl Future<Output = Reason> + Send + 'static {
        let process = self.process().cloned();
        async move {
            match (told, process) {
                (Reason::NoProc, Some(process)) => process.ended().await,
                (told, _) => told,
            }
        }
    }

    /// Records that it has ended and is about to be restarted.
    pub fn restarting(&mut self) {
        self.state = ChildState::Restarting;
        self.tell();
    }

    /// Records that it does not run, and will be started only on request.
    pub fn stopped(&mut self) {
        self.state = ChildState::Stopped;
        self.tell();
    }

    /// Where references to it learn which process it is.
    pub(super) fn watch(&mut self) -> Arc<ChildWatch> {
        let published = self.published();
        let restart_parts = self.restart_parts.get_or_insert_with(|| Box::new(RestartParts::nothing()));
        restart_parts.watch(&self.description, published)
    }

    /// Tells the references to it about its state.
    fn tell(&self) {
        if let Some(restart_parts) = &self.restart_parts {
            restart_parts.tell(|| self.published());
        }
    }

    fn published(&self) -> PublishedState {
        match &self.state {
            ChildState::Running(process) => PublishedState::Running(process.clone(), self.info().restart),
            ChildState::Restarting => PublishedState::Restarting,
            ChildState::Stopped => PublishedState::Stopped,
        }
    }
}

/// Ends a process as `shutdown` says, and waits for the end.
async fn end(process: &ProcessRef, shutdown: Shutdown) -> Reason {
    let mut ended = pin!(process.ended());
    match shutdown {
        Shutdown::BrutalKill => process.kill(),
        Shutdown::Infinity => {
            process.exit(Reason::Shutdown);
            return ended.await;
        }
        Shutdown::After(limit) => {
            process.exit(Reason::Shutdown);
            if let Ok(reason) = time::timeout(limit, ended.as_mut()).await {
                return reason;
            }
            process.kill();
        }
    }
    let given_up = || Reason::term("was killed, but computes on without ever awaiting anything");
    time::timeout(KILL_GRACE, ended).await.unwrap_or_else(|_| given_up())
}

/// The error of a start whose function panicked.
fn panicked(payload: Box<dyn std::any::Any + Send>) -> StartError {
    StartError::Panicked { reason: Reason::caught(payload) }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child").field("info", self.info()).field("state", &self.state).finish_non_exhaustive()
    }
}
