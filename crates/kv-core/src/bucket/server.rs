//! The process of a bucket, and its requests.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use genserver::sys::Shown;
use genserver::{Caller, Cx, GenServer, Init, Next, Outcome, Reason};

use super::Bucket;
use super::entries::Entries;
use super::kept::{BucketStorage, Kept};
use super::snapshot::{SnapshotPage, SnapshotRequest};
use super::start_error::BucketStartError;
use super::times::Times;
use crate::BucketName;
use crate::committer::SendReply;
use crate::limits::{Account, StoreShared};
use crate::operation::{Operation, OperationError, OperationResult};

/// The server behind a [`Bucket`](crate::Bucket), with its entries.
///
/// You meet it where a bucket is used as a server, in [`genserver::sys`] for instance.
///
/// # Examples
///
/// ```
/// use genserver::sys;
/// use kv_core::Bucket;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bucket = Bucket::start().await?;
/// bucket.put("milk", "1").await?;
/// assert_eq!(sys::get_status(&bucket).await?.state, "BucketServer { keys: 1, .. }");
/// # Ok(())
/// # }
/// ```
pub struct BucketServer {
    pub(super) entries: Entries,
    // Whether every request is answered at once and no key expires: the frequent case, and the one that is to be fast.
    pub(super) is_plain: bool,
    // None for a bucket that is not in a store.
    pub(super) account: Option<Account>,
    // None if the entries are lost with the bucket. Boxed, because an empty bucket should be small.
    pub(super) kept: Option<Box<Kept>>,
}

/// The arguments of a bucket's start, made by [`Bucket::start`](crate::Bucket::start) and by a store.
#[derive(Debug, Default)]
pub struct BucketArgs(pub(crate) Option<BucketHome>);

/// The store of a bucket.
#[derive(Clone, Debug)]
pub(crate) struct BucketHome {
    pub(crate) name: BucketName,
    pub(crate) shared: Arc<StoreShared>,
    /// None if the entries are lost with the bucket.
    pub(crate) storage: Option<BucketStorage>,
}

/// A call to a bucket, made by the methods of [`Bucket`](crate::Bucket).
pub struct BucketCall(pub(super) CallKind);

pub(super) enum CallKind {
    /// A read of one value. It has an answer of its own type, because it is the most frequent call by far, and to wrap and unwrap
    /// an [`OperationResult`] would cost it a tenth.
    Get(Bytes, Caller<Option<Bytes>>),
    /// One operation, which needs no list.
    One(Operation, Caller<Stored<OperationResult>>),
    /// Several operations: all of them, or none.
    All(Vec<Operation>, Caller<Stored<Vec<OperationResult>>>),
    /// Several operations: all of them, or else each by itself.
    Each(Vec<Operation>, Caller<Vec<Stored<OperationResult>>>),
    Update(Bytes, UpdateFunction),
    Remove(Caller<Stored<()>>),
    /// A page of a snapshot. None if there is no such snapshot any more.
    Snapshot(SnapshotRequest, Caller<Option<SnapshotPage>>),
}

/// A message to a bucket with a storage, made by the bucket itself and by its registry.
pub struct BucketCast(pub(super) CastKind);

pub(super) enum CastKind {
    /// A read comes again, because what it waited for was taken back.
    Again(CallKind),
    /// A list whose changes the storage has refused: each read, to be carried out again, and the error of each change.
    Refused(Vec<Stored<Operation>>, Caller<Vec<Stored<OperationResult>>>),
    /// The bucket was created, and loads its entries.
    Created(Option<Caller<Created>>),
}

/// What the client that creates a bucket gets.
pub(crate) type Created = Result<Bucket, BucketStartError>;

/// A message of a bucket to itself: it is time to remove keys that have expired.
#[derive(Debug)]
pub struct BucketInfo(pub(super) ());

/// A result that counts once the storage has stored the change.
pub(super) type Stored<R> = Result<R, OperationError>;

/// A client's function: it changes the value, and returns a function that replies to the client.
pub(super) type UpdateFunction = Box<dyn FnOnce(&mut Option<Bytes>) -> SendReply + Send>;

impl CallKind {
    pub(super) fn update<R: Send + 'static>(
        key: Bytes,
        function: impl FnOnce(&mut Option<Bytes>) -> R + Send + 'static,
        caller: Caller<Stored<R>>,
    ) -> Self {
        let function: UpdateFunction = Box::new(move |value| {
            let answer = function(value);
            Box::new(move |stored: Stored<()>| caller.reply(stored.map(|()| answer)))
        });
        Self::Update(key, function)
    }
}

impl GenServer for BucketServer {
    type Args = BucketArgs;
    type Call = BucketCall;
    type Cast = BucketCast;
    type Info = BucketInfo;

    async fn init(BucketArgs(home): BucketArgs, cx: &mut Cx<Self>) -> Init<Self> {
        let (account, kept) = match home {
            Some(BucketHome { name, shared, storage }) => {
                shared.set_last_started(name.clone(), cx.process_ref());
                let account = Account::new(shared, name, storage.is_some());
                // The registry does not wait until a large bucket is loaded.
                (Some(account), storage.map(|storage| Box::new(Kept::unloaded(storage))))
            }
            None => (None, None),
        };
        Init::Run(Self { entries: Entries::default(), is_plain: kept.is_none(), account, kept })
    }

    async fn handle_call(&mut self, BucketCall(call): BucketCall, cx: &mut Cx<Self>) -> Outcome<Self> {
        match (call, self.is_plain) {
            // The most frequent call, and there is nothing to wait for and nothing to look at.
            (CallKind::Get(key, caller), true) => Next::reply(caller, self.entries.get_plain(&key).cloned()),
            (call, true) => self.carry_out(call, cx),
            (call, false) if self.kept.is_none() => self.carry_out_in_time(call, cx),
            // Boxed, so that the future of the frequent calls stays small.
            (call, false) => Box::pin(self.carry_out_kept(call, cx)).await,
        }
    }

    async fn handle_cast(&mut self, BucketCast(cast): BucketCast, cx: &mut Cx<Self>) -> Outcome<Self> {
        match cast {
            CastKind::Again(call) => self.carry_out_kept(call, cx).await,
            CastKind::Refused(answers, caller) => self.answer_refused(answers, caller, cx).await,
            CastKind::Created(creator) => self.welcome(creator, cx).await,
        }
    }

    async fn handle_info(&mut self, BucketInfo(()): BucketInfo, cx: &mut Cx<Self>) -> Outcome<Self> {
        self.sweep(cx).await
    }

    fn format_status(&self, shown: &mut Shown) {
        shown.set_state(self);
    }
}

/// Without a storage: every request is answered at once.
impl BucketServer {
    pub(super) fn carry_out(&mut self, call: CallKind, cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            CallKind::Get(key, caller) => Next::reply(caller, self.entries.get(&key).cloned()),
            CallKind::One(operation, caller) => match self.admit(std::slice::from_ref(&operation)) {
                Ok(()) => {
                    let result = self.apply(operation, cx);
                    self.settle();
                    Next::reply(caller, Ok(result))
                }
                Err(refused) => Next::reply(caller, Err(refused.into())),
            },
            CallKind::All(operations, caller) => {
                let results = self.apply_all(operations, cx);
                Next::reply(caller, results.map_err(OperationError::from))
            }
            CallKind::Each(operations, caller) => {
                let results = self.apply_each(operations, cx);
                Next::reply(caller, results)
            }
            CallKind::Update(key, function) => {
                if let Some(send_reply) = self.update(key, function) {
                    send_reply(Ok(()));
                }
                Next::wait()
            }
            CallKind::Remove(caller) => Next::stop_reply(Reason::Normal, caller, Ok(())),
            CallKind::Snapshot(request, caller) => {
                Next::reply(caller, self.entries.snapshot(&request, std::iter::empty()))
            }
        }
    }
}

/// Only the number of keys: there may be many, and they may be private.
impl fmt::Debug for BucketServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("BucketServer");
        shown.field("keys", &self.entries.len());
        // They are to be removed.
        if let Some(expired) = self.entries.times().map(Times::due).filter(|expired| *expired > 0) {
            shown.field("expired", &expired);
        }
        shown.finish_non_exhaustive()
    }
}

impl CallKind {
    /// Its name, for `Debug`.
    fn name(&self) -> &'static str {
        match self {
            Self::Get(..) => "Get",
            Self::One(operation, _) => operation.name(),
            Self::All(..) => "Apply",
            Self::Each(..) => "ApplyEach",
            Self::Update(..) => "Update",
            Self::Remove(_) => "Remove",
            Self::Snapshot(..) => "Snapshot",
        }
    }
}

impl fmt::Debug for BucketCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl fmt::Debug for BucketCast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            CastKind::Again(call) => call.name(),
            CastKind::Refused(..) => "Refused",
            CastKind::Created(_) => "Created",
        })
    }
}
