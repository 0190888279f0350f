//! The process of a registry: it creates buckets, watches them, and tells of them.
//!
//! What it keeps to:
//!
//! - R1: only this process writes the table, so what is decided here is decided once.
//! - R2: a bucket is in the table before anybody is told of it, and out of it before anybody is told of its end.
//! - R3: a name in the table has a monitor. The `Down` frees exactly that bucket's name.
//! - R4: a name whose bucket is about to end waits for the `Down`; then the next bucket of that name is made. So the events of
//!   one name come in their order.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use genserver::dynamic_supervisor::{self, DynamicSupervisor};
use genserver::report::{CustomReport, Level, Report};
use genserver::supervisor::{ChildRef, ChildSpec, Restart};
use genserver::{CallError, Caller, Cx, Down, GenServer, Init, Next, Outcome, Reason};

use super::error::NotStarted;
use super::table::Table;
use crate::bucket::Keeper;
use crate::event::Events;
use crate::storage::Storage;
use crate::{Bucket, BucketEvent, BucketName};

/// The server behind a [`Registry`](crate::Registry).
///
/// # Examples
///
/// It may be killed: the next one goes on with the names that it had.
///
/// ```
/// use genserver::ServerRef;
/// use kv_core::{RegistryServer, Store};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Store::start().await?;
/// store.create("shopping").await?;
/// let server: ServerRef<RegistryServer> = store.registry().server().ok_or("it runs")?;
/// server.kill();
/// assert!(store.lookup("shopping").is_some());
/// # store.stop().await?;
/// # Ok(())
/// # }
/// ```
pub struct RegistryServer {
    table: Arc<Table>,
    events: Arc<Events>,
    buckets: Supervisor,
    // None if the entries are to be forgotten with their bucket.
    storage: Option<Arc<dyn Storage>>,
    // The names that another bucket is wanted of when the one that ends has ended, and who waits for it. There are no more names than
    // buckets that end, and no more callers than wait: those who have given up go when the next one comes.
    waiting: BTreeMap<BucketName, Vec<CreateCaller>>,
}

/// What a registry is started with. [`Registry::start`](crate::Registry::start) and a store make it.
///
/// # Examples
///
/// It stands where a registry is seen as a server:
///
/// ```
/// use genserver::GenServer;
/// use kv_core::{RegistryArgs, RegistryServer};
///
/// fn starts_with(args: <RegistryServer as GenServer>::Args) -> RegistryArgs {
///     args
/// }
/// ```
#[derive(Clone)]
pub struct RegistryArgs {
    pub(crate) table: Arc<Table>,
    pub(crate) events: Arc<Events>,
    pub(crate) buckets: Option<ChildRef<dynamic_supervisor::Server, DynamicSupervisor>>,
    pub(crate) storage: Option<Arc<dyn Storage>>,
}

/// Who supervises the buckets.
enum Supervisor {
    // A part of the same store.
    Sibling(ChildRef<dynamic_supervisor::Server, DynamicSupervisor>),
    // Linked with the registry.
    Own(DynamicSupervisor),
}

/// What is asked of a registry. It is made by the functions of [`Registry`](crate::Registry).
///
/// # Examples
///
/// It stands where a registry is seen as a server:
///
/// ```
/// use genserver::GenServer;
/// use kv_core::{RegistryCall, RegistryServer};
///
/// fn asked(request: <RegistryServer as GenServer>::Call) -> RegistryCall {
///     request
/// }
/// ```
pub struct RegistryCall(pub(super) CallKind);

pub(super) enum CallKind {
    Create(BucketName, CreateCaller),
    Lookup(BucketName, Caller<Option<Bucket>>),
    Stop(Caller<()>),
}

type CreateCaller = Caller<Result<Bucket, NotStarted>>;

/// What a registry is told. It is made by [`Registry::create_later`](crate::Registry::create_later).
///
/// # Examples
///
/// It stands where a registry is seen as a server:
///
/// ```
/// use genserver::GenServer;
/// use kv_core::{CreateLater, RegistryServer};
///
/// fn told(cast: <RegistryServer as GenServer>::Cast) -> CreateLater {
///     cast
/// }
/// ```
#[derive(Debug)]
pub struct CreateLater(pub(super) BucketName);

/// What comes to a registry by itself.
///
/// # Examples
///
/// It stands where a registry is seen as a server:
///
/// ```
/// use genserver::GenServer;
/// use kv_core::{RegistryInfo, RegistryServer};
///
/// fn comes(info: <RegistryServer as GenServer>::Info) -> RegistryInfo {
///     info
/// }
/// ```
#[derive(Debug)]
pub struct RegistryInfo(InfoKind);

#[derive(Debug)]
enum InfoKind {
    Begin,
    Down(BucketName, Down),
}

impl GenServer for RegistryServer {
    type Args = RegistryArgs;
    type Call = RegistryCall;
    type Cast = CreateLater;
    type Info = RegistryInfo;

    async fn init(args: RegistryArgs, _cx: &mut Cx<Self>) -> Init<Self> {
        let buckets = match args.buckets {
            Some(sibling) => Supervisor::Sibling(sibling),
            None => match DynamicSupervisor::new().start_link().await {
                Ok(own) => Supervisor::Own(own),
                Err(error) => return Init::Stop(error.into()),
            },
        };
        let RegistryArgs { table, events, storage, .. } = args;
        // What was before is taken over first of all; whoever looks up finds it meanwhile.
        Init::RunThen(Self { table, events, buckets, storage, waiting: BTreeMap::new() }, RegistryInfo(InfoKind::Begin))
    }

    async fn handle_call(&mut self, RegistryCall(ask): RegistryCall, cx: &mut Cx<Self>) -> Outcome<Self> {
        match ask {
            CallKind::Create(name, caller) => {
                self.create(name, Some(caller), cx).await;
                Next::wait()
            }
            CallKind::Lookup(name, caller) => Next::reply(caller, self.table.alive(&name)),
            CallKind::Stop(caller) => Next::stop_reply(Reason::Normal, caller, ()),
        }
    }

    async fn handle_cast(&mut self, CreateLater(name): CreateLater, cx: &mut Cx<Self>) -> Outcome<Self> {
        self.create(name, None, cx).await;
        Next::wait()
    }

    async fn handle_info(&mut self, RegistryInfo(info): RegistryInfo, cx: &mut Cx<Self>) -> Outcome<Self> {
        match info {
            InfoKind::Begin => self.begin(cx).await?,
            InfoKind::Down(name, down) => self.gone(name, down, cx).await,
        }
        Next::wait()
    }
}

impl RegistryServer {
    /// Takes over what a registry before this one knew, and what the storage remembers.
    async fn begin(&mut self, cx: &mut Cx<Self>) -> Result<(), Reason> {
        for (name, bucket) in self.table.entries() {
            watch(name, &bucket, cx);
        }
        self.end_strays().await;
        if let Some(storage) = &self.storage {
            for name in storage.buckets().await.map_err(Reason::from)? {
                self.create(name, None, cx).await;
            }
        }
        Ok(())
    }

    /// Ends buckets that nobody can find: a registry that ended between starting one and putting it into the table left it behind.
    async fn end_strays(&self) {
        let Ok(buckets) = self.buckets.current().await else { return };
        let known: BTreeSet<_> = self.table.entries().into_iter().map(|(_, bucket)| bucket.pid()).collect();
        for child in buckets.which_children().await.unwrap_or_default() {
            if let Some(process) = child.state.process().filter(|it| !known.contains(&it.pid())) {
                process.exit(Reason::Shutdown);
            }
        }
    }

    /// Makes a bucket of that name, unless there is one, and tells whoever asked for it.
    async fn create(&mut self, name: BucketName, caller: Option<CreateCaller>, cx: &mut Cx<Self>) {
        let created = match self.table.get(&name) {
            Some(bucket) if bucket.is_alive() => Ok(bucket),
            // By R4.
            Some(_ending) => {
                let waiting = self.waiting.entry(name).or_default();
                waiting.retain(|caller| !caller.is_gone());
                waiting.extend(caller);
                return;
            }
            None => self.start(name, cx).await,
        };
        match (created, caller) {
            (created, Some(caller)) => caller.reply(created),
            (Ok(_), None) => {}
            (Err(error), None) => cx.report(Level::Error, |me| {
                Report::Custom(
                    CustomReport::new(me, Level::Error, "Registry", "could not create a bucket")
                        .with("why", error.to_string()),
                )
            }),
        }
    }

    async fn start(&mut self, name: BucketName, cx: &mut Cx<Self>) -> Result<Bucket, NotStarted> {
        let buckets = self.buckets.current().await?;
        let (storage, of) = (self.storage.clone(), name.clone());
        let spec = ChildSpec::server("bucket", move || {
            Bucket::kept(storage.clone().map(|storage| Keeper::new(of.clone(), storage)))
        });
        let bucket = buckets.start_child(spec.restart(Restart::Temporary)).await?;
        watch(name.clone(), &bucket, cx);
        self.table.insert(name.clone(), bucket.clone());
        self.tell(BucketEvent::Created { name, bucket: bucket.clone() }, cx).await;
        Ok(bucket)
    }

    /// A bucket has ended: its name is free, and whoever waited for that gets another one.
    async fn gone(&mut self, name: BucketName, down: Down, cx: &mut Cx<Self>) {
        let Some(bucket) = self.table.remove(&name, down.pid) else { return };
        self.tell(BucketEvent::Exited { name: name.clone(), bucket, reason: down.reason }, cx).await;
        if let Some(callers) = self.waiting.remove(&name) {
            // Also for those who have given up: what was asked for is done.
            self.create(name.clone(), None, cx).await;
            for caller in callers {
                self.create(name.clone(), Some(caller), cx).await;
            }
        }
    }

    /// A handler that is slow or in trouble is no reason to stop; but somebody should know.
    async fn tell(&self, event: BucketEvent, cx: &mut Cx<Self>) {
        if let Err(error) = self.events.tell(event).await {
            cx.report(Level::Warning, |me| Report::Custom(untold(me, &error)));
        }
    }
}

impl Supervisor {
    async fn current(&self) -> Result<DynamicSupervisor, NotStarted> {
        match self {
            Self::Own(own) => Ok(own.clone()),
            Self::Sibling(sibling) => Ok(sibling.waiting().current().await?),
        }
    }
}

fn watch(name: BucketName, bucket: &Bucket, cx: &mut Cx<RegistryServer>) {
    cx.monitor(bucket, |down| RegistryInfo(InfoKind::Down(name, down)));
}

fn untold(me: genserver::report::Who, error: &CallError) -> CustomReport {
    let what = "told the event manager of a bucket, and did not hear that its handlers have seen the event";
    CustomReport::new(me, Level::Warning, "Registry", what).with("why", error.to_string())
}

impl fmt::Debug for RegistryServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryServer").field("events", &self.events).finish_non_exhaustive()
    }
}

impl fmt::Debug for RegistryArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryArgs").field("events", &self.events).finish_non_exhaustive()
    }
}

impl fmt::Debug for RegistryCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            CallKind::Create(name, _) => f.debug_tuple("Create").field(name).finish(),
            CallKind::Lookup(name, _) => f.debug_tuple("Lookup").field(name).finish(),
            CallKind::Stop(_) => f.write_str("Stop"),
        }
    }
}
