//! The process of a registry: it creates buckets, monitors them, and announces them.
//!
//! Rules:
//!
//! - R1: only this process writes the table, so its decisions are made once.
//! - R2: a bucket is in the table before its creation is announced, and out of it before its end is announced.
//! - R3: a name in the table has a monitor. The `Down` frees exactly that bucket's name.
//! - R4: a create request for a name whose bucket is ending waits for the `Down`. So the events of one name are in order.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use genserver::dynamic_supervisor::{self, DynamicSupervisor};
use genserver::report::{CustomReport, Level, Report};
use genserver::supervisor::{ChildRef, ChildSpec, Restart};
use genserver::{CallError, Caller, Cx, Down, GenServer, Init, Next, Outcome, Reason};

use super::error::BucketStartError;
use super::table::Table;
use crate::bucket::BucketStorage;
use crate::event::EventManagerRef;
use crate::storage::Storage;
use crate::{Bucket, BucketEvent, BucketName};

/// The server behind a [`Registry`](crate::Registry).
///
/// # Examples
///
/// It may be killed: the next one continues with the same names.
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
    events: Arc<EventManagerRef>,
    buckets: Supervisor,
    // None if the entries are lost with their bucket.
    storage: Option<Arc<dyn Storage>>,
    // Create requests for names whose buckets are still ending, with their callers. There are at most as many names as
    // ending buckets, and callers that have given up are removed when the next one comes.
    waiting: BTreeMap<BucketName, Vec<CreateCaller>>,
}

/// The arguments of a registry's start, made by [`Registry::start`](crate::Registry::start) and by a store.
#[derive(Clone)]
pub struct RegistryArgs {
    pub(crate) table: Arc<Table>,
    pub(crate) events: Arc<EventManagerRef>,
    pub(crate) buckets: Option<ChildRef<dynamic_supervisor::DynamicSupervisorServer, DynamicSupervisor>>,
    pub(crate) storage: Option<Arc<dyn Storage>>,
}

/// The supervisor of the buckets.
enum Supervisor {
    // Another child of the store.
    Sibling(ChildRef<dynamic_supervisor::DynamicSupervisorServer, DynamicSupervisor>),
    // Linked to the registry.
    Own(DynamicSupervisor),
}

/// A call to a registry, made by the methods of [`Registry`](crate::Registry).
pub struct RegistryCall(pub(super) CallKind);

pub(super) enum CallKind {
    Create(BucketName, CreateCaller),
    Lookup(BucketName, Caller<Option<Bucket>>),
    Stop(Caller<()>),
}

type CreateCaller = Caller<Result<Bucket, BucketStartError>>;

/// A cast to a registry, made by [`Registry::create_later`](crate::Registry::create_later).
#[derive(Debug)]
pub struct RegistryCast(pub(super) BucketName);

/// A message to a registry that is neither a call nor a cast.
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
    type Cast = RegistryCast;
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
        // The names of the registry before this one come first of all. Lookups find them meanwhile.
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

    async fn handle_cast(&mut self, RegistryCast(name): RegistryCast, cx: &mut Cx<Self>) -> Outcome<Self> {
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
    /// Takes over the names of the registry before this one, and the buckets of the storage.
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

    /// Ends buckets that no name leads to: an earlier registry may have ended after it had started one and before it had
    /// put it into the table.
    async fn end_strays(&self) {
        let Ok(buckets) = self.buckets.current().await else { return };
        let known: BTreeSet<_> = self.table.entries().into_iter().map(|(_, bucket)| bucket.pid()).collect();
        for child in buckets.which_children().await.unwrap_or_default() {
            if let Some(process) = child.state.process().filter(|it| !known.contains(&it.pid())) {
                process.exit(Reason::Shutdown);
            }
        }
    }

    /// Creates a bucket of this name unless there is one, and answers the caller.
    async fn create(&mut self, name: BucketName, caller: Option<CreateCaller>, cx: &mut Cx<Self>) {
        let created = match self.table.get(&name) {
            Some(bucket) if bucket.is_alive() => Ok(bucket),
            // Waits for the `Down` (rule R4).
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

    async fn start(&mut self, name: BucketName, cx: &mut Cx<Self>) -> Result<Bucket, BucketStartError> {
        let buckets = self.buckets.current().await?;
        let (storage, of) = (self.storage.clone(), name.clone());
        let spec = ChildSpec::server("bucket", move || {
            Bucket::kept(storage.clone().map(|storage| BucketStorage::new(of.clone(), storage)))
        });
        let bucket = buckets.start_child(spec.restart(Restart::Temporary)).await?;
        watch(name.clone(), &bucket, cx);
        self.table.insert(name.clone(), bucket.clone());
        self.tell(BucketEvent::Created { name, bucket: bucket.clone() }, cx).await;
        Ok(bucket)
    }

    /// A bucket has ended: frees its name, and serves the create requests that waited for that.
    async fn gone(&mut self, name: BucketName, down: Down, cx: &mut Cx<Self>) {
        let Some(bucket) = self.table.remove(&name, down.pid) else { return };
        self.tell(BucketEvent::Exited { name: name.clone(), bucket, reason: down.reason }, cx).await;
        if let Some(callers) = self.waiting.remove(&name) {
            // Also if all callers have given up: the request stands.
            self.create(name.clone(), None, cx).await;
            for caller in callers {
                self.create(name.clone(), Some(caller), cx).await;
            }
        }
    }

    /// A slow or failing handler does not stop the registry, but it is reported.
    async fn tell(&self, event: BucketEvent, cx: &mut Cx<Self>) {
        if let Err(error) = self.events.tell(event).await {
            cx.report(Level::Warning, |me| Report::Custom(untold(me, &error)));
        }
    }
}

impl Supervisor {
    async fn current(&self) -> Result<DynamicSupervisor, BucketStartError> {
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
