//! Who asks the engine for a lease: carries out what a [`Lease`] says, and reads the clock for it.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures::future::{Either, select};
use genserver::time;
use parking_lot::Mutex;

use crate::engine::{ChangeError, EngineError, Entry, Revision};
use crate::name::error::StartNamedError;
use crate::name::lease::{Answer, Ask, End, Lease, Seen, Times, Whose};
use crate::name::owner_record::OwnerRecord;
use crate::space::Space;

/// A lease, and what is needed to ask for it. All processes of a name share it.
pub(crate) struct LeaseClient {
    space: Space,
    name: Arc<str>,
    /// Who it is, without a fence.
    record: OwnerRecord,
    /// Not held while anything is awaited.
    lease: Mutex<Lease>,
}

/// What a step has come to.
enum Step {
    /// The engine was asked, and has answered or not.
    Asked,
    /// There is nothing to ask before this time.
    Wait(Instant),
    /// There is nothing to ask any more.
    Over,
}

impl LeaseClient {
    /// Wants a name. Nothing is asked before [`claim`](Self::claim).
    pub(crate) fn new(space: Space, name: Arc<str>, record: OwnerRecord) -> Self {
        let lease = Lease::claim(record.times(), time::now());
        Self { space, name, record, lease: Mutex::new(lease) }
    }

    pub(crate) fn space(&self) -> &Space {
        &self.space
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn times(&self) -> Times {
        self.record.times()
    }

    /// Whether the name may be served now.
    pub(crate) fn may_serve(&self) -> bool {
        self.lease.lock().may_serve(time::now())
    }

    /// Claims the name. Returns the fence.
    pub(crate) async fn claim(&self) -> Result<Revision, StartNamedError> {
        loop {
            let fence = self.lease.lock().fence();
            if let Some(fence) = fence {
                return Ok(fence);
            }
            match self.step().await {
                Step::Asked => {}
                Step::Wait(until) => time::sleep_until(until).await,
                Step::Over => return Err(self.not_claimed()),
            }
        }
    }

    fn not_claimed(&self) -> StartNamedError {
        let name = Arc::clone(&self.name);
        match self.lease.lock().end() {
            Some(End::Owned(member)) => StartNamedError::AlreadyStarted { name, member: Arc::clone(member) },
            Some(End::NotClaimed(why)) => StartNamedError::Engine { name, why: why.clone() },
            _ => StartNamedError::Lost { name },
        }
    }

    /// Renews the lease, and returns when it is over: never later than it may be served, whatever the engine does.
    pub(crate) async fn keep(&self) {
        loop {
            let until = self.lease.lock().serves_until();
            let Some(until) = until else { return };
            let step = Box::pin(self.step());
            match select(step, time::sleep_until(until)).await {
                Either::Left((Step::Wait(next), _)) => time::sleep_until(next.min(until)).await,
                Either::Left((Step::Over, _)) => return,
                // If the time is up, the next step says that it is over.
                Either::Left((Step::Asked, _)) | Either::Right(_) => {}
            }
        }
    }

    /// Gives the name back, as far as the engine answers. The server must have ended.
    pub(crate) async fn give_back(&self) {
        self.lease.lock().release(time::now());
        loop {
            match self.step().await {
                Step::Asked => {}
                Step::Wait(until) => time::sleep_until(until).await,
                Step::Over => return,
            }
        }
    }

    async fn step(&self) -> Step {
        let ask = self.lease.lock().next(time::now());
        let answer = match ask {
            Ask::Create => Answer::Changed(self.create().await),
            Ask::Update { last, fence } => Answer::Changed(self.update(last, fence).await),
            Ask::Delete { last } => Answer::Deleted(self.delete(last).await),
            Ask::Read => Answer::Read(self.read().await),
            Ask::Wait(until) => return Step::Wait(until),
            Ask::Nothing => return Step::Over,
        };
        self.lease.lock().answered(answer, time::now());
        Step::Asked
    }

    async fn create(&self) -> Result<Revision, ChangeError> {
        let (key, value) = (self.space.name_key(&self.name), self.value(None)?);
        let create = self.space.engine.create(&key, value, self.times().time_to_live);
        self.change(create).await
    }

    async fn update(&self, last: Revision, fence: Option<Revision>) -> Result<Revision, ChangeError> {
        let (key, value) = (self.space.name_key(&self.name), self.value(fence)?);
        let update = self.space.engine.update(&key, value, self.times().time_to_live, last);
        self.change(update).await
    }

    async fn delete(&self, last: Revision) -> Result<(), ChangeError> {
        let key = self.space.name_key(&self.name);
        self.change(self.space.engine.delete(&key, last)).await
    }

    async fn read(&self) -> Result<Option<Seen>, EngineError> {
        let key = self.space.name_key(&self.name);
        let read = time::timeout(self.times().patience(), self.space.engine.get(&key)).await;
        let entry = read.unwrap_or(Err(EngineError::Unanswered))?;
        Ok(entry.map(|entry| self.seen(&entry)))
    }

    /// What is not answered in time may have been done.
    async fn change<T>(&self, change: impl Future<Output = Result<T, ChangeError>>) -> Result<T, ChangeError> {
        let changed = time::timeout(self.times().patience(), change).await;
        changed.unwrap_or_else(|_elapsed| Err(EngineError::Unanswered.into()))
    }

    fn value(&self, fence: Option<Revision>) -> Result<Bytes, EngineError> {
        let record = OwnerRecord { fence: fence.map(|fence| fence.0), ..self.record.clone() };
        record.encoded().map_err(|why| EngineError::Refused(format!("the value of a key cannot be written: {why:?}")))
    }

    fn seen(&self, entry: &Entry) -> Seen {
        let revision = entry.revision;
        let Some(record) = OwnerRecord::read(entry) else {
            return Seen { revision, fence: revision, whose: Whose::Others("unknown".into()) };
        };
        let whose = if record.is_of(&self.record) {
            Whose::Ours
        } else if record.is_of_member(&self.record) {
            // By M2 of `member`, nothing of it is alive.
            Whose::Abandoned
        } else {
            Whose::Others(record.member.as_str().into())
        };
        Seen { revision, fence: record.fence_of(entry), whose }
    }
}
