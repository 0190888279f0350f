//! The process of a registry: it creates buckets, monitors them, and announces them.
//!
//! Rules:
//!
//! - R1: only this process writes the table, so its decisions are made once.
//! - R2: a bucket is in the table before its creation is announced, and out of it before its end is announced.
//! - R3: a name in the table has a monitor. The `Down` frees exactly that bucket's name.
//! - R4: a create request for a name whose bucket is ending waits for the `Down`. So the events of one name are in order.
//! - R5: with a storage, a bucket that has crashed is created again at its `Down`: its entries are there. One that was stopped or
//!   removed is not.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use genevent::NotifyError;
use genserver::dynamic_supervisor::{self, DynamicSupervisor};
use genserver::report::{CustomReport, Level, Report};
use genserver::supervisor::{ChildRef, ChildSpec, Restart};
use genserver::{Caller, Cx, Down, GenServer, Init, Next, Outcome, Reason};

use super::beginning::Beginning;
use super::table::Table;
use crate::bucket::{BucketHome, BucketStartError, BucketStorage, Created};
use crate::committer::CommitterRef;
use crate::event::EventManagerRef;
use crate::limits::StoreShared;
use crate::storage::{Storage, StorageError};
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
    pub(super) table: Arc<Table>,
    events: Arc<EventManagerRef>,
    pub(super) buckets: Supervisor,
    // None if the entries are lost with their bucket.
    pub(super) storage: Option<RegistryStorage>,
    pub(super) shared: Arc<StoreShared>,
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
    pub(crate) storage: Option<RegistryStorage>,
    // Whether no registry has been started with these arguments yet.
    pub(crate) is_first: Arc<AtomicBool>,
    pub(crate) shared: Arc<StoreShared>,
}

/// Where the buckets of a registry get their entries from, and where their changes go.
#[derive(Clone)]
pub(crate) struct RegistryStorage {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) committer: CommitterRef,
}

/// The supervisor of the buckets.
pub(super) enum Supervisor {
    // Another child of the store, ...
    Sibling(ChildRef<dynamic_supervisor::DynamicSupervisorServer, DynamicSupervisor>),
    // ... that is not waited for if it does not run.
    RunningSibling(ChildRef<dynamic_supervisor::DynamicSupervisorServer, DynamicSupervisor>),
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

type CreateCaller = Caller<Created>;

/// A cast to a registry, made by [`Registry::create_later`](crate::Registry::create_later).
#[derive(Debug)]
pub struct RegistryCast(pub(super) BucketName);

/// A message to a registry that is neither a call nor a cast.
#[derive(Debug)]
pub struct RegistryInfo(pub(super) InfoKind);

#[derive(Debug)]
pub(super) enum InfoKind {
    Begin(Beginning),
    Down(BucketName, Down),
}

impl GenServer for RegistryServer {
    type Args = RegistryArgs;
    type Call = RegistryCall;
    type Cast = RegistryCast;
    type Info = RegistryInfo;

    async fn init(args: RegistryArgs, cx: &mut Cx<Self>) -> Init<Self> {
        let is_first = args.is_first.swap(false, Ordering::Relaxed);
        let buckets = match args.buckets {
            // The supervisor of both starts nobody else before the first init has returned: waiting would be for ever.
            Some(sibling) if is_first => Supervisor::RunningSibling(sibling),
            Some(sibling) => Supervisor::Sibling(sibling),
            None => match DynamicSupervisor::new().start_link().await {
                Ok(own) => Supervisor::Own(own),
                Err(error) => return Init::Stop(error.into()),
            },
        };
        let RegistryArgs { table, events, storage, shared, .. } = args;
        let mut server = Self { table, events, buckets, storage, shared, waiting: BTreeMap::new() };
        if !is_first {
            // The names of the registry before this one come first of all. Lookups find them meanwhile.
            return Init::RunThen(server, RegistryInfo(InfoKind::Begin(Beginning::Stray)));
        }
        // Names of a store that has ended, with its buckets, and is started again.
        server.table.clear();
        // Before the start has returned: a lookup finds every bucket whose entries are there.
        if let Err(reason) = server.create_all_kept(cx).await {
            return Init::Stop(reason);
        }
        server.buckets = server.buckets.awaited();
        Init::Run(server)
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
            InfoKind::Begin(beginning) => self.begin(beginning, cx).await?,
            InfoKind::Down(name, down) => self.gone(name, down, cx).await,
        }
        Next::wait()
    }
}

impl RegistryServer {
    /// Creates a bucket of this name unless there is one, and answers the caller.
    pub(super) async fn create(&mut self, name: BucketName, caller: Option<CreateCaller>, cx: &mut Cx<Self>) {
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
        let (created, caller) = match created {
            // It answers itself, when it is loaded. Loading is not the registry's time.
            Ok(bucket) if self.storage.is_some() => return bucket.welcome(caller),
            created => (created, caller),
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
        self.shared.check_bucket(&name)?;
        let buckets = self.buckets.current().await?;
        let storage = self.storage.clone().map(|RegistryStorage { storage, committer }| BucketStorage {
            bucket: name.clone(),
            storage,
            committer,
        });
        let home = BucketHome { name: name.clone(), shared: Arc::clone(&self.shared), storage };
        let spec = ChildSpec::server("bucket", move || Bucket::of_store(home.clone()));
        let bucket = buckets.start_child(spec.restart(Restart::Temporary)).await?;
        watch(name.clone(), &bucket, cx);
        self.table.insert(name.clone(), bucket.clone());
        self.tell(BucketEvent::Created { name, bucket: bucket.clone() }, cx).await;
        Ok(bucket)
    }

    /// A bucket has ended: frees its name, and serves the create requests that waited for that.
    async fn gone(&mut self, name: BucketName, down: Down, cx: &mut Cx<Self>) {
        let Some(bucket) = self.table.remove(&name, down.pid) else { return };
        let is_kept = self.storage.is_some() && has_crashed(&down.reason);
        self.tell(BucketEvent::Exited { name: name.clone(), bucket, reason: down.reason }, cx).await;
        let callers = self.waiting.remove(&name);
        // By R5, or because it was asked for: also if all callers have given up, the request stands.
        if is_kept || callers.is_some() {
            self.create(name.clone(), None, cx).await;
        }
        for caller in callers.into_iter().flatten() {
            self.create(name.clone(), Some(caller), cx).await;
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
    pub(super) async fn current(&self) -> Result<DynamicSupervisor, BucketStartError> {
        match self {
            Self::Own(own) => Ok(own.clone()),
            Self::Sibling(sibling) => Ok(sibling.waiting().current().await?),
            Self::RunningSibling(sibling) => Ok(sibling.current()?),
        }
    }

    /// The same, and waited for.
    fn awaited(self) -> Self {
        if let Self::RunningSibling(sibling) = self { Self::Sibling(sibling) } else { self }
    }
}

/// Whether nobody has asked for the end. A bucket whose entries could not be loaded is not tried again at once: the next one would
/// fare as badly.
fn has_crashed(reason: &Reason) -> bool {
    let is_asked_for = matches!(reason, Reason::Normal | Reason::Shutdown | Reason::ShutdownWith(_));
    !is_asked_for && reason.downcast_ref::<StorageError>().is_none()
}

pub(super) fn watch(name: BucketName, bucket: &Bucket, cx: &mut Cx<RegistryServer>) {
    cx.monitor(bucket, |down| RegistryInfo(InfoKind::Down(name, down)));
}

fn untold(me: genserver::report::Who, error: &NotifyError) -> CustomReport {
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
