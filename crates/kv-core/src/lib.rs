//! A supervised store of named buckets, which tells of its buckets by events.
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
//! A *bucket* is a process that has keys and values. A *registry* knows the buckets by their names, and an *event manager* is told
//! when one comes or goes. A [`Store`] is all of it under one supervisor, started and stopped as one value, to be embedded in
//! your program. It parses nothing and prints nothing; `kv-server` puts it on a socket.
//!
//! The example `axum` (`cargo run -p kv-core --example axum`) puts it behind HTTP.
//!
//! # Names
//!
//! A name is a text of 1 to 255 bytes, made from whatever your users type: see [`BucketName`]. Creating is done once, however
//! often it is asked for, and looking up sends no message:
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
//! When `create` returns, every thread's [`lookup`](Store::lookup) finds the bucket. When a bucket's `stop` returns, none does. In
//! between, a lookup never returns a bucket that was already about to end.
//!
//! # Keys and values
//!
//! Both are [`Bytes`](bytes::Bytes), so any protocol fits, and what was read off a socket need not be copied. A bucket does one
//! thing after the other. What has to be done as one thing is said as one thing: with a function that runs in the bucket, by
//! comparing and setting, or as a list of operations.
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
//! The event manager takes handlers, and hands out streams, as every [`genevent::Manager`] does. The registry tells it
//! synchronously, so when `create` returns, every handler has seen the [`BucketEvent`], and every stream's consumer has dealt with
//! it. A slow one slows creating down, five seconds a bucket at most, and nothing else: reading, writing and looking up do not wait
//! for it. A consumer that nobody should wait for says so with [`mode`](genevent::EventStream::mode).
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
//! let Some(BucketEvent::Created { name, .. }) = events.try_next().await? else { panic!("nothing else happened") };
//! assert_eq!(name, "shopping");
//! # store.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # When something fails
//!
//! Every part may be killed at any time, and the store goes on:
//!
//! | what ends | what happens | what is lost | who is told |
//! |---|---|---|---|
//! | a bucket | its name is free; the next `create` makes a new one | its entries, unless the [storage](Storage) keeps them; what was asked of it and not answered | the event manager: [`BucketEvent::Exited`] with the reason; whoever waits for an answer: [`CallError::Exit`](genserver::CallError::Exit) |
//! | the registry | it is started again, and goes on with the names that it had; buckets and lookups do not notice | nothing: a bucket that ended meanwhile is told of by the new registry | whoever waits in `create`: [`CreateError::Registry`]; asking again does no harm |
//! | the event manager | it is started again, without handlers | the handlers, and the events until they are added again | whoever monitors it; streams end with [`StreamError::Died`](genevent::StreamError::Died) |
//! | the buckets' supervisor | all buckets end with it; it is started again, and the names are free | all buckets | the event manager, of each bucket |
//! | more of these than [allowed](StoreOptions::max_restarts) within a time | the store ends | all of it | whoever is linked with the store or monitors it; from then on every function fails, and no lookup finds anything |
//!
//! A function given to [`Bucket::update`] that panics ends its bucket. A bucket that is stuck in such a function keeps its own
//! clients waiting, five seconds each, and nobody else.
//!
//! # What remembers
//!
//! By default the entries live in their bucket's memory and are gone with it. [`Storage`] is what may remember them; it is a
//! trait, and nothing in a store assumes that there is a disk behind it.
//!
//! # What it costs, and when (not) to use it
//!
//! If what you want is a map that threads share, put a `Mutex` around one: reading and writing are then three to nine times as fast as
//! in a bucket, with one task as with sixteen, and nothing here changes that. A hand-written Tokio actor takes up to three times as
//! long as a bucket that one task asks, and about as long when two threads ask at the same time. Looking up a name takes one and a
//! half times as long as in a concurrent map. On your machine it is measured by
//!
//! ```text
//! cargo xtask bench --only bucket
//! ```
//!
//! which says as well what an empty bucket takes: about 800 bytes of the process, the allocator's share included. A name that is gone
//! takes none.
//!
//! Take a bucket when the entries should have an owner that others can watch, that fails alone, or whose operations take turns across
//! an `await`; and a store when such owners come and go by name.

// All of it as one value: begin here.
mod store;
// Names and their buckets.
mod registry;
// What is told of buckets.
mod event;
// A bucket.
mod bucket;
// What can be done to one, as values.
mod operation;
// What a bucket may be called.
mod name;
// What remembers a bucket's entries when its process is gone.
mod storage;

pub use bucket::{Bucket, BucketArgs, BucketCall, BucketRead, BucketServer, CompareAndSetError, WriteError};
pub use event::{BucketEvent, Events};
pub use name::{BucketName, NAME_MAX, NameError};
pub use operation::{KeyPage, Operation, OperationResult};
pub use registry::{
    CreateError, CreateLater, CreateLaterError, NotStarted, Registry, RegistryArgs, RegistryCall, RegistryInfo,
    RegistryServer,
};
pub use storage::{Durability, MemoryStorage, Storage, StorageChange, StorageError};
pub use store::{Store, StoreOptions};
