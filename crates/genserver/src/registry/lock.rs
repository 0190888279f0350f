//! Locks by key, granted in the order of asking.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker, ready};

use parking_lot::Mutex;

use super::table::PARTS;
use super::{Key, Registry, Value};
use crate::sync::barrier;

/// The keys that are locked now.
pub(super) struct Locks<K> {
    hasher: RandomState,
    last_number: AtomicU64,
    parts: [Mutex<BTreeMap<LockPlace, Held<K>>>; PARTS],
}

/// The position of a locked key: its hash, and the number of the first holder.
type LockPlace = (u64, u64);

/// A key that is locked.
struct Held<K> {
    key: K,
    /// The number of the holder.
    holder: u64,
    /// The waiting futures in the order of their numbers, which is the order in which they came. The users hold these futures, so
    /// this list needs no limit.
    line: BTreeMap<u64, Waker>,
}

impl<K> Default for Locks<K> {
    fn default() -> Self {
        Self { hasher: RandomState::new(), last_number: AtomicU64::new(0), parts: Default::default() }
    }
}

impl<K> Locks<K> {
    fn part(&self, place: LockPlace) -> &Mutex<BTreeMap<LockPlace, Held<K>>> {
        #[expect(clippy::cast_possible_truncation, reason = "less than the number of parts")]
        let part = (place.0 % PARTS as u64) as usize;
        &self.parts[part]
    }

    fn next_number(&self) -> u64 {
        self.last_number.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Goes on waiting if its turn has not come; returns whether it has.
    fn wait(&self, place: LockPlace, number: u64, waker: Waker) -> bool {
        let mut part = self.part(place).lock();
        // A future that waits keeps the key locked.
        let Some(held) = part.get_mut(&place) else { return false };
        let (is_next, unused) =
            if held.holder == number { (true, Some(waker)) } else { (false, held.line.insert(number, waker)) };
        drop(part);
        barrier::drop_caught(unused);
        is_next
    }

    /// Passes the key to the next in line, or unlocks it.
    fn pass(&self, place: LockPlace) {
        let mut part = self.part(place).lock();
        let Some(held) = part.get_mut(&place) else { return };
        let (freed, next) = match held.line.pop_first() {
            Some((number, waker)) => {
                held.holder = number;
                (None, Some(waker))
            }
            None => (part.remove(&place), None),
        };
        drop(part);
        drop(freed);
        if let Some(waker) = next {
            barrier::wake(waker);
        }
    }

    /// Leaves the line, or passes on the lock that it was already given.
    fn leave(&self, place: LockPlace, number: u64) {
        let mut part = self.part(place).lock();
        let Some(held) = part.get_mut(&place) else { return };
        if held.holder == number {
            drop(part);
            return self.pass(place);
        }
        let waker = held.line.remove(&number);
        drop(part);
        barrier::drop_caught(waker);
    }

    /// How many keys are locked.
    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(|part| part.lock().len()).sum()
    }
}

impl<K: Key> Locks<K> {
    /// Locks the key if it is free, or joins the line.
    fn take(&self, key: K, waker: Waker) -> (LockPlace, u64, bool) {
        let hash = self.hasher.hash_one(&key);
        let number = self.next_number();
        let mut part = self.part((hash, 0)).lock();
        let same = part.range_mut((hash, 0)..=(hash, u64::MAX)).find(|(_, held)| held.key == key);
        if let Some((&place, held)) = same {
            held.line.insert(number, waker);
            drop(part);
            drop(key);
            return (place, number, false);
        }
        let place = (hash, number);
        part.insert(place, Held { key, holder: number, line: BTreeMap::new() });
        drop(part);
        drop(waker);
        (place, number, true)
    }
}

impl<K: Key, V: Value, Kind> Registry<K, V, Kind> {
    /// Locks `key` until the guard is dropped; waits while another holder has it.
    ///
    /// Use it for what must happen once per key, such as starting a server unless it is running. The locks
    /// have nothing to do with registered keys: they have a space of their own, and need neither a process nor a running
    /// registry.
    ///
    /// The lock is granted in the order of asking. The guard may be kept across awaits, sent elsewhere, or put into a
    /// server's state. When it is dropped, by the end of its scope, a panic, or the death of the task or process that has it,
    /// the next in line gets the lock. Locking a key that you hold already waits forever: where that may happen, set a
    /// [`timeout`](crate::time::timeout).
    ///
    /// # Cancel safety
    ///
    /// Dropping it leaves the line. If the lock was already granted to it, the next in line gets it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// use genserver::{ProcessRef, StartError};
    /// use genserver::registry::{Registry, UniqueRegistry};
    ///
    /// /// The one server for `room`, which is started if it is not running.
    /// async fn room(
    ///     rooms: &UniqueRegistry<String>,
    ///     room: &str,
    /// ) -> Result<ProcessRef, StartError> {
    ///     let _only_one = rooms.lock(room.to_owned()).await;
    ///     if let Some(running) = rooms.whereis(room) {
    ///         return Ok(running);
    ///     }
    ///     let started = genserver::start::<Quiet>(()).name(rooms.via(room.to_owned(), ())).await?;
    ///     Ok(started.process_ref())
    /// }
    ///
    /// let rooms = Registry::unique();
    /// rooms.start().await?;
    /// let (one, other) = futures::join!(room(&rooms, "lobby"), room(&rooms, "lobby"));
    /// assert_eq!(one?, other?);
    /// # }
    /// ```
    pub fn lock(&self, key: K) -> Lock<K> {
        Lock { locks: Arc::clone(&self.table.locks), stage: LockStage::New(key) }
    }
}

/// A future that waits for a lock; made by [`Registry::lock`].
#[must_use = "nothing is locked until this is awaited"]
pub struct Lock<K> {
    locks: Arc<Locks<K>>,
    stage: LockStage<K>,
}

enum LockStage<K> {
    New(K),
    Waiting(LockPlace, u64),
    Over,
}

// The key is moved out, and nothing else is stored here.
impl<K> Unpin for Lock<K> {}

impl<K: Key> Future for Lock<K> {
    type Output = LockGuard<K>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<LockGuard<K>> {
        ready!(crate::poll_alive(cx));
        // Cloned here, where no lock is held: a foreign waker is user code.
        let waker = cx.waker().clone();
        let (place, number, is_ours) = match std::mem::replace(&mut self.stage, LockStage::Over) {
            LockStage::New(key) => self.locks.take(key, waker),
            LockStage::Waiting(place, number) => (place, number, self.locks.wait(place, number, waker)),
            LockStage::Over => return Poll::Pending,
        };
        self.stage = LockStage::Waiting(place, number);
        if !is_ours {
            return Poll::Pending;
        }
        // The holder that passed it on may have sent us an exit before that.
        ready!(crate::poll_alive(cx));
        self.stage = LockStage::Over;
        Poll::Ready(LockGuard { locks: Arc::clone(&self.locks), place })
    }
}

impl<K> Drop for Lock<K> {
    fn drop(&mut self) {
        if let LockStage::Waiting(place, number) = self.stage {
            self.locks.leave(place, number);
        }
    }
}

/// A key that is locked for as long as this lives; see [`Registry::lock`].
#[must_use = "dropping it unlocks the key at once"]
pub struct LockGuard<K> {
    locks: Arc<Locks<K>>,
    place: LockPlace,
}

impl<K> Drop for LockGuard<K> {
    fn drop(&mut self) {
        self.locks.pass(self.place);
    }
}

impl<K> fmt::Debug for Lock<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock").finish_non_exhaustive()
    }
}

impl<K> fmt::Debug for LockGuard<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockGuard").finish_non_exhaustive()
    }
}
