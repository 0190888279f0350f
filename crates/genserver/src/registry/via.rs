//! A unique registry as a space of names for processes: OTP's `{via, Registry, {Registry, Key}}`.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use super::error::RegisterUniqueError;
use super::table::Table;
use super::{Key, Registry, Unique, Value};
use crate::{Name, NameRegistry, Pid, ProcessRef, RegisterError, Term};

impl<K: Key, V: Value> Registry<K, V, Unique> {
    /// Makes a name for a process: `key` in this registry, with `value` beside it.
    ///
    /// A process that is started with it holds the key from before its init until its end, as with any name; a second start with
    /// it fails with [`StartError::AlreadyStarted`](crate::StartError::AlreadyStarted). A [`Named`](crate::Named) with this name
    /// finds the process; the value then does not matter.
    ///
    /// In errors and reports the name is shown as the key: text as it is, everything else as its `Debug` prints it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # genserver_doc::run! {
    /// use genserver::{AsServer, Named, StartError};
    /// use genserver::registry::Registry;
    ///
    /// let counters = Registry::unique();
    /// counters.start().await?;
    ///
    /// let visits = counters.via(("visits", 2026), "a page's visitors");
    /// let counter = genserver::start::<Counter>(1).name(visits.clone()).await?;
    /// assert_eq!(Named::<Counter>::new(visits.clone()).call(Call::Get).await?, 1);
    /// let found = counters.lookup(&("visits", 2026)).expect("the counter holds it");
    /// assert_eq!(*found.value(), "a page's visitors");
    ///
    /// let again = genserver::start::<Counter>(1).name(visits).await;
    /// let Err(StartError::AlreadyStarted { pid, .. }) = again else { unreachable!() };
    /// assert_eq!(pid, counter.pid());
    /// # }
    /// ```
    ///
    /// A duplicate registry has no names, because a name belongs to one process:
    ///
    /// ```compile_fail,E0599
    /// # // RAT-026
    /// use genserver::registry::Registry;
    ///
    /// let topics = Registry::duplicate();
    /// let name = topics.via("news", ());
    /// ```
    pub fn via(&self, key: K, value: V) -> Name
    where
        K: Clone + fmt::Debug,
        V: Clone,
    {
        let text = Term::new(key.clone()).to_string();
        Name::via(Arc::new(Via { table: Arc::clone(&self.table), key, value }), text)
    }

    /// Returns this registry as a space of names, for keys that are text: pass it to [`Name::via`].
    ///
    /// Two names in it are equal if they are the same text, like other names.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// use genserver::{Name, whereis};
    /// use genserver::registry::{Registry, UniqueRegistry};
    ///
    /// let rooms: UniqueRegistry<String> = Registry::unique();
    /// rooms.start().await?;
    /// let lobby = Name::via(rooms.names(), "lobby");
    /// let room = genserver::start::<Quiet>(()).name(lobby.clone()).await?;
    /// assert_eq!(whereis(lobby), Some(room.process_ref()));
    /// assert_eq!(rooms.whereis("lobby"), Some(room.process_ref()));
    /// # }
    /// ```
    pub fn names(&self) -> Arc<dyn NameRegistry>
    where
        K: for<'a> From<&'a str> + Borrow<str>,
        V: Default,
    {
        Arc::clone(&self.table) as Arc<dyn NameRegistry>
    }
}

impl<K, V> NameRegistry for Table<K, V>
where
    K: Key + for<'a> From<&'a str> + Borrow<str>,
    V: Value + Default,
{
    fn register(&self, name: &str, process: &ProcessRef) -> Result<(), RegisterError> {
        take(self, K::from(name), V::default(), process)
    }

    fn unregister(&self, name: &str, pid: Pid) {
        for entry in self.find_of(pid, name) {
            self.remove(&entry);
        }
    }

    fn whereis(&self, name: &str) -> Option<ProcessRef> {
        self.find_one(name).map(|entry| entry.process().clone())
    }
}

/// One key as a name. Its text is for people.
struct Via<K: Key, V: Value> {
    table: Arc<Table<K, V>>,
    key: K,
    value: V,
}

impl<K: Key + Clone, V: Value + Clone> NameRegistry for Via<K, V> {
    fn register(&self, _name: &str, process: &ProcessRef) -> Result<(), RegisterError> {
        take(&self.table, self.key.clone(), self.value.clone(), process)
    }

    fn unregister(&self, _name: &str, pid: Pid) {
        for entry in self.table.find_of(pid, &self.key) {
            self.table.remove(&entry);
        }
    }

    fn whereis(&self, _name: &str) -> Option<ProcessRef> {
        self.table.find_one(&self.key).map(|entry| entry.process().clone())
    }
}

/// Registers a process's name. If the process ended in between, it did not know its name and has not released it.
fn take<K: Key, V: Value>(table: &Table<K, V>, key: K, value: V, process: &ProcessRef) -> Result<(), RegisterError> {
    match table.register_unique(process, key, value) {
        Ok(entry) if entry.counts() => Ok(()),
        Ok(_) => Err(RegisterError::Refused("the process has ended".to_owned())),
        Err(RegisterUniqueError::AlreadyRegistered { holder, .. }) => Err(RegisterError::Taken(holder.pid())),
        Err(refused) => Err(RegisterError::Refused(refused.to_string())),
    }
}
