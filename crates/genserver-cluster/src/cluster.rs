//! A member of a cluster: the process of this program that starts servers with names, and references to those of all members.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use genserver::supervisor::{ChildSpec, Shutdown};
use genserver::{AsProcess, Never, Probe, ProcessRef, StopError, time};

use crate::engine::{Engine, EngineError, Revision};
use crate::events::{ClusterEvent, Topic};
use crate::groups::Groups;
use crate::members::{MemberInfo, MemberMonitor, Members, MembersError};
use crate::name::keeper::{Keeper, KeeperArgs, Started};
use crate::name::member::Member;
use crate::name::owner_record::OwnerRecord;
use crate::remote::RemoteRef;
use crate::wire::messages::Clustered;

// How it is started, ...
mod options;
// ... with a connection to NATS of its own.
#[cfg(feature = "nats")]
mod connect;
// Its process, ...
mod server;
// ... and starts of servers under it.
mod start_named;
// One server in the whole cluster.
mod singleton;
// Processes of several members in groups.
mod in_groups;

#[cfg(feature = "nats")]
pub use connect::{ConnectError, NatsServers};
pub use options::ClusterOptions;
pub use start_named::{NamedServer, StartNamed};

use server::{MemberArgs, Running};

/// How long one server has to end under its name: four seconds for itself, and the rest for the engine.
const STOP_WITHIN: Duration = Duration::from_secs(8);

/// A member of a cluster, in this program. Its clones are the same member.
///
/// # Examples
///
/// On [the page of the crate](crate).
#[derive(Clone)]
pub struct Cluster {
    member: Arc<Member>,
    members: Arc<Members>,
    groups: Arc<Groups>,
    running: Running,
}

impl Cluster {
    /// A member of the cluster that stands on this engine, with options to set before it is started.
    pub fn over(engine: impl Engine) -> ClusterOptions {
        let engine: Arc<dyn Engine> = Arc::new(engine);
        ClusterOptions::new(engine)
    }

    fn new(MemberArgs { member, members, groups }: MemberArgs, running: Running) -> Self {
        Self { member, members, groups, running }
    }

    /// The name of this member.
    pub fn member(&self) -> &str {
        &self.member.id
    }

    /// How long a name outlives the machine of its owner.
    pub fn time_to_live(&self) -> Duration {
        self.member.space.time_to_live
    }

    /// Claims a name, and starts a server under it on this machine. Awaited, it returns the server.
    ///
    /// No other member can have the name until the server ends, [`stop`](NamedServer::stop) gives the name back, or this machine is
    /// gone for a [time to live](ClusterOptions::time_to_live). When the engine has not confirmed for four fifths of that time that the
    /// name is ours, the server ends with [`Reason::NoConnection`](genserver::Reason::NoConnection) before anybody else can have it.
    ///
    /// The server belongs to the process of this member and ends with it, unless it is [linked](StartNamed::link) with the calling
    /// process. A server under a supervisor is a [`child`](Self::child).
    ///
    /// # Errors
    ///
    /// [`StartNamedError`](crate::StartNamedError): another server has the name, the engine does not answer, or the server itself did
    /// not start.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends what it has begun. A name that was claimed by then is free after a time to live at the latest.
    pub fn start_named<S: Clustered>(&self, name: impl Into<Arc<str>>, args: S::Args) -> StartNamed<S> {
        StartNamed::new(self.running.clone(), self.keeper(name.into(), args))
    }

    /// A server with a name as a child of your own supervisor. Each restart claims the name again.
    ///
    /// A start fails if another member has the name, as in [`start_named`](Self::start_named), and then so does the supervisor in the
    /// end. For a server that is to run on any one of several members use a [`singleton`](Self::singleton).
    ///
    /// # Examples
    ///
    /// On [the page of the crate](crate).
    pub fn child<S: Clustered>(
        &self,
        name: impl Into<Arc<str>>,
        mut args: impl FnMut() -> S::Args + Send + 'static,
    ) -> ChildSpec {
        let (cluster, name) = (self.clone(), name.into());
        let id = name.to_string();
        let start = move || genserver::start_link::<Keeper<S>>(cluster.keeper(Arc::clone(&name), args()));
        ChildSpec::server(id, start).shutdown(Shutdown::After(STOP_WITHIN)).untyped()
    }

    /// One server in the whole cluster, as a child of your own supervisor: start it on every member that may have it.
    ///
    /// The child is a candidate. It waits until nobody has the name, then claims it and starts the server here. When the member that has
    /// it is gone, the candidate of another one takes over, within a [time to live](ClusterOptions::time_to_live) and two seconds.
    /// When the server stops or crashes, its candidate ends with that reason, and is started again as the spec says: then any of them
    /// may be next.
    pub fn singleton<S: Clustered>(
        &self,
        name: impl Into<Arc<str>>,
        args: impl Fn() -> S::Args + Send + Sync + 'static,
    ) -> ChildSpec {
        let (cluster, name, args) = (self.clone(), name.into(), Arc::new(args));
        let id = name.to_string();
        let stand = move |me: Probe<Never>| singleton::stand::<S>(me, cluster.clone(), Arc::clone(&name), args.clone());
        ChildSpec::process(id, stand).shutdown(Shutdown::After(STOP_WITHIN)).untyped()
    }

    /// A reference to the server with this name, on whichever machine it runs. It need not run yet.
    pub fn named<S: Clustered>(&self, name: impl Into<Arc<str>>) -> RemoteRef<S> {
        RemoteRef::new(self.member.space.clone(), name.into())
    }

    /// A topic of events of one type, which subscribers on all members get: see [`events`](crate::events).
    ///
    /// Nothing is asked of the engine yet.
    ///
    /// # Panics
    ///
    /// If the name is empty, has more than 200 bytes together with that of the name space, or has other characters than `A-Z`, `a-z`,
    /// `0-9`, `-` and `_`; or if [`ClusterEvent::NAME`] has more than 200 bytes.
    #[track_caller]
    pub fn topic<E: ClusterEvent>(&self, name: impl Into<Arc<str>>) -> Topic<E> {
        Topic::new(self.member.space.clone(), name.into())
    }

    /// Reads which member has a name; `None` if none has, as far as the engine shows.
    ///
    /// The answer may be old, by a time to live and more: to ask the server itself is the only way to know that it is there.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if it cannot be read. So `None` never means that the engine was not there.
    pub async fn whereis(&self, name: &str) -> Result<Option<Owner>, EngineError> {
        let space = &self.member.space;
        let key = space.name_key(name);
        let entry = time::timeout(space.time_to_live, space.engine.get(&key)).await;
        let entry = entry.unwrap_or(Err(EngineError::Unanswered))?;
        Ok(entry.and_then(|entry| {
            let record = OwnerRecord::read(&entry)?;
            let fence = record.fence_of(&entry);
            Some(Owner { member: record.member, server: record.server, version: record.version, fence })
        }))
    }

    /// This member, as [`members`](Self::members) has it.
    pub fn member_info(&self) -> MemberInfo {
        self.members.this()
    }

    /// Returns the members of the cluster that are up, this one as well, in the order in which they were seen first. OTP's `nodes`.
    ///
    /// What the first call has begun to watch goes on, so later calls ask nobody. A member that is gone without a word is in it for up
    /// to its time to live. That a member is in it does not prove that it can be reached: only an answer of its server does.
    ///
    /// # Errors
    ///
    /// [`MembersError`] if within a third of a time to live the engine does not show this member, or if it does not run. So a list
    /// that is short never means that the engine was not there.
    ///
    /// # Cancel safety
    ///
    /// Dropping it has no other effect.
    #[doc(alias = "nodes")]
    pub async fn members(&self) -> Result<Vec<MemberInfo>, MembersError> {
        self.members.all().await
    }

    /// Returns a stream of the members that come and go, for [`Cx::attach`](genserver::Cx::attach). OTP's `monitor_nodes`.
    ///
    /// It begins with those that are up. A member that is stopped is down at once. One that is gone without a word is down within its
    /// time to live and a second. When this member has lost the engine for that long, all are down, this one as well; they are up again
    /// when it is back. Each end is told, however slow the reader is: one that is down and up again meanwhile is told as both.
    ///
    /// The stream does not end. After [`stop`](Self::stop) all members are down.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "model")]
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures::StreamExt as _;
    /// use genserver_cluster::engine::model::Model;
    /// use genserver_cluster::{Cluster, MemberEvent};
    ///
    /// let engine = Model::new();
    /// let a = Cluster::over(engine.member("a")).member("a").start().await?;
    /// let b = Cluster::over(engine.member("b")).member("b").start().await?;
    ///
    /// // A server attaches it, in its init: `cx.attach(cluster.monitor_members(), Info::Member)`.
    /// let mut events = a.monitor_members();
    /// assert_eq!(events.next().await, Some(MemberEvent::Up(a.member_info())));
    /// assert_eq!(events.next().await, Some(MemberEvent::Up(b.member_info())));
    ///
    /// b.stop().await?;
    /// assert_eq!(events.next().await, Some(MemberEvent::Down(b.member_info())));
    /// assert_eq!(a.members().await?, [a.member_info()]);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "model"))]
    /// # fn main() {}
    /// ```
    #[doc(alias = "monitor_nodes")]
    pub fn monitor_members(&self) -> MemberMonitor {
        self.members.monitor()
    }

    /// Stops this member: all its servers with names end, and their names are free at once.
    ///
    /// # Errors
    ///
    /// As [`ServerRef::stop`](genserver::ServerRef::stop).
    ///
    /// # Cancel safety
    ///
    /// Dropping it does not withdraw the order.
    pub async fn stop(&self) -> Result<(), StopError> {
        self.running.stop().await
    }

    fn keeper<S: Clustered>(&self, name: Arc<str>, args: S::Args) -> KeeperArgs<S> {
        KeeperArgs { member: Arc::clone(&self.member), name, server: args, started: Started::default() }
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("space", &self.member.space)
            .field("member", &self.member.id)
            .finish_non_exhaustive()
    }
}

/// The process of this member: for linking, monitoring, inspecting. `None` while a member that is a child of a supervisor does not
/// run.
impl AsProcess for Cluster {
    fn as_process(&self) -> Option<ProcessRef> {
        self.running.process()
    }
}

/// Who has a name, as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Owner {
    /// The name of the member.
    pub member: String,
    /// The name of the server in its list of messages, ...
    pub server: String,
    /// ... and the version of that list.
    pub version: u32,
    /// The revision by which it has the name: see [`RemoteRef::pinned`].
    pub fence: Revision,
}
