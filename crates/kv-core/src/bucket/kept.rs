//! What a bucket knows of its storage: which of its changes are still on their way, and what was there before them.
//!
//! The bucket goes on while its changes are being committed. Rules:
//!
//! - K1: nobody is answered with what could still be lost. A read of a key with a change on its way is answered when that
//!   change is committed; reads of other keys are answered at once.
//! - K2: the changes on their way, taken back in reverse order, give what is committed.
//! - K3: before each message the bucket looks at its [`Progress`]. If a commit has failed, it takes back what is on its way.
//! - K4: if the committer has ended with changes on their way, nobody knows whether they are committed. The bucket loads its
//!   entries again, which also makes the storage refuse what may still come of them. So it does if the storage says that it does not
//!   know.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};
use std::sync::Arc;

use bytes::Bytes;
use genserver::ServerRef;

use super::entries::{Entries, Held, Secret};
use crate::BucketName;
use crate::committer::{CommitterInfo, CommitterRef, CommitterServer, Progress, Request, SendReply};
use crate::expiry::Millis;
use crate::key_event::{KeyEvent, KeyEventBatch, KeyEventOutlet};
use crate::storage::{Entry, Fence, Storage, StorageChange, StorageError, StorageErrorKind};

/// Where one bucket gets its entries from, and where its changes go.
#[derive(Clone)]
pub(crate) struct BucketStorage {
    pub(crate) bucket: BucketName,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) committer: CommitterRef,
}

/// A bucket's side of its storage.
pub(super) struct Kept {
    from: BucketStorage,
    // The committer that has the changes on their way.
    committer: Option<ServerRef<CommitterServer>>,
    fence: Fence,
    progress: Arc<Progress>,
    // It begins with 1. 0 if the entries are not loaded yet.
    round: u64,
    // The number of the last commit that was sent.
    sent: u64,
    // What the current request has changed, in the order of the changes.
    changed: Vec<Changed>,
    // The events of these changes, if anybody listens.
    events: Option<Box<KeyEventBatch>>,
    // Commits on their way, oldest first.
    on_their_way: VecDeque<OnItsWay>,
    // The last commit on its way that changes a key with this hash. A key that shares its hash with another waits for that one's
    // commit, too, and costs no copy here.
    last_change: HashMap<u64, u64, BuildHasherDefault<HashItself>>,
}

/// A change of one key.
struct Changed {
    key: Bytes,
    hash: u64,
    before: Option<Held>,
    /// `None` once it was sent.
    after: Option<Held>,
}

struct OnItsWay {
    number: u64,
    changed: Vec<Changed>,
}

/// The hash of a hash.
#[derive(Default)]
struct HashItself(u64);

impl Hasher for HashItself {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _bytes: &[u8]) {
        unreachable!("only hashes are hashed");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// Whether a bucket's entries are what its clients may be told.
pub(super) enum Standing {
    Known,
    /// They have to be loaded: for the first time, or again (K4).
    Unknown,
}

impl Kept {
    /// Of a bucket whose entries are not loaded yet: the first message loads them.
    pub(super) fn unloaded(from: BucketStorage) -> Self {
        Self {
            from,
            committer: None,
            fence: Fence::new(0),
            progress: Arc::default(),
            round: 0,
            sent: 0,
            changed: Vec::new(),
            events: None,
            on_their_way: VecDeque::new(),
            last_change: HashMap::default(),
        }
    }

    /// Loads the entries, and forgets what was on its way.
    pub(super) async fn load(&mut self) -> Result<Entries, StorageError> {
        let loaded = self.from.storage.load(&self.from.bucket).await.inspect_err(|error| self.tell_of(error))?;
        *self = Self { fence: loaded.fence, round: 1, ..Self::unloaded(self.from.clone()) };
        let held =
            |entry: Entry| (entry.key, Held { value: entry.value, expires: entry.expires.map(Millis::not_before) });
        Ok(loaded.entries.into_iter().map(held).collect())
    }

    /// Tells the committer, which judges the storage. While there is none, nobody can commit anyway.
    fn tell_of(&self, error: &StorageError) {
        if let Ok(committer) = self.from.committer.current() {
            // If its mailbox is full, it has work to judge the storage by.
            let _ = committer.send(CommitterInfo::NotLoaded(error.clone()));
        }
    }

    /// Learns how far the commits have come (K3).
    #[inline]
    pub(super) fn look(&mut self, entries: &mut Entries) -> Standing {
        if self.round > 0 && self.on_their_way.is_empty() { Standing::Known } else { self.look_closely(entries) }
    }

    fn look_closely(&mut self, entries: &mut Entries) -> Standing {
        if self.round == 0 {
            return Standing::Unknown;
        }
        let (committed, broken) = self.progress.look(self.round);
        while let Some(commit) = self.on_their_way.pop_front_if(|commit| commit.number <= committed) {
            // When the last is committed, all are forgotten at once.
            if self.on_their_way.is_empty() {
                break;
            }
            for Changed { hash, .. } in &commit.changed {
                if self.last_change.get(hash) == Some(&commit.number) {
                    self.last_change.remove(hash);
                }
            }
        }
        if self.on_their_way.is_empty() {
            // A bucket at rest does not keep the space of its busiest time.
            self.last_change = HashMap::default();
        }
        match broken {
            Some(error) if matches!(error.kind(), StorageErrorKind::NotOwner | StorageErrorKind::Unanswered) => {
                return Standing::Unknown;
            }
            Some(_) => self.take_back(entries),
            None => {}
        }
        let has_ended = self.committer.as_ref().is_none_or(|committer| !committer.is_alive());
        if has_ended && !self.on_their_way.is_empty() { Standing::Unknown } else { Standing::Known }
    }

    /// Gives the keys on their way the values that are committed (K2).
    fn take_back(&mut self, entries: &mut Entries) {
        for commit in self.on_their_way.drain(..).rev() {
            undo(commit.changed, entries);
        }
        self.last_change.clear();
        self.round += 1;
    }

    /// What is committed of the keys on their way. The first of several for one key counts (K2).
    pub(super) fn committed(&self) -> impl Iterator<Item = (&Bytes, Option<&Held>)> {
        let changed = self.on_their_way.iter().flat_map(|commit| &commit.changed);
        changed.map(|Changed { key, before, .. }| (key, before.as_ref()))
    }

    /// Remembers what a key had before a change, and what it has now.
    pub(super) fn note(&mut self, key: Bytes, before: Option<Held>, after: Option<Held>) {
        if self.changed.is_empty() {
            // Most requests change one key.
            self.changed.reserve_exact(1);
        }
        let hash = hash(&key);
        self.changed.push(Changed { key, hash, before, after });
    }

    /// Keeps an event of the current request for when it is committed.
    pub(super) fn tell(&mut self, outlet: &Arc<KeyEventOutlet>, event: KeyEvent) {
        let batch = || Box::new(KeyEventBatch { outlet: Arc::clone(outlet), events: Vec::new() });
        self.events.get_or_insert_with(batch).events.push(event);
    }

    /// Whether the current request has changed anything.
    pub(super) fn has_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Whether a change of this key is on its way (K1).
    #[inline]
    pub(super) fn is_on_its_way(&self, key: &[u8]) -> bool {
        !self.on_their_way.is_empty() && self.last_change.contains_key(&hash(key))
    }

    /// Whether any change is.
    pub(super) fn is_any_on_its_way(&self) -> bool {
        !self.on_their_way.is_empty()
    }

    /// Sends what the current request has changed, if anything, to the committer. `send_reply` is called when that and all before
    /// it are committed, or one is not; if it cannot be sent, at once.
    pub(super) async fn send(&mut self, entries: &mut Entries, send_reply: SendReply) {
        let mut changed = std::mem::take(&mut self.changed);
        let events = self.events.take();
        let committer = match self.find_committer().await {
            Ok(committer) => committer,
            Err(error) => return give_up(changed, entries, send_reply, error),
        };
        let number = if changed.is_empty() { self.sent } else { self.sent + 1 };
        let request = Request {
            bucket: self.from.bucket.clone(),
            fence: self.fence,
            progress: Arc::clone(&self.progress),
            round: self.round,
            number,
            changes: changed.iter_mut().map(Changed::take_change).collect(),
            events,
            send_reply,
        };
        if let Err(refused) = committer.cast(request) {
            let error = StorageError::retry(refused.to_string());
            return give_up(changed, entries, refused.into_inner().send_reply, error);
        }
        if !changed.is_empty() {
            self.sent = number;
            self.last_change.extend(changed.iter().map(|changed| (changed.hash, number)));
            if self.on_their_way.is_empty() {
                self.on_their_way.reserve_exact(1);
            }
            self.on_their_way.push_back(OnItsWay { number, changed });
        }
    }

    /// The committer that has what is on its way, or the one that runs now.
    async fn find_committer(&mut self) -> Result<ServerRef<CommitterServer>, StorageError> {
        if let Some(committer) = self.committer.as_ref().filter(|it| it.is_alive() || !self.on_their_way.is_empty()) {
            return Ok(committer.clone());
        }
        let committer = self.from.committer.waiting().current().await.map_err(StorageError::retry)?;
        Ok(self.committer.insert(committer).clone())
    }

    /// Has the storage forget the bucket, after what is on its way.
    pub(super) async fn remove(&mut self) -> Result<(), StorageError> {
        let committer = self.find_committer().await?;
        let (bucket, fence) = (self.from.bucket.clone(), self.fence);
        let remove = |caller| crate::committer::Remove { bucket, fence, caller };
        // It takes as long as the storage takes, and the bucket has nothing else to do.
        committer.call(remove).no_timeout().await.unwrap_or_else(|error| Err(StorageError::retry(error)))
    }
}

impl Changed {
    /// What the storage is told of it.
    fn take_change(&mut self) -> StorageChange {
        let key = self.key.clone();
        match self.after.take() {
            Some(Held { value, expires }) => {
                StorageChange::Put(Entry { key, value, expires: expires.and_then(Millis::system_time) })
            }
            None => StorageChange::Delete(key),
        }
    }
}

/// The hash of a key, which clients choose.
fn hash(key: &[u8]) -> u64 {
    Secret.hash_one(key)
}

/// Undoes changes that were not sent, and tells the client.
fn give_up(changed: Vec<Changed>, entries: &mut Entries, send_reply: SendReply, error: StorageError) {
    undo(changed, entries);
    send_reply(Err(error.into()));
}

/// In reverse, so that of several changes to one key what the key had first comes back last.
fn undo(changed: Vec<Changed>, entries: &mut Entries) {
    for Changed { key, before, .. } in changed.into_iter().rev() {
        entries.set(&key, before);
    }
}

impl fmt::Debug for BucketStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BucketStorage")
            .field("bucket", &self.bucket)
            .field("storage", &self.storage)
            .finish_non_exhaustive()
    }
}
