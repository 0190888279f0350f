//! Listeners: processes that are told of registrations and releases.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use super::entry::Entry;
use super::{Key, Registry, Value};
use crate::{AsProcess, Pid, Recipient};

/// An event of a registry, sent to its listeners: see [`Registry::listen`](super::Registry::listen).
///
/// # Examples
///
/// ```
/// use genserver::Probe;
/// use genserver::registry::{RegistryEvent, Registry};
///
/// # genserver_doc::run! {
/// let rooms = Registry::unique();
/// rooms.start().await?;
/// let mut listener = Probe::new();
/// rooms.listen(listener.sender());
/// let alice = Probe::<()>::new();
/// rooms.of(&alice).register("lobby", 7)?;
/// match listener.expect_message().await {
///     RegistryEvent::Registered(room) => println!("{} opened", room.key()),
///     RegistryEvent::Unregistered(room) => println!("{} closed", room.key()),
///     RegistryEvent::Missed(count) => println!("{count} were missed: look the rooms up"),
///     _ => {}
/// }
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum RegistryEvent<K, V> {
    /// A process has registered.
    #[doc(alias = "register")]
    Registered(Entry<K, V>),
    /// A process has released an entry. There is no event when the process ends: monitor it to be told.
    #[doc(alias = "unregister")]
    Unregistered(Entry<K, V>),
    /// This many events before the next one did not fit into the listener's mailbox.
    Missed(u64),
}

/// Written by hand, so that keys and values need not be `Clone`.
impl<K, V> Clone for RegistryEvent<K, V> {
    fn clone(&self) -> Self {
        match self {
            Self::Registered(entry) => Self::Registered(entry.clone()),
            Self::Unregistered(entry) => Self::Unregistered(entry.clone()),
            Self::Missed(count) => Self::Missed(*count),
        }
    }
}

impl<K: Key, V: Value, Kind> Registry<K, V, Kind> {
    /// Sends `recipient` an event for each registration and release from now on: OTP's option `listeners`, at any time.
    ///
    /// When a process has registered or unregistered, the event is in the listener's mailbox; the events of one process come in
    /// the order of its actions. When a process *ends*, there is no event for its entries, as in OTP, and none when its
    /// [name](Registry::via) is released: a listener that needs to know monitors the processes that register.
    ///
    /// A listener whose mailbox is full misses events, and is told how many before the next one it gets. A listener that has
    /// ended is forgotten.
    pub fn listen(&self, recipient: impl Into<Recipient<RegistryEvent<K, V>>>) {
        self.table.listeners.add(recipient.into());
    }

    /// Sends `listener` no more events. Returns whether it was a listener.
    pub fn unlisten(&self, listener: &impl AsProcess) -> bool {
        listener.as_process().is_some_and(|process| self.table.listeners.remove(process.pid()))
    }
}

/// The listeners of a registry.
pub(super) struct Listeners<K: Key, V: Value> {
    list: RwLock<Vec<Arc<Listener<K, V>>>>,
}

/// One listener, and how many events it has missed since the last one it was sent.
struct Listener<K: Key, V: Value> {
    recipient: Recipient<RegistryEvent<K, V>>,
    missed: AtomicU64,
}

impl<K: Key, V: Value> Default for Listeners<K, V> {
    fn default() -> Self {
        Self { list: RwLock::new(Vec::new()) }
    }
}

impl<K: Key, V: Value> Listeners<K, V> {
    pub(super) fn add(&self, recipient: Recipient<RegistryEvent<K, V>>) {
        let listener = Arc::new(Listener { recipient, missed: AtomicU64::new(0) });
        self.remove_where(|listener| !listener.recipient.is_alive());
        self.list.write().push(listener);
    }

    pub(super) fn remove(&self, pid: Pid) -> bool {
        self.remove_where(|listener| listener.recipient.pid() == pid)
    }

    fn remove_where(&self, mut which: impl FnMut(&Listener<K, V>) -> bool) -> bool {
        let removed: Vec<_> = self.list.write().extract_if(.., |listener| which(listener)).collect();
        // The recipients are dropped here, where no lock is held.
        !removed.is_empty()
    }

    /// Sends an event to all of them. The process that acted calls it, without a lock: so its events keep their order.
    pub(super) fn tell(&self, event: &RegistryEvent<K, V>) {
        let list = self.list.read();
        if list.is_empty() {
            return;
        }
        let listeners = list.clone();
        drop(list);
        let mut all_live = true;
        for listener in listeners {
            all_live &= listener.tell(event.clone());
        }
        if !all_live {
            self.remove_where(|listener| !listener.recipient.is_alive());
        }
    }
}

impl<K: Key, V: Value> Listener<K, V> {
    /// Returns whether the listener is alive.
    fn tell(&self, event: RegistryEvent<K, V>) -> bool {
        let missed = self.missed.swap(0, Ordering::Relaxed);
        let told = match missed {
            0 => Ok(()),
            _ => self.recipient.send(RegistryEvent::Missed(missed)),
        };
        match told.and_then(|()| self.recipient.send(event)) {
            Ok(()) => true,
            Err(refused) => {
                let also = match refused.into_inner() {
                    RegistryEvent::Missed(_) => missed,
                    RegistryEvent::Registered(_) | RegistryEvent::Unregistered(_) => 0,
                };
                self.missed.fetch_add(also + 1, Ordering::Relaxed);
                self.recipient.is_alive()
            }
        }
    }
}
