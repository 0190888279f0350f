//! The store of a cluster: requests for buckets, whichever member owns them.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::select;
use futures::stream::BoxStream;
use genserver::supervisor::{ChildError, ChildSpec, Supervisor};
use genserver::{AsProcess, CALL_TIMEOUT, ProcessRef, StartError, StopError, start_link, time};
use genserver_cluster::engine::EngineError;
use genserver_cluster::{Cluster, NotSent, Owner, Remote, RemoteCallError, RemoteRef};
use kv_core::{
    BucketName, Compared, Operation, OperationError, OperationResult, RemoteEvent, RemoteStore, RemoteStoreError,
    Storage as _, Store,
};
use serde::Serialize;

use crate::events::{Announcer, Events, Listener};
use crate::grants::{Grants, OwnedStorage};
use crate::log::pause;
use crate::messages::{Apply, ApplyAll, CompareAndSet, NotOpened, Open, Opened, Remove, SentOperation};
use crate::opener::{BucketOpener, GROUP, OpenerArgs};
use crate::owner::{self, BucketOwner};
use crate::placement::sort_for;
use crate::storage::LogStorage;

// Why a request has no answer.
mod error;

pub use error::ClusterStoreError;

/// How long a member may take to start an owner before the next one is asked. The first one may be gone.
const OPEN_WITHIN: Duration = Duration::from_secs(2);

/// How long an owner may be silent before it is looked up.
const SILENT: Duration = Duration::from_secs(1);

/// More would not fit into an instant.
const TIMEOUT_MAX: Duration = Duration::from_hours(24 * 365);

/// A store of named buckets on all members of a cluster: see [the crate's page](crate).
///
/// Each member starts one, and each takes the requests for every bucket. Its clones are the same store. Dropping it stops nothing; call
/// [`stop`](Self::stop).
///
/// # Examples
///
/// On [the crate's page](crate).
#[derive(Clone)]
pub struct ClusterStore {
    cluster: Cluster,
    log: Arc<LogStorage>,
    events: Events,
    supervisor: Supervisor,
    timeout: Duration,
}

impl ClusterStore {
    /// Starts the store on this member of a cluster. From then on buckets may have their owner here.
    ///
    /// All members have to give their storage the same [name space](LogStorage::name_space).
    ///
    /// # Errors
    ///
    /// [`StartError`] as every start: the cluster does not run on this member, for instance.
    pub async fn start(cluster: Cluster, storage: LogStorage) -> Result<Self, StartError> {
        let (log, grants) = (Arc::new(storage), Arc::<Grants>::default());
        let owned = OwnedStorage { log: Arc::clone(&log), grants: Arc::clone(&grants) };
        let (buckets, store) = Store::options().storage(owned).child_spec("buckets");
        let (own_events, own) = Events::new("own events");
        let (all_events, events) = Events::new("events");
        let (engine, subject) = log.events();
        let listener = Listener { engine: Arc::clone(&engine), subject: subject.clone(), all: events.clone() };
        let listener = ChildSpec::process("listener", move |me| listener.clone().run(me));
        let announcer = Announcer { engine, subject, own: own.clone(), store: store.clone() };
        let announcer = ChildSpec::process("announcer", move |me| announcer.clone().run(me));
        let args = OpenerArgs { cluster: cluster.clone(), log: Arc::clone(&log), store, grants, events: own };
        let opener = ChildSpec::server("opener", move || start_link::<BucketOpener>(args.clone()));
        // The buckets before what is told of them, and the opener last, so that nothing is opened that nobody is told of.
        let tree = Supervisor::one_for_one().child(own_events).child(all_events).child(listener).child(buckets);
        let supervisor = tree.child(announcer).child(opener).start().default_label("cluster store").await?;
        Ok(Self { cluster, log, events, supervisor, timeout: CALL_TIMEOUT })
    }

    /// The same store, whose requests wait for this time (default: [`CALL_TIMEOUT`]).
    ///
    /// A bucket whose owner's machine is gone without a word has no other owner within the cluster's
    /// [time to live](genserver_cluster::ClusterOptions::time_to_live). Requests that may wait longer than that find the next one.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout.min(TIMEOUT_MAX);
        self
    }

    /// Creates a bucket of this name, unless there is one. It has an owner when this returns.
    ///
    /// # Errors
    ///
    /// [`ClusterStoreError`] if there is no such bucket, or may be none. Creating it again does no harm.
    pub async fn create(&self, bucket: &str) -> Result<(), ClusterStoreError> {
        self.ask(BucketName::new(bucket)?, Apply(Vec::new()), true).await.map(drop)
    }

    /// Whether there is a bucket of this name. One that was made a moment ago may be missing, and one that was removed may still be
    /// there.
    ///
    /// # Errors
    ///
    /// [`ClusterStoreError::Storage`] if the names cannot be read.
    pub async fn contains(&self, bucket: &str) -> Result<bool, ClusterStoreError> {
        let Ok(bucket) = BucketName::new(bucket) else { return Ok(false) };
        self.log.contains(&bucket).await.map_err(ClusterStoreError::Storage)
    }

    /// Carries out operations on a bucket in order, each with a result of its own, as
    /// [`Bucket::apply_each`](kv_core::Bucket::apply_each) does. No other client's operation comes in between.
    ///
    /// A change that was answered with its result is kept, whichever machine is gone afterwards.
    ///
    /// # Errors
    ///
    /// [`ClusterStoreError`] if none of them was carried out, or if nobody knows:
    /// [`may_have_been_carried_out`](ClusterStoreError::may_have_been_carried_out) tells which.
    ///
    /// # Cancel safety
    ///
    /// Dropping it gives up the answer, and the operations may still be carried out.
    pub async fn apply_each(
        &self,
        bucket: &str,
        operations: Vec<Operation>,
    ) -> Result<Vec<Result<OperationResult, OperationError>>, ClusterStoreError> {
        let operations = operations.into_iter().map(SentOperation).collect();
        let results = self.ask(BucketName::new(bucket)?, Apply(operations), false).await?;
        Ok(results.into_iter().map(|result| result.map(|sent| sent.0).map_err(OperationError::from)).collect())
    }

    /// Carries out all operations or, if one of them is refused, none, as [`Bucket::apply`](kv_core::Bucket::apply) does. Returns their
    /// results, or why they were refused.
    ///
    /// # Errors
    ///
    /// As [`apply_each`](Self::apply_each).
    ///
    /// # Cancel safety
    ///
    /// As [`apply_each`](Self::apply_each).
    pub async fn apply(
        &self,
        bucket: &str,
        operations: Vec<Operation>,
    ) -> Result<Result<Vec<OperationResult>, OperationError>, ClusterStoreError> {
        let operations = operations.into_iter().map(SentOperation).collect();
        let results = self.ask(BucketName::new(bucket)?, ApplyAll(operations), false).await?;
        Ok(results.map(|all| all.into_iter().map(|sent| sent.0).collect()).map_err(OperationError::from))
    }

    /// Sets or removes a key if its value is the expected one, as
    /// [`Bucket::compare_and_set`](kv_core::Bucket::compare_and_set) does. Returns whether it was, or why the change was refused.
    ///
    /// # Errors
    ///
    /// As [`apply_each`](Self::apply_each).
    ///
    /// # Cancel safety
    ///
    /// As [`apply_each`](Self::apply_each).
    pub async fn compare_and_set(
        &self,
        bucket: &str,
        key: impl Into<Bytes>,
        expected: Option<Bytes>,
        new: Option<Bytes>,
    ) -> Result<Result<Compared, OperationError>, ClusterStoreError> {
        let compare = CompareAndSet { key: key.into(), expected, new };
        let compared = self.ask(BucketName::new(bucket)?, compare, false).await?;
        Ok(compared.map(|sent| sent.0).map_err(OperationError::from))
    }

    /// Removes a bucket and its entries: the next bucket of this name starts empty.
    ///
    /// # Errors
    ///
    /// [`ClusterStoreError`] if the bucket is still there, or may be.
    pub async fn remove(&self, bucket: &str) -> Result<(), ClusterStoreError> {
        let bucket = BucketName::new(bucket)?;
        let removed = self.ask(bucket.clone(), Remove, false).await?;
        removed.map_err(|why| ClusterStoreError::NotRemoved { bucket, why: why.into() })
    }

    /// Returns one page of the names of the buckets of all members, in order: at most `limit`, from the beginning or after a name.
    ///
    /// A bucket that was made a moment ago may be missing, and one that was removed may still be there.
    ///
    /// # Errors
    ///
    /// [`ClusterStoreError::Storage`] if they cannot be read.
    pub async fn buckets(
        &self,
        after: Option<&BucketName>,
        limit: usize,
    ) -> Result<Vec<BucketName>, ClusterStoreError> {
        self.log.buckets(after, limit).await.map_err(ClusterStoreError::Storage)
    }

    /// Returns a stream of what happens to buckets and their keys on all members: that a bucket was created or removed, and that a key
    /// was put or deleted or has expired. It begins now, and ends with the store.
    ///
    /// The events of the keys of a bucket are in order while it has one owner, and so are those of buckets that come and go; one of a key
    /// may be told before its bucket. The store does not wait for the stream, and messages between machines may be lost:
    /// [`RemoteEvent::Missed`] says so, if it is known. What must not be missed is in the bucket.
    ///
    /// # Errors
    ///
    /// [`ChildError`] if the store has stopped.
    pub async fn events(&self) -> Result<BoxStream<'static, RemoteEvent>, ChildError> {
        self.events.stream().await
    }

    /// Reads which member owns a bucket at the moment; `None` if none does. The answer may be old, as that of [`Cluster::whereis`].
    ///
    /// # Errors
    ///
    /// [`EngineError`] if it cannot be read.
    pub async fn whereis(&self, bucket: &BucketName) -> Result<Option<Owner>, EngineError> {
        self.cluster.whereis(&owner::name_of(bucket)).await
    }

    /// Stops the store on this member. The buckets that it owns end, and the next request for each finds another member.
    ///
    /// # Errors
    ///
    /// As [`ServerRef::stop`](genserver::ServerRef::stop).
    pub async fn stop(&self) -> Result<(), StopError> {
        self.supervisor.stop().await
    }

    /// Asks the owner of a bucket. If there is none, it has a member become the owner, and asks again. That one creates the bucket, if
    /// it is not there and may be created.
    async fn ask<M, R>(&self, bucket: BucketName, message: M, creates: bool) -> Result<R, ClusterStoreError>
    where
        BucketOwner: Remote<M, Reply = Option<R>>,
        M: Clone + Serialize + Send + 'static,
    {
        let until = time::now() + self.timeout;
        let mut n = 0;
        loop {
            let mut why = match self.call(&bucket, message.clone(), until).await {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => "its owner has just ended".to_owned(),
                Err(why) if why.may_have_been_carried_out() => {
                    return Err(ClusterStoreError::Unanswered { bucket, why });
                }
                Err(why) if is_passing(&why) => why.to_string(),
                Err(why) => return Err(ClusterStoreError::Refused { bucket, why }),
            };
            // One that is opened is there at once. After that something is slow, or in the way.
            let opened = self.open(&bucket, creates, until).await;
            if n > 0 || matches!(opened, Err(NotOpened::Failed(_))) {
                let _ = time::timeout(left(until), pause(n)).await;
            }
            n += 1;
            match opened {
                Ok(()) => {}
                Err(NotOpened::Absent) => return Err(ClusterStoreError::NotFound { bucket }),
                Err(NotOpened::Failed(problem)) => why = problem,
            }
            if left(until).is_zero() {
                return Err(ClusterStoreError::NoOwner { bucket, after: self.timeout, why });
            }
        }
    }

    /// Sends a message to the owner, and returns its answer.
    ///
    /// The machine of an owner that stands still takes messages, so the engine does not say that nobody is there. Until there is an
    /// answer, it is looked up from time to time whether the owner still has its name. If not, another member becomes the owner. That
    /// one is not sent this message, which may have been carried out.
    async fn call<M, R>(&self, bucket: &BucketName, message: M, until: Instant) -> Result<R, RemoteCallError>
    where
        BucketOwner: Remote<M, Reply = R>,
        M: Serialize + Send + 'static,
    {
        let owner = self.cluster.named::<BucketOwner>(owner::name_of(bucket));
        let call = pin!(owner.call(message).timeout(left(until)).into_future());
        let replace = pin!(async {
            loop {
                time::sleep(SILENT).await;
                if self.whereis(bucket).await == Ok(None) {
                    // If nobody becomes the owner, the next request finds out why.
                    let _ = self.open(bucket, false, until).await;
                }
            }
        });
        select(call, replace).await.factor_first().0
    }

    /// Has a member become the owner of a bucket, the preferred one first. Returns why none has.
    async fn open(&self, bucket: &BucketName, creates: bool, until: Instant) -> Opened {
        let failed = |why: String| NotOpened::Failed(why);
        let openers = time::timeout(left(until), self.cluster.group_members::<BucketOpener>(GROUP)).await;
        let openers = openers.map_err(|elapsed| failed(elapsed.to_string()))?;
        let mut openers = openers.map_err(|error| failed(error.to_string()))?;
        sort_for(bucket, &mut openers, RemoteRef::name);
        let mut why = "no member has a store; start one, or wait until it has started again".to_owned();
        for opener in openers {
            let open = Open { bucket: bucket.to_string(), creates };
            match opener.call(open).timeout(left(until).min(OPEN_WITHIN)).await {
                Ok(Err(NotOpened::Failed(problem))) => why = problem,
                Ok(opened) => return opened,
                Err(problem) => why = problem.to_string(),
            }
            if left(until).is_zero() {
                break;
            }
        }
        Err(failed(why))
    }
}

/// For servers, which ask it as any store on several machines.
#[async_trait]
impl RemoteStore for ClusterStore {
    async fn create(&self, bucket: &str) -> Result<(), RemoteStoreError> {
        Ok(self.create(bucket).await?)
    }

    async fn contains(&self, bucket: &str) -> Result<bool, RemoteStoreError> {
        Ok(self.contains(bucket).await?)
    }

    async fn apply_each(
        &self,
        bucket: &str,
        operations: Vec<Operation>,
    ) -> Result<Vec<Result<OperationResult, OperationError>>, RemoteStoreError> {
        Ok(self.apply_each(bucket, operations).await?)
    }

    async fn apply(
        &self,
        bucket: &str,
        operations: Vec<Operation>,
    ) -> Result<Result<Vec<OperationResult>, OperationError>, RemoteStoreError> {
        Ok(self.apply(bucket, operations).await?)
    }

    async fn compare_and_set(
        &self,
        bucket: &str,
        key: Bytes,
        expected: Option<Bytes>,
        new: Option<Bytes>,
    ) -> Result<Result<Compared, OperationError>, RemoteStoreError> {
        Ok(self.compare_and_set(bucket, key, expected, new).await?)
    }

    async fn remove(&self, bucket: &str) -> Result<(), RemoteStoreError> {
        Ok(self.remove(bucket).await?)
    }

    async fn names(&self, after: Option<&str>, limit: usize) -> Result<Vec<BucketName>, RemoteStoreError> {
        let after = after.map(BucketName::new).transpose()?;
        Ok(self.buckets(after.as_ref(), limit).await?)
    }

    async fn events(&self) -> Result<BoxStream<'static, RemoteEvent>, RemoteStoreError> {
        self.events().await.map_err(|error| RemoteStoreError::Other(error.to_string()))
    }
}

/// Whether another try may find another owner. Nothing was carried out.
fn is_passing(why: &RemoteCallError) -> bool {
    matches!(why, RemoteCallError::NoProc { .. } | RemoteCallError::NotSent { why: NotSent::Engine(_), .. })
}

/// The time from now on.
fn left(until: Instant) -> Duration {
    until.saturating_duration_since(time::now())
}

/// The supervisor of the store on this member: for linking, monitoring, inspecting.
impl AsProcess for ClusterStore {
    fn as_process(&self) -> Option<ProcessRef> {
        self.supervisor.as_process()
    }
}

impl fmt::Debug for ClusterStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterStore")
            .field("cluster", &self.cluster)
            .field("storage", &self.log)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
