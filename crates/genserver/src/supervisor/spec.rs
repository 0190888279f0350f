//! The spec of a supervisor, and its validation.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use super::child_spec::ChildSpec;
use super::children::Children;
use super::policy::{AutoShutdown, Strategy};
use super::server::{SupervisorArgs, SupervisorServer};
use super::static_children::StaticChildren;
use super::{Intensity, Supervisor};
use crate::{Start, start};

/// The spec of a supervisor: made by [`Supervisor::one_for_one`] and its siblings.
///
/// | | default |
/// |---|---|
/// | [`max_restarts`](SupervisorSpec::max_restarts) | 3 |
/// | [`within`](SupervisorSpec::within) | 5 seconds |
/// | [`auto_shutdown`](SupervisorSpec::auto_shutdown) | [`AutoShutdown::Never`] |
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// use std::time::Duration;
/// use genserver::supervisor::{ChildSpec, Supervisor};
///
/// # genserver_doc::run! {
/// let supervisor = Supervisor::rest_for_one()
///     .max_restarts(10)
///     .within(Duration::from_secs(60))
///     .child(ChildSpec::server("left", || genserver::start_link::<Counter>(1)))
///     .child(ChildSpec::server("right", || genserver::start_link::<Counter>(2)))
///     .start()
///     .name("counters")
///     .await?;
/// assert_eq!(supervisor.count_children().await?.active, 2);
/// # supervisor.stop().await?;
/// # }
/// ```
#[must_use = "a spec starts nothing until `start` or `start_link` is awaited"]
pub struct SupervisorSpec<C = StaticChildren> {
    pub(super) max_restarts: u32,
    pub(super) within: Duration,
    /// Without a child yet, but with the options that are about children.
    pub(super) children: C,
    /// The children that are started with the supervisor, in order. A dynamic supervisor has none.
    pub(super) specs: Vec<ChildSpec>,
}

impl SupervisorSpec {
    /// Makes a spec with the defaults and no children. [`Supervisor::one_for_one`] and its siblings are shorter.
    pub fn new(strategy: Strategy) -> Self {
        Self::with(StaticChildren::new(strategy))
    }

    /// Adds a child. Children are started in the order in which they are added.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::agent::Agent;
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # genserver_doc::run! {
    /// let supervisor = Supervisor::one_for_one()
    ///     .child(ChildSpec::server("counter", || genserver::start_link::<Counter>(0)))
    ///     .child(ChildSpec::server("list", || Agent::start_link(Vec::<String>::new)))
    ///     .start()
    ///     .await?;
    /// assert_eq!(supervisor.count_children().await?.active, 2);
    /// # supervisor.stop().await?;
    /// # }
    /// ```
    pub fn child<S, H>(mut self, spec: ChildSpec<S, H>) -> Self {
        self.specs.push(spec.untyped());
        self
    }

    /// Adds any number of children. An `Option` works too: it adds a child if there is one.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::start_link;
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # genserver_doc::run! {
    /// let workers = (0..3).map(|number| {
    ///     ChildSpec::server(format!("worker {number}"), move || start_link::<Counter>(number))
    /// });
    /// let supervisor = Supervisor::one_for_one().children(workers).start().await?;
    /// assert_eq!(supervisor.count_children().await?.workers, 3);
    /// # supervisor.stop().await?;
    /// # }
    /// ```
    pub fn children<S, H>(mut self, specs: impl IntoIterator<Item = ChildSpec<S, H>>) -> Self {
        self.specs.extend(specs.into_iter().map(ChildSpec::untyped));
        self
    }

    /// Sets whether the supervisor ends when its significant children have ended.
    pub fn auto_shutdown(mut self, auto_shutdown: AutoShutdown) -> Self {
        self.children.auto_shutdown = auto_shutdown;
        self
    }
}

/// What every supervisor has.
impl<C: Children> SupervisorSpec<C> {
    pub(super) fn with(children: C) -> Self {
        Self { max_restarts: Intensity::MAX_RESTARTS, within: Intensity::WITHIN, children, specs: Vec::new() }
    }

    /// Sets how many restarts are allowed in the time that [`within`](Self::within) sets. One more, and the supervisor gives up:
    /// it ends its children and then itself, with the reason `shutdown`. With zero, the first crash is the last.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// use genserver::Reason;
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # genserver_doc::run! {
    /// let fragile = ChildSpec::server("fragile", || genserver::start_link::<Quiet>(()));
    /// let supervisor = Supervisor::one_for_one().max_restarts(0).child(fragile).start().await?;
    /// supervisor.child::<Quiet>("fragile").await?.current()?.kill();
    /// assert_eq!(supervisor.process_ref().ended().await, Reason::Shutdown);
    /// # }
    /// ```
    #[doc(alias = "intensity")]
    pub fn max_restarts(mut self, max_restarts: u32) -> Self {
        self.max_restarts = max_restarts;
        self
    }

    /// Sets the time in which that many restarts are allowed: see [`Intensity`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use std::time::Duration;
    /// use genserver::start_link;
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # genserver_doc::run! {
    /// // A link may break once an hour, as routers do. If it breaks more often, it is broken.
    /// let link = ChildSpec::server("link", || start_link::<Counter>(0));
    /// let supervisor = Supervisor::one_for_one().max_restarts(1).within(Duration::from_hours(1));
    /// let supervisor = supervisor.child(link).start().await?;
    /// # supervisor.stop().await?;
    /// # }
    /// ```
    #[doc(alias = "period")]
    #[doc(alias = "max_seconds")]
    pub fn within(mut self, within: Duration) -> Self {
        self.within = within;
        self
    }

    /// Starts the supervisor and its children, and waits until the last of them has been started.
    ///
    /// It is not linked. Set options of the start, such as a name, on the returned builder.
    ///
    /// # Errors
    ///
    /// As [`genserver::start`](crate::start()). If a child does not start, those before it have been ended when this returns, and
    /// the reason of [`StartError::Failed`](crate::StartError::Failed) is a shutdown with a [`FailedToStartChild`]. If
    /// the spec is invalid, no child was started, and the reason is a [`SpecError`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// use genserver::{Caller, StartError, start_link};
    /// use genserver::supervisor::{ChildSpec, FailedToStartChild, Supervisor};
    ///
    /// struct Broken;
    /// # impl GenServer for Broken {
    /// #     type Args = ();
    /// #     type Call = Never;
    /// #     type Cast = Never;
    /// #     type Info = Never;
    /// // ...
    ///     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
    ///         Init::Stop(genserver::Reason::term("no disk"))
    ///     }
    /// # }
    ///
    /// # genserver_doc::run! {
    /// let started = Supervisor::one_for_one()
    ///     .child(ChildSpec::server("whole", || start_link::<Quiet>(())))
    ///     .child(ChildSpec::server("broken", || start_link::<Broken>(())))
    ///     .start()
    ///     .await;
    /// let Err(StartError::Failed { reason, .. }) = started else { unreachable!() };
    /// let failed = reason.downcast_ref::<FailedToStartChild>().ok_or("another reason")?;
    /// assert_eq!(failed.id, "broken");
    /// # }
    /// ```
    pub fn start(self) -> Start<SupervisorServer<C>, Supervisor<C>> {
        start::<SupervisorServer<C>>(SupervisorArgs::spec(self)).handle()
    }

    /// Starts the supervisor linked with the process that runs on this thread. The function of a
    /// [`ChildSpec::supervisor`] returns this.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start), and [`StartError::NotAProcess`](crate::StartError::NotAProcess) from plain code.
    pub fn start_link(self) -> Start<SupervisorServer<C>, Supervisor<C>> {
        self.start().link()
    }

    /// Checks that the spec is valid.
    pub(super) fn check(&self) -> Result<(), SpecError> {
        if self.within.is_zero() {
            return Err(SpecError::ZeroPeriod);
        }
        let mut ids = BTreeSet::new();
        for child in &self.specs {
            self.children.check_spec(child.info())?;
            if !ids.insert(child.id()) {
                return Err(SpecError::DuplicateId { id: child.id().to_owned() });
            }
        }
        Ok(())
    }
}

impl<C: Children> fmt::Debug for SupervisorSpec<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SupervisorSpec")
            .field("max_restarts", &self.max_restarts)
            .field("within", &self.within)
            .field("children", &self.children)
            .field("specs", &self.specs)
            .finish()
    }
}

/// The error of an invalid spec of a supervisor or of a child.
///
/// Most specs that are invalid in OTP do not compile here. A child needs a function that starts it:
///
/// ```compile_fail,E0061
/// use genserver::supervisor::ChildSpec;
///
/// # // SUP-014
/// let spec = ChildSpec::server("counter");
/// ```
///
/// The function has to start something:
///
/// ```compile_fail,E0308
/// use genserver::supervisor::ChildSpec;
///
/// # // SUP-009
/// let spec = ChildSpec::server("counter", || "a counter");
/// ```
///
/// It has to be able to do so repeatedly, so it cannot give away what it captured; it clones it, or makes it anew:
///
/// ```compile_fail,E0507
/// # use genserver_doc::counter::*;
/// # fn main() {
/// use genserver::supervisor::ChildSpec;
///
/// # struct Log;
/// # impl genserver::GenServer for Log {
/// #     type Args = Vec<String>;
/// #     type Call = genserver::Never;
/// #     type Cast = genserver::Never;
/// #     type Info = genserver::Never;
/// #     async fn init(_: Vec<String>, _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Log) }
/// # }
/// let lines = vec!["the first line".to_owned()];
/// let spec = ChildSpec::server("log", move || genserver::start_link::<Log>(lines));
/// # }
/// ```
///
/// A supervisor has one of three strategies:
///
/// ```compile_fail,E0599
/// use genserver::supervisor::Supervisor;
///
/// # // SUP-018
/// let supervisor = Supervisor::start();
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// Two children have the same id.
    #[error("two children have the id {id}, which has to be unique within a supervisor: give one of them another")]
    #[doc(alias = "duplicate_child_name")]
    DuplicateId {
        /// The id.
        id: String,
    },
    /// A child has an empty id.
    #[error("a child that runs {runs} has an empty id; give it one that is unique within its supervisor")]
    EmptyId {
        /// The type of the server or function that runs in it.
        runs: &'static str,
    },
    /// A child is significant, but its supervisor ignores that.
    #[error(
        "the child {id} is significant, but its supervisor never ends by itself; choose another `auto_shutdown`, or make the child not significant"
    )]
    SignificantWithoutAutoShutdown {
        /// The id of the child.
        id: String,
    },
    /// A child of a dynamic supervisor is significant.
    #[error("the child {id} is significant, but a dynamic supervisor never ends with a child; make it not significant")]
    SignificantUnderDynamic {
        /// The id that the child was to have.
        id: String,
    },
    /// A child is significant and permanent. It is always restarted, so its end never counts.
    #[error(
        "the child {id} is significant and permanent, but a permanent child never ends for good; make it transient or temporary"
    )]
    PermanentSignificant {
        /// The id of the child.
        id: String,
    },
    /// The time for restarts is zero.
    #[error("the time for restarts is zero, so there could never be too many; set `within` to a longer time")]
    ZeroPeriod,
}

/// The error of a supervisor whose child did not start: OTP's `{failed_to_start_child, Id, Reason}`.
///
/// The reason of [`StartError::Failed`](crate::StartError::Failed) carries it:
/// `reason.downcast_ref::<FailedToStartChild>()`.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct FailedToStartChild {
    /// The id of the child.
    pub id: String,
    /// Why it did not start.
    pub error: crate::StartError,
}

/// Prints the error as `Display` does, because a reason prints a value with `Debug`.
impl fmt::Debug for FailedToStartChild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the child {} did not start: {}", self.id, self.error)
    }
}
