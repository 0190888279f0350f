//! The owner of a bucket: a server with a name in the cluster, which has the bucket in the store of its member.
//!
//! # Rules
//!
//! - O1: An owner has the name before its bucket is loaded. One that an owner before it has left on this member has ended by then.
//! - O2: A bucket is loaded once for each owner. When it would have to be loaded again, it ends, and its owner with it.
//! - O3: An owner says `None` if nothing of a request was carried out, and another owner may be asked. If it does not know, it does
//!   not answer.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use genserver::task::Task;
use genserver::{CallError, Caller, Cx, Exit, GenServer, Init, Never, Next, Outcome, ProcessRef, Reason};
use genserver_cluster::{Clustered, Messages, Remote};
use kv_core::{
    Bucket, BucketName, CompareAndSetError, Compared, Operation, OperationError, RemoteEvent, StorageError,
    StorageErrorKind, Store, WriteError,
};

use crate::events::Events;
use crate::grants::Grants;
use crate::messages::{
    Applied, AppliedAll, Apply, ApplyAll, CompareAndSet, CompareAndSetDone, Remove, Removed, SentCompared, SentError,
    SentResult, VERSION,
};
use crate::storage::LogStorage;

/// How long a bucket may go on with what it was asked when its owner is told to end.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// How long an owner that is asked nothing goes on: a name costs the engine three changes within its time to live.
const IDLE_MAX: Duration = Duration::from_mins(10);

/// The name of the owner of a bucket in the cluster.
pub(crate) fn name_of(bucket: &BucketName) -> String {
    format!("bucket/{bucket}")
}

/// The owner of a bucket.
pub(crate) struct BucketOwner {
    bucket: Bucket,
    name: BucketName,
    log: Arc<LogStorage>,
    events: Events,
}

/// What an owner is started with.
pub(crate) struct OwnerArgs {
    pub(crate) bucket: BucketName,
    /// Whether the bucket is created if it is not there.
    pub(crate) creates: bool,
    pub(crate) log: Arc<LogStorage>,
    pub(crate) store: Store,
    pub(crate) grants: Arc<Grants>,
    pub(crate) events: Events,
}

pub(crate) enum OwnerCall {
    Apply(Apply, Caller<Applied>),
    ApplyAll(ApplyAll, Caller<AppliedAll>),
    CompareAndSet(CompareAndSet, Caller<CompareAndSetDone>),
    Remove(Caller<Removed>),
}

impl Remote<Apply> for BucketOwner {
    type Reply = Applied;

    fn local(apply: Apply, caller: Caller<Applied>) -> OwnerCall {
        OwnerCall::Apply(apply, caller)
    }
}

impl Remote<ApplyAll> for BucketOwner {
    type Reply = AppliedAll;

    fn local(apply: ApplyAll, caller: Caller<AppliedAll>) -> OwnerCall {
        OwnerCall::ApplyAll(apply, caller)
    }
}

impl Remote<CompareAndSet> for BucketOwner {
    type Reply = CompareAndSetDone;

    fn local(compare: CompareAndSet, caller: Caller<CompareAndSetDone>) -> OwnerCall {
        OwnerCall::CompareAndSet(compare, caller)
    }
}

impl Remote<Remove> for BucketOwner {
    type Reply = Removed;

    fn local(Remove: Remove, caller: Caller<Removed>) -> OwnerCall {
        OwnerCall::Remove(caller)
    }
}

impl Clustered for BucketOwner {
    fn messages() -> Messages<Self> {
        let messages = Messages::new("kv.bucket", VERSION).call::<Apply>("apply").call::<ApplyAll>("apply_all");
        messages.call::<CompareAndSet>("compare_and_set").call::<Remove>("remove")
    }
}

impl OwnerArgs {
    /// Loads the bucket (O1).
    async fn load(&self) -> Result<Bucket, Reason> {
        self.end_bucket().await;
        // A name may be left of a bucket that is gone: then its log decides whether there is one.
        if !self.creates && !self.log.contains(&self.bucket).await? {
            return Err(Reason::Shutdown);
        }
        let grant = self.grants.give(self.bucket.clone(), self.creates);
        let loaded = self.store.create(&self.bucket).await;
        if loaded.is_err() {
            // It may load all the same, and has no owner.
            self.end_bucket().await;
        }
        let bucket = loaded?;
        if grant.has_made() {
            self.events.tell(RemoteEvent::Created(self.bucket.clone())).await;
        }
        Ok(bucket)
    }

    /// Ends the bucket, if it is there.
    async fn end_bucket(&self) {
        if let Some(bucket) = self.store.lookup(&self.bucket) {
            bucket.process_ref().exit(Reason::Shutdown);
            bucket.ended().await;
        }
    }
}

impl GenServer for BucketOwner {
    type Args = OwnerArgs;
    type Call = OwnerCall;
    type Cast = Never;
    type Info = Exit;

    async fn init(args: OwnerArgs, cx: &mut Cx<Self>) -> Init<Self> {
        cx.trap_exits(|exit| exit);
        match args.load().await {
            Ok(bucket) => {
                // If it has ended by now, its exit says so.
                let _ = cx.link(&bucket);
                let OwnerArgs { bucket: name, log, events, .. } = args;
                Init::RunIdle(Self { bucket, name, log, events }, IDLE_MAX)
            }
            Err(reason) => Init::Fail(reason),
        }
    }

    async fn handle_call(&mut self, call: OwnerCall, cx: &mut Cx<Self>) -> Outcome<Self> {
        let (bucket, owner) = (self.bucket.clone(), cx.process_ref());
        match call {
            OwnerCall::Apply(Apply(operations), caller) => {
                let operations = operations.into_iter().map(|sent| sent.0).collect();
                answer(apply(bucket, operations), caller, owner)?;
            }
            OwnerCall::ApplyAll(apply, caller) => answer(apply_all(bucket, apply), caller, owner)?,
            OwnerCall::CompareAndSet(compare, caller) => answer(compare_and_set(bucket, compare), caller, owner)?,
            OwnerCall::Remove(caller) => {
                let (name, events) = (self.name.clone(), self.events.clone());
                let removing = async move {
                    let removed = remove(bucket).await;
                    if matches!(removed, Carried::Done(Ok(()))) {
                        events.tell(RemoteEvent::Removed(name)).await;
                    }
                    removed
                };
                answer(removing, caller, owner)?;
            }
        }
        Next::idle(IDLE_MAX)
    }

    /// Nobody has asked for the bucket for long. The next request finds another owner.
    async fn handle_idle(&mut self, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::stop(Reason::Normal)
    }

    /// The bucket has ended, or the name is lost.
    async fn handle_info(&mut self, exit: Exit, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::stop(exit.reason)
    }

    async fn terminate(&mut self, reason: &Reason, _cx: &mut Cx<Self>) {
        if *reason != Reason::NoConnection {
            let _ = self.bucket.stop().timeout(STOP_WITHIN).await;
        }
        // With this reason it is not started again.
        self.bucket.process_ref().exit(Reason::Shutdown);
        self.log.forget(&self.name);
    }
}

/// What came of a request to a bucket.
enum Carried<R> {
    Done(R),
    /// Nothing was carried out, and the bucket does not own its entries any more.
    Over,
    /// Nobody knows.
    Unknown,
}

/// Answers the caller as soon as the bucket has. Requests reach the bucket in the order of the calls, and none waits here.
fn answer<R: Send + 'static>(
    work: impl Future<Output = Carried<R>> + Send + 'static,
    caller: Caller<Option<R>>,
    owner: ProcessRef,
) -> Result<(), Reason> {
    let mut work = Box::pin(work);
    if let Some(carried) = (&mut work).now_or_never() {
        settle(carried, caller, &owner);
    } else {
        // At most as many as callers wait.
        Task::start(async move { settle(work.await, caller, &owner) })?;
    }
    Ok(())
}

/// By O3.
fn settle<R: Send + 'static>(carried: Carried<R>, caller: Caller<Option<R>>, owner: &ProcessRef) {
    match carried {
        Carried::Done(answer) => caller.reply(Some(answer)),
        Carried::Over => {
            caller.reply(None);
            // By O2.
            owner.exit(Reason::Shutdown);
        }
        Carried::Unknown => drop(caller),
    }
}

async fn apply(bucket: Bucket, operations: Vec<Operation>) -> Carried<Vec<Result<SentResult, SentError>>> {
    let results = match <[Operation; 1]>::try_from(operations) {
        // Why a single change was refused the bucket tells, even if it ends then. Of a list it does not.
        Ok([operation]) => split(bucket.apply_one(operation).await).map(|result| vec![result]),
        Err(operations) => bucket.apply_each(operations).await,
    };
    match results {
        // The storage makes all changes of a list, or none.
        Ok(results) if results.iter().any(is_not_owner) => Carried::Over,
        Ok(results) => {
            Carried::Done(results.into_iter().map(|result| result.map(SentResult).map_err(SentError::from)).collect())
        }
        Err(error) => not_carried(&error),
    }
}

async fn apply_all(bucket: Bucket, apply: ApplyAll) -> Carried<Result<Vec<SentResult>, SentError>> {
    match split(bucket.apply(apply.0.into_iter().map(|sent| sent.0).collect()).await) {
        Ok(results) if is_not_owner(&results) => Carried::Over,
        Ok(results) => {
            Carried::Done(results.map(|all| all.into_iter().map(SentResult).collect()).map_err(SentError::from))
        }
        Err(error) => not_carried(&error),
    }
}

async fn compare_and_set(bucket: Bucket, compare: CompareAndSet) -> Carried<Result<SentCompared, SentError>> {
    let CompareAndSet { key, expected, new } = compare;
    let compared = match bucket.compare_and_set(key, expected, new).await {
        Ok(()) => return Carried::Done(Ok(SentCompared(Compared::Set))),
        Err(CompareAndSetError::Differs { found }) => {
            return Carried::Done(Ok(SentCompared(Compared::Differs { found })));
        }
        Err(CompareAndSetError::Write(error)) => split::<()>(Err(error)),
        Err(other) => Ok(Err(StorageError::new(other).into())),
    };
    match compared {
        Ok(refused) if is_not_owner(&refused) => Carried::Over,
        Ok(refused) => Carried::Done(refused.map(|()| SentCompared(Compared::Set)).map_err(SentError::from)),
        Err(error) => not_carried(&error),
    }
}

async fn remove(bucket: Bucket) -> Carried<Result<(), SentError>> {
    match split(bucket.remove().await) {
        Ok(removed) if is_not_owner(&removed) => Carried::Over,
        Ok(Err(OperationError::Storage(error))) if error.kind() == StorageErrorKind::Unanswered => Carried::Unknown,
        Ok(removed) => Carried::Done(removed.map_err(SentError::from)),
        Err(error) => not_carried(&error),
    }
}

/// What an answer of the bucket is, and that it has none.
fn split<R>(result: Result<R, WriteError>) -> Result<Result<R, OperationError>, CallError> {
    match result {
        Ok(result) => Ok(Ok(result)),
        Err(WriteError::Call(error)) => Err(error),
        Err(WriteError::Storage(error)) => Ok(Err(error.into())),
        Err(WriteError::Limit(error)) => Ok(Err(error.into())),
        Err(other) => Ok(Err(StorageError::new(other).into())),
    }
}

fn is_not_owner<R>(result: &Result<R, OperationError>) -> bool {
    matches!(result, Err(OperationError::Storage(error)) if error.kind() == StorageErrorKind::NotOwner)
}

fn not_carried<R>(error: &CallError) -> Carried<R> {
    if matches!(error, CallError::NoProc { .. }) { Carried::Over } else { Carried::Unknown }
}
