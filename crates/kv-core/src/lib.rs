//! A supervised key-value store, in memory or in a folder: named buckets, each a process of its own, with events about them.
//!
//! ```
//! use kv_core::Store;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Store::start().await?;
//! let shopping = store.create("shopping").await?;
//! shopping.put("milk", "1").await?;
//! assert_eq!(shopping.get("milk").await?, Some("1".into()));
//! # store.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! A *bucket* is a process with keys and values. A *registry* finds buckets by name, and an *event manager* announces when
//! a bucket is created or ends. A [`Store`] is all of this under one supervisor, started and stopped as one value, to embed
//! in your program. It parses and prints nothing; `kv-server` puts it on a socket.
//!
//! The example `axum` (`cargo run -p kv-core --example axum`) puts it behind HTTP.
//!
//! # Names
//!
//! A name is a text of 1 to 255 bytes: see [`BucketName`]. Creating a bucket twice makes one bucket, and a lookup sends no
//! message:
//!
//! ```
//! # use kv_core::Store;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let store = Store::start().await?;
//! let bucket = store.create("shopping").await?;
//! assert_eq!(store.create("shopping").await?, bucket);
//! assert_eq!(store.lookup("shopping"), Some(bucket.clone()));
//!
//! bucket.stop().await?;
//! assert_eq!(store.lookup("shopping"), None);
//! # store.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Once `create` has returned, every thread's [`lookup`](Store::lookup) finds the bucket. Once a bucket's `stop` has
//! returned, no lookup does. In between, a lookup never returns a bucket that was already ending.
//!
//! # Keys and values
//!
//! Both are [`Bytes`](bytes::Bytes), so any protocol fits, and data read from a socket need not be copied. A bucket carries
//! out one operation after the other. To make several changes atomically, run a function in the bucket, compare and set, or
//! apply a list of operations.
//!
//! ```
//! use kv_core::{OperationResult, Operation};
//! # use kv_core::Store;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let store = Store::start().await?;
//! # let shopping = store.create("shopping").await?;
//! # shopping.put("milk", "1").await?;
//! let had = shopping.update("milk", |pieces| pieces.replace("2".into())).await?;
//! assert_eq!(had, Some("1".into()));
//!
//! shopping.compare_and_set("milk", Some("2".into()), Some("3".into())).await?;
//!
//! let both = vec![Operation::Get("milk".into()), Operation::Delete("milk".into())];
//! let three = OperationResult::Value(Some("3".into()));
//! assert_eq!(shopping.apply(both).await?, [three.clone(), three]);
//! # store.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Keys that expire
//!
//! A key may have a time, and is gone for every operation from that millisecond on:
//!
//! ```
//! use std::time::Duration;
//! use kv_core::TimeToLive;
//! # use kv_core::Store;
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let store = Store::start().await?;
//! let sessions = store.create("sessions").await?;
//! sessions.put_expiring("mary", "logged in", Duration::from_secs(60)).await?;
//! assert_eq!(sessions.time_to_live("mary").await?, TimeToLive::Left(Duration::from_secs(60)));
//! tokio::time::sleep(Duration::from_secs(60)).await;
//! assert_eq!((sessions.get("mary").await?, sessions.len().await?), (None, 0));
//! # store.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! | operation | what becomes of the time |
//! |---|---|
//! | [`put`](Bucket::put) | it is removed |
//! | [`put_expiring`](Bucket::put_expiring), [`expire`](Bucket::expire) | it is set |
//! | [`persist`](Bucket::persist) | it is removed, and the value stays |
//! | [`update`](Bucket::update), [`compare_and_set`](Bucket::compare_and_set) | it stays, unless the key is removed |
//!
//! The bucket keeps a date and time, also in the [storage](Storage), so a crash does not make a key live longer. While a bucket runs,
//! its clock does not go back, even if the machine's is set back; from one run to the next only the machine's counts. Under
//! Tokio's paused clock and in a simulation, dates go on with the virtual clock: see
//! [`genserver::time::system_now`].
//!
//! Expired keys are removed at their time, a hundred in a turn, with a millisecond in between for others. A turn takes about a
//! tenth of a millisecond. When they are all gone the map may shrink, which takes as long as to copy what is left. A key
//! without a time costs nothing more.
//!
//! # Events
//!
//! The event manager takes handlers and provides streams, like every [`genevent::Manager`]. The registry notifies it
//! synchronously: once `create` has returned, every handler has seen the [`BucketEvent`], and the consumer of every stream
//! is done with it. A slow handler or consumer delays creating, by five seconds a bucket at most, but not reading, writing
//! or looking up. If nothing should wait for a consumer, set its [`mode`](genevent::EventStream::mode).
//!
//! ```
//! use futures::TryStreamExt;
//! use genevent::NotifyMode;
//! use kv_core::BucketEvent;
//! # use kv_core::Store;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let store = Store::start().await?;
//! let mut events = store.events().await?.stream().mode(NotifyMode::Async);
//! events.subscribe().await?;
//! store.create("shopping").await?;
//! let Some(BucketEvent::Created { name, .. }) = events.try_next().await? else {
//!     panic!("nothing else happened")
//! };
//! assert_eq!(name, "shopping");
//! # store.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Store::key_events`] is for the changes of keys: another manager with its own handlers, to which the buckets send a
//! [`KeyEvent`] when a key is put, is deleted or has expired. They make them only while somebody listens.
//!
//! ```
//! use futures::TryStreamExt;
//! use kv_core::KeyEventKind;
//! # use kv_core::Store;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let store = Store::start().await?;
//! let shopping = store.create("shopping").await?;
//! let key_events = store.key_events().await?;
//! let mut events = key_events.manager().stream();
//! events.subscribe().await?;
//! shopping.put("milk", "1").await?;
//! let event = events.try_next().await?.ok_or("the manager runs")?;
//! assert_eq!((event.key, event.kind), ("milk".into(), KeyEventKind::Put));
//! # store.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! With a storage, the event of a change is sent when the change is committed, and before its client is answered. No bucket waits
//! for a handler: if they are too slow, events are lost, and [counted](KeyEvents::lost). So are, uncounted, those of changes that
//! were committed when a process was killed.
//!
//! # When something fails
//!
//! Any part may be killed at any time, and the store goes on:
//!
//! | what ends | what happens | what is lost | who is told |
//! |---|---|---|---|
//! | a bucket | its name is free; the next `create` makes a new one. With a [storage](Storage), a bucket that crashed is started again at once with its entries; if they cannot be read, that is [reported](genserver::report), and the name is free | its entries, unless the storage keeps them; operations that were not answered | the event manager, by [`BucketEvent::Exited`] with the reason; waiting callers, by [`CallError::Exit`](genserver::CallError::Exit) |
//! | the registry | it is restarted with the names that it had; buckets and lookups do not notice | nothing: the new registry announces buckets that ended meanwhile | callers that wait in `create`, by [`CreateError::Registry`]; they can safely ask again |
//! | an event manager | it is restarted without handlers | the handlers, and the events until they are added again | processes that monitor it; streams end with [`StreamError::Died`](genevent::StreamError::Died) |
//! | the committer of a store with a [storage](Storage) | it is restarted; each bucket with changes on their way loads its entries again | nothing that was answered; the changes on their way are kept or not | waiting callers, by [`CallError::NoReply`](genserver::CallError::NoReply) |
//! | the buckets' supervisor | all buckets end with it; it is started again, and the names are free. With a storage, the buckets are started again too | all buckets, unless the storage keeps them | the event manager, of each bucket |
//! | more of these than [allowed](StoreOptions::max_restarts) within a time | the store ends | all of it | processes that are linked to the store or monitor it, and its [supervisor](StoreOptions::child_spec), which starts it again; without one, every method then fails, and no lookup finds a bucket |
//!
//! A function given to [`Bucket::update`] that panics ends its bucket. A bucket that is stuck in such a function keeps its
//! own clients waiting, for five seconds each, and no others.
//!
//! # Storage
//!
//! By default entries live in their bucket's memory and are lost with it. A [`Storage`] can keep them. It is a trait, and a
//! store does not assume that it is a disk. With the feature `durable` there is one in a folder, `Durable`:
//!
//! ```
//! # #[cfg(feature = "durable")]
//! # mod example {
//! use kv_core::{Durable, Store};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # pub async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let temporary = tempfile::tempdir()?;
//! # let folder = temporary.path().join("store");
//! let store = Store::options().storage(Durable::open(&folder).await?).start().await?;
//! store.create("shopping").await?.put("milk", "1").await?;
//! store.stop().await?;
//!
//! // The program may have ended here, or the machine.
//! let store = Store::options().storage(Durable::open(&folder).await?).start().await?;
//! let shopping = store.lookup("shopping").ok_or("it is there again")?;
//! assert_eq!(shopping.get("milk").await?, Some("1".into()));
//! # store.stop().await?;
//! # Ok(())
//! # }
//! # }
//! # #[cfg(feature = "durable")]
//! # example::main().unwrap();
//! ```
//!
//! | | an answered change survives | its price |
//! |---|---|---|
//! | in memory, the default | nothing | none |
//! | `DurableMode::Buffered` | the end of the program, even by a kill | a write to the operating system for all changes that wait at the same time |
//! | `DurableMode::Every(time)` | the same, and a power failure if it was answered that long before it | the same, and a sync each time |
//! | `DurableMode::Sync`, the default with a folder | the end of the program, and a power failure | a sync of the disk for all changes that wait at the same time |
//!
//! A bucket with a storage goes on while its changes are on their way. It answers reads of other keys at once, and reads of a
//! key with a change on its way when the change is kept. So no client sees what could still be lost. If the storage refuses a
//! change, the bucket takes it back, with all that was built on it, and each client hears why. [`Store::storage_error`] says it to those
//! who watch over the store, until the storage takes changes again.
//!
//! # Limits
//!
//! [`max_memory`](StoreOptions::max_memory), [`max_buckets`](StoreOptions::max_buckets), [`max_value`](StoreOptions::max_value) and
//! [`max_key`](StoreOptions::max_key) limit a store. A write or a new bucket that would go over a limit is refused with a
//! [`LimitError`], which says what the limit is. Reads and deletes go on, and nothing is removed to make room. What the storage
//! keeps is loaded and counts, even if that goes over a limit. Buckets that end give back what they took.
//!
//! Several operations in one [`apply`](Bucket::apply) are all refused or none; in [`apply_each`](Bucket::apply_each), each by
//! itself. A function given to [`update`](Bucket::update) has run when what it has made is refused, and nothing is stored.
//!
//! [`Store::memory`] says what counts. It is what the program has asked its allocator for, to within a tenth. The allocator's own
//! share is not in it, nor are messages on their way, the rest of a buffer that a value was cut out of, and the old values that a
//! [snapshot](Bucket::snapshot) needs until it has been read.
//!
//! # What it costs, and when (not) to use it
//!
//! If you need a map that threads share, put a `Mutex` around one: reads and writes are then three to nine times as fast as
//! in a bucket, with one task and with sixteen, and nothing here changes that. A hand-written Tokio actor takes up to three
//! times as long as a bucket with one client task, and about as long with two threads at the same time. A lookup by name
//! takes one and a half times as long as in a concurrent map. To measure it on your machine:
//!
//! ```text
//! cargo xtask bench --only bucket
//! ```
//!
//! It also shows what an empty bucket takes: about 800 bytes, including the allocator's share. A name that is gone takes
//! nothing.
//!
//! Use a bucket when entries should have an owner that can be monitored, that fails alone, or whose operations take turns
//! across an `await`. Use a store when such owners come and go by name.
//!
//! # Crates in its signatures
//!
//! [`genserver`], [`genevent`] and [`bytes`] are re-exported, and [`async_trait`] for those who implement [`Storage`].

// All of it as one value: begin here.
mod store;
// Its parts, over the restarts of its supervisor.
mod parts;
// Finding buckets by name.
mod registry;
// Announcing buckets.
mod event;
// Announcing changes of keys.
mod key_event;
// A bucket.
mod bucket;
// Operations on a bucket, as values.
mod operation;
// When keys expire.
mod expiry;
// What a store may hold, and holds.
mod limits;
// The names of buckets.
mod name;
// Keeping entries beyond their bucket.
mod storage;
// Committing the changes of all buckets together.
mod committer;
// A store on several machines.
mod remote;
// A storage in a folder.
#[cfg(feature = "durable")]
mod durable;
// A store as lines of JSON.
#[cfg(feature = "json")]
mod json;

// The crates whose types are in the signatures here, so that a user need not match their versions.
/// The macro that an implementation of [`Storage`] needs.
pub use async_trait;
/// Keys and values.
pub use bytes;
/// The manager of a store's events.
pub use genevent;
/// Processes, references, reasons and errors.
pub use genserver;

pub use bucket::{
    Bucket, BucketArgs, BucketCall, BucketCast, BucketGet, BucketInfo, BucketRead, BucketServer, BucketSnapshot,
    BucketStartError, CompareAndSetError, SnapshotError, WriteError,
};
#[cfg(feature = "durable")]
pub use durable::{Durable, DurableMode, DurableOptions, OpenError, RepairReport};
pub use event::{BucketEvent, EventManagerRef};
pub use expiry::{Expiry, TimeToLive};
#[cfg(feature = "json")]
pub use json::{ExportError, ImportError, Transferred};
pub use key_event::{KeyEvent, KeyEventKind, KeyEvents};
pub use limits::LimitError;
pub use name::{BucketName, NAME_MAX, NameError};
pub use operation::{AddOutcome, ExpireCondition, ExpireOutcome, KeyPage, Operation, OperationError, OperationResult};
pub use registry::{
    CreateError, CreateLaterError, Registry, RegistryArgs, RegistryCall, RegistryCast, RegistryInfo, RegistryServer,
};
pub use remote::{Compared, RemoteEvent, RemoteStore, RemoteStoreError};
pub use storage::{
    Commit, Durability, Entry, Fence, Loaded, MemoryStorage, Storage, StorageChange, StorageError, StorageErrorKind,
};
pub use store::{Store, StoreOptions};
