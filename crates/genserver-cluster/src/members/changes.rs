//! Turns a map that changes into events, what is new and what is gone: N5 of [`members`](super).

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::task::{Context, Poll, ready};

use crate::members::notify::{Listener, Notify};

/// What has changed.
pub(crate) enum Change<V> {
    /// This is there now.
    Begun(V),
    /// This is not there any more.
    Over(V),
}

/// Tells somebody of all changes of something.
pub(crate) struct Changes<K, V> {
    listener: Listener,
    now: Box<dyn Fn() -> BTreeMap<K, V> + Send + Sync>,
    told: BTreeMap<K, V>,
    /// What is told next: no more than what was told and what is there.
    next: VecDeque<Change<V>>,
}

impl<K: Ord + Clone, V: Clone> Changes<K, V> {
    /// Tells first what `now` returns, and then what has changed of that when the notify is listener.
    pub(crate) fn new(notify: &Notify, now: impl Fn() -> BTreeMap<K, V> + Send + Sync + 'static) -> Self {
        let mut listener = notify.listen();
        listener.forget();
        Self { listener, now: Box::new(now), told: BTreeMap::new(), next: VecDeque::new() }
    }

    pub(crate) fn poll_change(&mut self, cx: &mut Context<'_>) -> Poll<Change<V>> {
        loop {
            if let Some(change) = self.next.pop_front() {
                return Poll::Ready(change);
            }
            ready!(self.listener.poll_notified(cx));
            self.compare();
        }
    }

    fn compare(&mut self) {
        let now = (self.now)();
        let over = self.told.extract_if(.., |key, _| !now.contains_key(key));
        self.next.extend(over.map(|(_, value)| Change::Over(value)));
        for (key, value) in now {
            if let Entry::Vacant(vacant) = self.told.entry(key) {
                vacant.insert(value.clone());
                self.next.push_back(Change::Begun(value));
            }
        }
    }
}
