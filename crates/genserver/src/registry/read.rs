//! Reading a registry: by key, by value, and all of it.

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;

use super::entry::Entry;
use super::{Key, Registry, Value};

impl<K: Key, V: Value, Kind> Registry<K, V, Kind> {
    /// Calls `f` with all entries of `key`, in the order in which they were registered: OTP's `dispatch/3`. Returns the result of
    /// `f`; if no process holds the key, `f` is not called and this returns `None`.
    ///
    /// `f` runs on this thread, before this returns, and may use the registry.
    ///
    /// # Panics
    ///
    /// If `f` does.
    ///
    /// # Examples
    ///
    /// ```
    /// # genserver_doc::run! {
    /// use genserver::{Probe, ProbeRef};
    /// use genserver::registry::Registry;
    ///
    /// let topics = Registry::duplicate();
    /// topics.start().await?;
    /// let (mut alice, mut bob) = (Probe::<String>::new(), Probe::<String>::new());
    /// topics.of(&alice).register("news", alice.sender())?;
    /// topics.of(&bob).register("news", bob.sender())?;
    ///
    /// topics.dispatch("news", |subscribers| {
    ///     for subscriber in subscribers {
    ///         // A process that has just ended, or whose mailbox is full, misses it.
    ///         let _ = subscriber.value().send("rain".to_owned());
    ///     }
    /// });
    /// assert_eq!(alice.expect_message().await, "rain");
    /// assert_eq!(bob.expect_message().await, "rain");
    /// # }
    /// ```
    pub fn dispatch<Q, R>(&self, key: &Q, f: impl FnOnce(&[Entry<K, V>]) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let entries = self.table.find(key);
        if entries.is_empty() { None } else { Some(f(&entries)) }
    }

    /// Returns the entries under `key` whose value `wanted` accepts, in the order in which they were registered: OTP's
    /// `match/3,4`, with a function for the pattern and its guards.
    ///
    /// # Examples
    ///
    /// ```
    /// # genserver_doc::run! {
    /// use genserver::Probe;
    /// use genserver::registry::Registry;
    ///
    /// let topics = Registry::duplicate();
    /// topics.start().await?;
    /// let alice = Probe::<()>::new();
    /// for number in [1, 2, 3] {
    ///     topics.of(&alice).register("numbers", number)?;
    /// }
    /// let large = topics.matching("numbers", |number| *number > 1);
    /// assert_eq!(large.iter().map(|entry| *entry.value()).collect::<Vec<_>>(), [2, 3]);
    /// assert_eq!(topics.count_match("numbers", |number| *number > 1), 2);
    /// # }
    /// ```
    #[doc(alias = "match")]
    pub fn matching<Q>(&self, key: &Q, mut wanted: impl FnMut(&V) -> bool) -> Vec<Entry<K, V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut entries = self.table.find(key);
        entries.retain(|entry| wanted(entry.value()));
        entries
    }

    /// Returns how many entries under `key` have a value that `wanted` accepts: OTP's `count_match/3,4`.
    pub fn count_match<Q>(&self, key: &Q, wanted: impl FnMut(&V) -> bool) -> usize
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.matching(key, wanted).len()
    }

    /// Returns all entries, in the order in which they were registered: OTP's `select/2`; with `count` it is `count_select/2`.
    ///
    /// They are the entries at the time of the call. It copies and sorts the whole table, so do not use it in place of a
    /// lookup.
    ///
    /// # Examples
    ///
    /// ```
    /// # genserver_doc::run! {
    /// use genserver::Probe;
    /// use genserver::registry::Registry;
    ///
    /// let rooms = Registry::unique();
    /// rooms.start().await?;
    /// let alice = Probe::<()>::new();
    /// rooms.of(&alice).register("lobby", 7)?;
    /// rooms.of(&alice).register("garden", 0)?;
    ///
    /// let empty = rooms.select().filter(|room| *room.value() == 0);
    /// assert_eq!(empty.map(|room| *room.key()).collect::<Vec<_>>(), ["garden"]);
    /// # }
    /// ```
    #[doc(alias = "count_select")]
    pub fn select(&self) -> impl Iterator<Item = Entry<K, V>> + use<K, V, Kind> {
        self.table.all().into_iter()
    }

    /// Returns how many entries there are: OTP's `count/1`. It looks at each.
    pub fn count(&self) -> usize {
        self.table.count()
    }
}

/// Prints the sizes of the table, including entries of ended processes that the keeper has not removed yet.
impl<K: Key, V: Value, Kind> fmt::Debug for Registry<K, V, Kind> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (entries, processes) = self.table.sizes();
        f.debug_struct("Registry")
            .field("entries", &entries)
            .field("processes", &processes)
            .field("locks", &self.table.locks.len())
            .field("is_running", &self.is_running())
            .finish_non_exhaustive()
    }
}
