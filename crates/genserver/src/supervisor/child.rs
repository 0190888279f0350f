//! A spec and what has become of it: the part of a child that every kind of supervisor needs.

use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;

use super::child_spec::{ChildInfo, ChildSpec, Kept, Parts, Said};
use super::place::{Place, Whereabouts};
use super::policy::{Restart, Shutdown};
use crate::{ProcessRef, Reason, StartError, time};

/// How long is waited for a child after it was killed: one that never awaits cannot be cut off.
const KILL_GRACE: Duration = Duration::from_secs(1);

/// A child as its supervisor has it: what it was told of it, and whether it runs. For whoever writes a supervisor.
///
/// It starts and ends the child in the name of the current process, which is the supervisor in a callback of it; when to do so
/// is the supervisor's business. To hear of the child's end the supervisor watches it with [`Cx::monitor`](crate::Cx::monitor),
/// and then says what becomes of it with [`restarting`](Child::restarting) or [`stopped`](Child::stopped), which is what those
/// see that hold a [`ChildRef`](super::ChildRef). Dropping it tells them that the child is gone for good; it ends nothing.
///
/// # Examples
///
/// ```
/// # use genserver_doc::quiet::*;
/// use genserver::{Probe, Reason};
/// use genserver::supervisor::{Child, ChildSpec, ChildState};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut supervisor = Probe::<()>::new();
/// supervisor.trap_exits(true);
/// let mut child = Child::new(ChildSpec::server("quiet", || genserver::start::<Quiet>(())).untyped());
///
/// let process = supervisor.scope(async { child.start().await }).await?;
/// assert_eq!(process.info().parent, Some(supervisor.pid()));
/// assert_eq!(child.state(), &ChildState::Running(process.clone()));
///
/// let unexpected = supervisor.scope(async { child.shut_down().await }).await;
/// assert_eq!(unexpected, None);
/// assert_eq!(process.ended().await, Reason::Shutdown);
/// assert_eq!(child.state(), &ChildState::Stopped);
/// # Ok(())
/// # }
/// ```
pub struct Child {
    said: Arc<Said>,
    // None if there is nothing to keep: so it is with most of very many.
    kept: Option<Box<Kept>>,
    state: ChildState,
}

/// What a child is doing.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// use genserver::supervisor::{ChildSpec, ChildState, Supervisor};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let counter = ChildSpec::server("counter", || genserver::start_link::<Counter>(0));
/// let supervisor = Supervisor::one_for_one().child(counter).start().await?;
/// for child in supervisor.which_children().await? {
///     match child.state {
///         ChildState::Running(process) => println!("{} runs as {}", child.info.id, process.pid()),
///         ChildState::Restarting => println!("{} will be back", child.info.id),
///         ChildState::Stopped => println!("{} is stopped", child.info.id),
///     }
/// }
/// # supervisor.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ChildState {
    /// It runs, as this process; or it has ended and its supervisor is about to hear of it.
    Running(ProcessRef),
    /// It has ended, and its supervisor tries to start it again.
    Restarting,
    /// It does not run: it was stopped, ended in order, or chose not to run. [`Supervisor::restart_child`] starts it.
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
    /// A child that has not been started yet.
    pub fn new(spec: ChildSpec) -> Self {
        let Parts { said, kept } = spec.parts;
        Self { said: Arc::new(said), kept: Some(kept), state: ChildState::Stopped }
    }

    /// What its spec says.
    pub fn info(&self) -> &ChildInfo {
        &self.said.info
    }

    /// Keeps what its spec says together with another child, if the same is said of both.
    ///
    /// Nobody can see a difference. It is for supervisors of very many children that are all alike: a hundred bytes are saved
    /// with each.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # fn main() {
    /// use genserver::supervisor::{Child, ChildSpec};
    ///
    /// let mut children: Vec<Child> = Vec::new();
    /// for _ in 0..3 {
    ///     let mut child = Child::new(ChildSpec::server("quiet", || genserver::start::<Quiet>(())).untyped());
    ///     if let Some(other) = children.last() {
    ///         child.share_info(other);
    ///     }
    ///     children.push(child);
    /// }
    /// assert!(std::ptr::eq(children[0].info(), children[2].info()));
    /// # }
    /// ```
    pub fn share_info(&mut self, other: &Self) {
        if self.said == other.said {
            self.said = Arc::clone(&other.said);
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

    /// Starts it, linked with the current process, which is its parent from then on. It is for a child that does not run.
    ///
    /// When this returns, init has run. The state is as before if it fails. What a temporary child was started from is dropped as
    /// soon as it runs, for it is never started again.
    ///
    /// # Errors
    ///
    /// What the start returned; [`StartError::Panicked`] if the function of the spec panicked.
    ///
    /// # Panics
    ///
    /// If a temporary child is started again.
    ///
    /// # Cancel safety
    ///
    /// As [`start_link`](crate::start_link): dropped by hand it kills the child; if the supervisor ends meanwhile, the link brings
    /// its reason.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// use genserver::supervisor::{Child, ChildSpec};
    /// use genserver::{Probe, StartError};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let supervisor = Probe::<()>::new();
    /// let mut child = Child::new(ChildSpec::server("quiet", || genserver::start::<Quiet>(())).untyped());
    /// assert_eq!(child.start().await, Err(StartError::NotAProcess));
    ///
    /// let process = supervisor.scope(async { child.start().await }).await?;
    /// assert_eq!(child.process(), Some(&process));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn start(&mut self) -> Result<ProcessRef, StartError> {
        poll_fn(crate::poll_alive).await;
        let factory = self.kept.as_mut().and_then(|kept| kept.factory.as_mut());
        let factory = factory.expect("a temporary child is started once");
        let starting = catch_unwind(AssertUnwindSafe(factory)).map_err(panicked)?;
        let process = AssertUnwindSafe(starting).catch_unwind().await.map_err(panicked)??;
        self.state = ChildState::Running(process.clone());
        self.tell();
        if self.info().restart == Restart::Temporary
            && let Some(kept) = &mut self.kept
        {
            kept.factory = None;
            if kept.is_nothing() {
                self.kept = None;
            }
        }
        Ok(process)
    }

    /// Ends it the way its spec says, and waits until it has ended: returns the reason if that is not what was to be expected.
    ///
    /// It relies on no link: a child that has taken its link away ends all the same. The state is [`ChildState::Stopped`]
    /// afterwards; if the child did not run there is nothing else to do. The exit comes from the current process, so that it is an
    /// order to a child that traps exits.
    ///
    /// To be expected is `shutdown` from a child that was told to stop and `killed` from one that was killed; and every reason of
    /// the [normal set](Reason::is_normal_set) from a child that is not permanent. A child that had to be killed because it did not
    /// end in time is not what was to be expected.
    ///
    /// Code that never awaits cannot be killed. A child that does not end within a second of being killed is given up: it is no
    /// child any more, and what is left of it can do nothing but compute.
    ///
    /// # Cancel safety
    ///
    /// Dropping this before it is ready leaves the child told to stop, and the state as it was.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// use genserver::supervisor::{Child, ChildSpec, Shutdown};
    /// use genserver::{Probe, Reason};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut supervisor = Probe::<()>::new();
    /// supervisor.trap_exits(true);
    /// let spec = ChildSpec::server("quiet", || genserver::start::<Quiet>(())).shutdown(Shutdown::BrutalKill);
    /// let mut child = Child::new(spec.untyped());
    /// let process = supervisor.scope(async { child.start().await }).await?;
    /// let unexpected = supervisor.scope(async { child.shut_down().await }).await;
    /// assert_eq!(unexpected, None, "to be killed is what its spec says");
    /// assert_eq!(process.ended().await, Reason::Killed);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn shut_down(&mut self) -> Option<Reason> {
        self.end(Whereabouts::Stopped).await
    }

    /// The same for a child that will be started again along with others: references to it wait for that.
    pub(super) async fn shut_down_to_restart(&mut self) -> Option<Reason> {
        self.end(Whereabouts::Restarting).await
    }

    async fn end(&mut self, then: Whereabouts) -> Option<Reason> {
        poll_fn(crate::poll_alive).await;
        let reason = match &self.state {
            ChildState::Running(process) => Some(end(process, self.info().shutdown).await),
            ChildState::Restarting | ChildState::Stopped => None,
        };
        self.state = ChildState::Stopped;
        if let Some(kept) = &self.kept {
            kept.tell(|| then);
        }
        reason.filter(|reason| !self.info().shutdown.leads_to(reason, self.info().restart))
    }

    /// Why it has ended, as the monitor that tells of it has `told`.
    ///
    /// A child may end before its supervisor can watch it. The monitor then knows of no process, and the reason is what the
    /// process left behind.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// use genserver::supervisor::{Child, ChildSpec};
    /// use genserver::{Probe, Reason};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut supervisor = Probe::<()>::new();
    /// supervisor.trap_exits(true);
    /// let mut child = Child::new(ChildSpec::server("quiet", || genserver::start::<Quiet>(())).untyped());
    /// let process = supervisor.scope(async { child.start().await }).await?;
    /// process.kill();
    ///
    /// let reference = supervisor.monitor(&process);
    /// let told = supervisor.expect_down(reference).await.reason;
    /// assert_eq!(told, Reason::NoProc);
    /// assert_eq!(child.reason_of_end(told).await, Reason::Killed);
    /// # Ok(())
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

    /// Notes that it has ended and is to be started again.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # fn main() {
    /// use genserver::supervisor::{Child, ChildError, ChildSpec};
    ///
    /// let spec = ChildSpec::server("quiet", || genserver::start::<Quiet>(()));
    /// let reference = spec.reference();
    /// let mut child = Child::new(spec.untyped());
    /// child.restarting();
    /// assert!(matches!(reference.current(), Err(ChildError::Restarting { .. })));
    /// # }
    /// ```
    pub fn restarting(&mut self) {
        self.state = ChildState::Restarting;
        self.tell();
    }

    /// Notes that it does not run, and will not be started unless somebody asks for it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # fn main() {
    /// use genserver::supervisor::{Child, ChildError, ChildSpec};
    ///
    /// let spec = ChildSpec::server("quiet", || genserver::start::<Quiet>(()));
    /// let reference = spec.reference();
    /// let mut child = Child::new(spec.untyped());
    /// child.stopped();
    /// assert!(matches!(reference.current(), Err(ChildError::Stopped { .. })));
    /// drop(child);
    /// assert!(matches!(reference.current(), Err(ChildError::Gone { .. })));
    /// # }
    /// ```
    pub fn stopped(&mut self) {
        self.state = ChildState::Stopped;
        self.tell();
    }

    /// Where references to it look for it.
    pub(super) fn place(&mut self) -> Arc<Place> {
        let whereabouts = self.whereabouts();
        let kept = self.kept.get_or_insert_with(|| Box::new(Kept::nothing()));
        kept.place(&self.said, whereabouts)
    }

    /// Tells those who refer to it what it is doing.
    fn tell(&self) {
        if let Some(kept) = &self.kept {
            kept.tell(|| self.whereabouts());
        }
    }

    fn whereabouts(&self) -> Whereabouts {
        match &self.state {
            ChildState::Running(process) => Whereabouts::Running(process.clone(), self.info().restart),
            ChildState::Restarting => Whereabouts::Restarting,
            ChildState::Stopped => Whereabouts::Stopped,
        }
    }
}

/// Ends a process the way `shutdown` says, and waits for that.
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

/// A start that failed because what makes it panicked.
fn panicked(payload: Box<dyn std::any::Any + Send>) -> StartError {
    StartError::Panicked { reason: Reason::caught(payload) }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child").field("info", self.info()).field("state", &self.state).finish_non_exhaustive()
    }
}
