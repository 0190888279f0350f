//! The requests of a bucket with a storage: who is answered at once, and who waits for the committer.

use genserver::{Caller, Cx, Next, Outcome, Reason, ServerRef};

use super::Bucket;
use super::kept::{Kept, Standing};
use super::server::{BucketCast, BucketServer, CallKind, CastKind, Created, Stored};
use super::start_error::BucketStartError;
use crate::committer::SendReply;
use crate::operation::{Operation, OperationError, OperationResult};
use crate::storage::{StorageError, StorageErrorKind};

impl BucketServer {
    /// Carries out a request. Changes, and reads of what is on its way to the storage, are answered by the committer.
    pub(super) async fn carry_out_kept(&mut self, call: CallKind, cx: &mut Cx<Self>) -> Outcome<Self> {
        self.look(cx).await?;
        // After the look, which may bring back keys that have expired.
        self.advance(cx);
        let outcome = self.request(call, cx).await;
        self.set_sweep(cx);
        outcome
    }

    async fn request(&mut self, call: CallKind, cx: &mut Cx<Self>) -> Outcome<Self> {
        let this = cx.this();
        match call {
            CallKind::Get(key, caller) => {
                let value = self.entries.get(&key).cloned();
                if !self.kept().is_on_its_way(&key) {
                    return Next::reply(caller, value);
                }
                self.send(Box::new(move |stored| match stored {
                    Ok(()) => caller.reply(value),
                    Err(_) => again(&this, CastKind::Again(CallKind::Get(key, caller))),
                }))
                .await;
            }
            CallKind::One(operation, caller) => {
                // What it takes to carry it out again. A put always changes something, and so it is never repeated.
                let repeated = if let Operation::Put(..) = operation { None } else { Some(operation.clone()) };
                if let Err(refused) = self.admit(std::slice::from_ref(&operation)) {
                    return Next::reply(caller, Err(refused.into()));
                }
                let result = self.apply(operation, cx);
                self.settle();
                if self.kept().has_changed() {
                    self.send(Box::new(move |stored| caller.reply(stored.map(|()| result)))).await;
                } else if let Some(repeated) = repeated.filter(|repeated| self.shows_what_is_on_its_way(repeated)) {
                    self.send(Box::new(move |stored| match stored {
                        Ok(()) => caller.reply(Ok(result)),
                        Err(_) => again(&this, CastKind::Again(CallKind::One(repeated, caller))),
                    }))
                    .await;
                } else {
                    return Next::reply(caller, Ok(result));
                }
            }
            CallKind::All(operations, caller) => {
                let is_shown = operations.iter().any(|operation| self.shows_what_is_on_its_way(operation));
                let results = match self.apply_all(operations, cx) {
                    Ok(results) => results,
                    Err(refused) => return Next::reply(caller, Err(refused.into())),
                };
                self.send_if(is_shown, Box::new(move |stored| caller.reply(stored.map(|()| results)))).await;
            }
            CallKind::Each(operations, caller) => self.each(operations, caller, cx).await,
            CallKind::Update(key, function) => {
                let is_shown = self.kept().is_on_its_way(&key);
                if let Some(send_reply) = self.update(key, function) {
                    self.send_if(is_shown, send_reply).await;
                }
            }
            CallKind::Snapshot(request, caller) => {
                // What is on its way is not in it (K1), and nobody waits (K2).
                let kept = self.kept.as_ref().expect("only a bucket with a storage comes here");
                return Next::reply(caller, self.entries.snapshot(&request, kept.committed()));
            }
            CallKind::Remove(caller) => {
                return match self.remove().await {
                    Ok(()) => Next::stop_reply(Reason::Normal, caller, Ok(())),
                    // It may be forgotten or not, and the next bucket finds out.
                    Err(error) if error.kind() == StorageErrorKind::Unanswered => Next::stop(error),
                    Err(error) => Next::reply(caller, Err(error.into())),
                };
            }
        }
        Next::wait()
    }

    /// Carries out a list, each operation by itself. The storage stores all of its changes or none.
    async fn each(
        &mut self,
        operations: Vec<Operation>,
        caller: Caller<Vec<Stored<OperationResult>>>,
        cx: &mut Cx<Self>,
    ) {
        let is_shown = operations.iter().any(|operation| self.shows_what_is_on_its_way(operation));
        let repeated = operations.clone();
        let results = self.apply_each(operations, cx);
        let this = cx.this();
        let reply = move |stored| match stored {
            Ok(()) => caller.reply(results),
            Err(error) => again(&this, CastKind::Refused(refused(repeated, results, &error), caller)),
        };
        self.send_if(is_shown, Box::new(reply)).await;
    }

    /// Has the storage forget the bucket, so that the next one of its name is a new one to the limits of the store.
    async fn remove(&mut self) -> Result<(), StorageError> {
        self.kept().remove().await?;
        if let Some(account) = &mut self.account {
            account.is_kept = false;
        }
        Ok(())
    }

    /// Answers a list whose changes the storage has refused: each change with its error, and each read with what is there.
    pub(super) async fn answer_refused(
        &mut self,
        answers: Vec<Stored<Operation>>,
        caller: Caller<Vec<Stored<OperationResult>>>,
        cx: &mut Cx<Self>,
    ) -> Outcome<Self> {
        if let Err(error) = self.look(cx).await {
            return Next::stop(error);
        }
        self.advance(cx);
        let is_shown = answers.iter().flatten().any(|read| self.shows_what_is_on_its_way(read));
        let results = answers.iter().cloned().map(|answer| answer.map(|read| self.apply(read, cx))).collect();
        let this = cx.this();
        let each = move |stored| match stored {
            Ok(()) => caller.reply(results),
            Err(_) => again(&this, CastKind::Refused(answers, caller)),
        };
        self.send_if(is_shown, Box::new(each)).await;
        Next::wait()
    }

    /// Answers the client that has created the bucket, as soon as its entries are loaded.
    pub(super) async fn welcome(&mut self, creator: Option<Caller<Created>>, cx: &mut Cx<Self>) -> Outcome<Self> {
        match (self.look(cx).await, creator) {
            (Ok(()), Some(creator)) => Next::reply(creator, Ok(Bucket::from(cx.this()))),
            (Ok(()), None) => Next::wait(),
            (Err(error), Some(creator)) => {
                Next::stop_reply(error.clone(), creator, Err(BucketStartError::Storage(error)))
            }
            (Err(error), None) => Next::stop(error),
        }
    }

    /// Learns what has become of the changes on their way, if there is a storage, and loads the entries if nobody knows.
    pub(super) async fn look(&mut self, cx: &mut Cx<Self>) -> Result<(), StorageError> {
        let Some(kept) = self.kept.as_mut() else { return Ok(()) };
        if let Standing::Unknown = kept.look(&mut self.entries) {
            let entries = kept.load().await?;
            self.cancel_sweep(cx);
            self.entries = entries;
            self.set_sweep(cx);
            if let Some(account) = &mut self.account {
                account.is_kept = true;
            }
        }
        // What is in the storage is there, so it counts, and is not refused.
        self.settle();
        Ok(())
    }

    fn kept(&mut self) -> &mut Kept {
        self.kept.as_mut().expect("only a bucket with a storage comes here")
    }

    /// Whether the result of an operation may have in it what is not committed yet (rule K1).
    fn shows_what_is_on_its_way(&mut self, operation: &Operation) -> bool {
        match operation {
            Operation::Get(key)
            | Operation::Put(key, _)
            | Operation::Replace(key, _)
            | Operation::PutNew(key, _)
            | Operation::Add(key, _)
            | Operation::Delete(key)
            | Operation::Expire(key, _)
            | Operation::ExpireIf(key, ..)
            | Operation::Persist(key)
            | Operation::TimeToLive(key) => self.kept().is_on_its_way(key),
            Operation::Keys(_) | Operation::Entries(_) | Operation::Len | Operation::Clear => {
                self.kept().is_any_on_its_way()
            }
        }
    }

    pub(super) async fn send(&mut self, send_reply: SendReply) {
        let kept = self.kept.as_mut().expect("only a bucket with a storage comes here");
        if let Some(account) = self.account.as_mut().filter(|_| kept.has_changed()) {
            account.count_commit();
        }
        kept.send(&mut self.entries, send_reply).await;
        // If it could not be sent, it was taken back.
        self.settle();
    }

    /// Replies at once if nothing was changed and nothing on its way is shown.
    async fn send_if(&mut self, is_shown: bool, send_reply: SendReply) {
        if is_shown || self.kept().has_changed() {
            self.send(send_reply).await;
        } else {
            send_reply(Ok(()));
        }
    }
}

/// What is to be answered to a list whose changes the storage has refused. A limit has refused some of them before.
fn refused(
    operations: Vec<Operation>,
    results: Vec<Stored<OperationResult>>,
    error: &OperationError,
) -> Vec<Stored<Operation>> {
    let each = |(operation, result): (Operation, Stored<_>)| match result {
        Ok(_) if operation.is_read() => Ok(operation),
        Ok(_) => Err(error.clone()),
        Err(limit) => Err(limit),
    };
    operations.into_iter().zip(results).map(each).collect()
}

/// Has the bucket read again, after what the read waited for was taken back.
fn again(bucket: &ServerRef<BucketServer>, cast: CastKind) {
    // If there is no space or the bucket has ended, the client is told so when its request is dropped.
    let _ = bucket.cast(BucketCast(cast));
}
