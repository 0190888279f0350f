//! The events of keys: what they say, and how they get from the buckets to the store's manager of them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use genevent::{Manager, ManagerServer};
use genserver::supervisor::ChildRef;
use genserver::{CastError, Never};

use crate::BucketName;

/// Something that happened to a key, as the handlers of [`Store::key_events`](crate::Store::key_events) are told.
///
/// With a storage it is sent once the change is committed. The events of one key are in the order of its changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyEvent {
    /// The name of the bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: Bytes,
    /// What happened.
    pub kind: KeyEventKind,
}

/// What happened to a key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum KeyEventKind {
    /// It was given a value, whether it was there or not.
    Put,
    /// It was there, and was removed. [`Bucket::clear`](crate::Bucket::clear) does that to each key.
    Delete,
    /// It has expired, and was removed. That may be a moment after its time, and at the latest before the next event of this key.
    Expire,
}

/// The most events that wait in the manager. More are lost.
pub(crate) const WAITING_MAX: u32 = 16_384;

/// The manager as the buckets have it: looked up for every event, so that it may be restarted.
pub(crate) type KeyEventManager = Manager<KeyEvent, Never, ChildRef<ManagerServer<KeyEvent>, Manager<KeyEvent>>>;

/// The events of the keys of a store. They are sent as long as some clone of this exists: keep it while you listen.
///
/// It has a [`manager`](KeyEvents::manager), which takes handlers and provides streams. When the last clone is dropped, the buckets
/// make no more events, and handlers that are still there see none.
///
/// No bucket waits for a handler. If handlers are too slow, 16,384 events wait for them, and more are [lost](KeyEvents::lost).
///
/// # Examples
///
/// ```
/// use futures::TryStreamExt;
/// use kv_core::{KeyEventKind, Store};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Store::start().await?;
/// let key_events = store.key_events().await?;
/// let mut events = key_events.manager().stream();
/// events.subscribe().await?;
/// store.create("shopping").await?.put("milk", "1").await?;
/// let event = events.try_next().await?.ok_or("the manager runs")?;
/// assert_eq!((&*event.bucket, &*event.key), ("shopping", &b"milk"[..]));
/// assert_eq!(event.kind, KeyEventKind::Put);
/// # store.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct KeyEvents {
    manager: Manager<KeyEvent>,
    listener: Arc<Listener>,
}

impl KeyEvents {
    pub(crate) fn new(manager: Manager<KeyEvent>, outlet: &Arc<KeyEventOutlet>) -> Self {
        outlet.listeners.fetch_add(1, Ordering::Relaxed);
        Self { manager, listener: Arc::new(Listener(Arc::clone(outlet))) }
    }

    /// The event manager, for adding handlers and taking streams. A restarted one has no handlers:
    /// [`Store::key_events`](crate::Store::key_events) returns it.
    pub fn manager(&self) -> &Manager<KeyEvent> {
        &self.manager
    }

    /// How many events of this store were lost, because too many were waiting for slow handlers.
    pub fn lost(&self) -> u64 {
        self.listener.0.lost.load(Ordering::Relaxed)
    }
}

/// Counts as one who listens, until it is dropped.
#[derive(Debug)]
struct Listener(Arc<KeyEventOutlet>);

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.listeners.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The way of a store's events to their manager, shared by its buckets.
pub(crate) struct KeyEventOutlet {
    manager: KeyEventManager,
    listeners: AtomicUsize,
    lost: AtomicU64,
}

impl KeyEventOutlet {
    pub(crate) fn new(manager: KeyEventManager) -> Self {
        Self { manager, listeners: AtomicUsize::new(0), lost: AtomicU64::new(0) }
    }

    /// Whether anybody listens. If not, no event is made.
    pub(crate) fn is_wanted(&self) -> bool {
        self.listeners.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn send(&self, event: KeyEvent) {
        // Without a manager there are no handlers, and nothing is lost.
        if let Err(CastError::Full { .. }) = self.manager.notify(event) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for KeyEventOutlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyEventOutlet").field("listeners", &self.listeners).finish_non_exhaustive()
    }
}

/// Events that are sent when their changes are committed.
pub(crate) struct KeyEventBatch {
    pub(crate) outlet: Arc<KeyEventOutlet>,
    pub(crate) events: Vec<KeyEvent>,
}

impl KeyEventBatch {
    pub(crate) fn send(self) {
        for event in self.events {
            self.outlet.send(event);
        }
    }
}
