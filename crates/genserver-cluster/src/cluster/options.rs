//! How a member of a cluster is started.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use genserver::supervisor::ChildSpec;
use genserver::{Start, StartError};

use crate::cluster::Cluster;
use crate::cluster::server::{MemberArgs, MemberServer, Running};
use crate::engine::Engine;
use crate::groups::Groups;
use crate::members::Members;
use crate::name::member::Member;
use crate::space::{MESSAGE_MAX, Space, TIME_TO_LIVE};
use crate::traces::Traces;
#[cfg(feature = "tracing")]
use crate::traces::propagator::TracePropagator;

/// The shortest time to live. Within a sixth of it an engine has to answer.
const TIME_TO_LIVE_MIN: Duration = Duration::from_millis(100);

/// The longest name of a member or of a name space, in bytes.
const NAME_MAX: usize = 200;

/// A member of a cluster that is about to start: see [`Cluster::over`].
///
/// `E` is the engine. With the feature `nats` it may also be the servers that [`Cluster::connect`] was given: then starting the
/// member connects to them first.
#[must_use = "nothing is started until `start` or `start_link` is awaited"]
pub struct ClusterOptions<E = Arc<dyn Engine>> {
    engine: E,
    name_space: Arc<str>,
    member: Arc<str>,
    time_to_live: Duration,
    message_max: usize,
    traces: Traces,
}

impl<E> ClusterOptions<E> {
    pub(super) fn new(engine: E) -> Self {
        Self {
            engine,
            name_space: "cluster".into(),
            member: "member".into(),
            time_to_live: TIME_TO_LIVE,
            message_max: MESSAGE_MAX,
            traces: Traces::default(),
        }
    }

    /// The part of the engine that belongs to this cluster. All members of a cluster have the same (default: `cluster`).
    ///
    /// # Panics
    ///
    /// If it is empty, has more than 200 bytes, or has other characters than `A-Z`, `a-z`, `0-9`, `-` and `_`.
    #[track_caller]
    pub fn name_space(mut self, name: impl Into<Arc<str>>) -> Self {
        let name = name.into();
        let is_short = !name.is_empty() && name.len() <= NAME_MAX;
        let is_of_alphabet = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        assert!(
            is_short && is_of_alphabet,
            "the name space `{name}` has to have 1 to {NAME_MAX} characters of A-Z, a-z, 0-9, - and _"
        );
        self.name_space = name;
        self
    }

    /// The name of this member, for people: it is in errors and in what [`Cluster::whereis`] and [`Cluster::members`] return (default:
    /// `member`). Others may have the same.
    ///
    /// # Panics
    ///
    /// If it has more than 200 bytes.
    #[track_caller]
    pub fn member(mut self, name: impl Into<Arc<str>>) -> Self {
        let name = name.into();
        assert!(name.len() <= NAME_MAX, "the name of a member has {} bytes, and may have {NAME_MAX}", name.len());
        self.member = name;
        self
    }

    /// How long a name outlives the machine of its owner (default: [`TIME_TO_LIVE`]). Members may have different ones.
    ///
    /// A name is renewed three times in it. A shorter one is free sooner, and is lost sooner when the engine is slow.
    ///
    /// # Panics
    ///
    /// If it is less than 100 ms.
    #[track_caller]
    pub fn time_to_live(mut self, time_to_live: Duration) -> Self {
        assert!(
            time_to_live >= TIME_TO_LIVE_MIN,
            "a name has to live for {TIME_TO_LIVE_MIN:?} or more, and {time_to_live:?} is less"
        );
        self.time_to_live = time_to_live;
        self
    }

    /// The largest message that this member sends or reads, in bytes (default: [`MESSAGE_MAX`]).
    pub fn message_max(mut self, bytes: usize) -> Self {
        self.message_max = bytes;
        self
    }

    /// Lets traces go on between this member and others (default: they end at the machine).
    ///
    /// A call or a cast that is made in a span takes the [context](crate::TraceContext) of the span along. On the machine of the server,
    /// a member that has a propagator, too, makes a span with that context as its parent, and hands the message to the server in it:
    /// [Traces](crate#traces) has more.
    ///
    /// The context is part of the message, and counts for [`message_max`](Self::message_max).
    #[cfg(feature = "tracing")]
    pub fn trace_propagator(mut self, propagator: impl TracePropagator) -> Self {
        self.traces = Traces::new(propagator);
        self
    }

    /// The engine, and the same options with another.
    #[cfg(feature = "nats")]
    pub(super) fn replace<F>(self, engine: F) -> (E, ClusterOptions<F>) {
        let Self { engine: before, name_space, member, time_to_live, message_max, traces } = self;
        (before, ClusterOptions { engine, name_space, member, time_to_live, message_max, traces })
    }

    /// The names of the cluster and of the member.
    #[cfg(feature = "nats")]
    pub(super) fn names(&self) -> (Arc<str>, Arc<str>) {
        (Arc::clone(&self.name_space), Arc::clone(&self.member))
    }
}

impl ClusterOptions {
    /// Starts the member. It does not wait for the engine.
    ///
    /// # Errors
    ///
    /// As [`genserver::start`].
    pub async fn start(self) -> Result<Cluster, StartError> {
        self.begin(|start| start).await
    }

    /// Starts the member linked with the calling process: see [`genserver::start_link`].
    ///
    /// # Errors
    ///
    /// As [`genserver::start_link`].
    pub async fn start_link(self) -> Result<Cluster, StartError> {
        self.begin(Start::link).await
    }

    async fn begin(self, how: impl FnOnce(Start<MemberServer>) -> Start<MemberServer>) -> Result<Cluster, StartError> {
        let args = self.into_args();
        let server = how(genserver::start::<MemberServer>(args.clone())).default_label("cluster").await?;
        Ok(Cluster::new(args, Running::One(server)))
    }

    /// Returns the member as a child of your own supervision tree, and a reference to it.
    ///
    /// The supervisor starts the member, and starts it again if it ends. The reference survives that. Put it before the children that
    /// use it.
    pub fn child_spec(self, id: impl Into<Cow<'static, str>>) -> (ChildSpec, Cluster) {
        let args = self.into_args();
        let its_args = args.clone();
        let spec = ChildSpec::server(id, move || genserver::start_link::<MemberServer>(its_args.clone()));
        // Its servers are given the time that they have by themselves.
        let spec = spec.shutdown(genserver::supervisor::Shutdown::Infinity);
        let running = Running::Child(spec.reference());
        (spec.untyped(), Cluster::new(args, running))
    }

    fn into_args(self) -> MemberArgs {
        let Self { engine, name_space, member, time_to_live, message_max, traces } = self;
        let space = Space { engine, name: name_space, time_to_live, message_max, traces };
        let member = Arc::new(Member::new(space, member));
        let members = Arc::new(Members::new(Arc::clone(&member)));
        let groups = Arc::new(Groups::new(Arc::clone(&member), Arc::clone(&members)));
        MemberArgs { member, members, groups }
    }
}

impl<E> fmt::Debug for ClusterOptions<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterOptions")
            .field("name_space", &self.name_space)
            .field("member", &self.member)
            .field("time_to_live", &self.time_to_live)
            .finish_non_exhaustive()
    }
}
