//! A supervised in-memory key-value store: named buckets, each a process of its own, with events about them.
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
//! # When something fails
//!
//! Any part may be killed at any time, and the store goes on:
//!
//! | what ends | what happens | what is lost | who is told |
//! |---|---|---|---|
//! | a bucket | its name is free; the next `create` makes a new one | its entries, unless the [storage](Storage) keeps them; operations that were not answered | the event manager, by [`BucketEvent::Exited`] with the reason; waiting callers, by [`CallError::Exit`](genserver::CallError::Exit) |
//! | the registry | it is restarted with the names that it had; buckets and lookups do not notice | nothing: the new registry announces buckets that ended meanwhile | callers that wait in `create`, by [`CreateError::Registry`]; they can safely ask again |
//! | the event manager | it is restarted without handlers | the handlers, and the events until they are added again | processes that monitor it; streams end with [`StreamError::Died`](genevent::StreamError::Died) |
//! | the buckets' supervisor | all buckets end with it; it is started again, and the names are free | all buckets | the event manager, of each bucket |
//! | more of these than [allowed](StoreOptions::max_restarts) within a time | the store ends | all of it | processes that are linked to the store or monitor it; every method then fails, and no lookup finds a bucket |
//!
//! A function given to [`Bucket::update`] that panics ends its bucket. A bucket that is stuck in such a function keeps its
//! own clients waiting, for five seconds each, and no others.
//!
//! # Storage
//!
//! By default entries live in their bucket's memory and are lost with it. A [`Storage`] can keep them. It is a trait, and a
//! store does not assume that it is a disk.
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
// Finding buckets by name.
mod registry;
// Announcing buckets.
mod event;
// A bucket.
mod bucket;
// Operations on a bucket, as values.
mod operation;
// The names of buckets.
mod name;
// Keeping entries beyond their bucket.
mod storage;

// The crates whose types are in the signatures here, so that a user need not match their versions.
/// The macro that an implementation of [`Storage`] needs.
pub use async_trait;
/// Keys and values.
pub use bytes;
/// The manager of a store's events.
pub use genevent;
/// Processes, references, reasons and errors.
pub use genserver;

pub use bucket::{Bucket, BucketArgs, BucketCall, BucketGet, BucketRead, BucketServer, CompareAndSetError, WriteError};
pub use event::{BucketEvent, EventManagerRef};
pub use name::{BucketName, NAME_MAX, NameError};
pub use operation::{KeyPage, Operation, OperationResult};
pub use registry::{
    BucketStartError, CreateError, CreateLaterError, Registry, RegistryArgs, RegistryCall, RegistryCast, RegistryInfo,
    RegistryServer,
};
pub use storage::{Durability, MemoryStorage, Storage, StorageChange, StorageError};
pub use store::{Store, StoreOptions};
