//! The buckets of a [`kv_core::Store`] in the logs of a cluster's engine, so that any machine can go on with them.
//!
//! ```
//! # #[cfg(feature = "model")]
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use genserver_cluster::engine::model::Model;
//! use kv_cluster::LogStorage;
//! use kv_core::Store;
//!
//! // In production this is NATS, and each member is a program of its own.
//! let engine = Model::new();
//! let storage = LogStorage::over(engine.member("a")).name_space("shop");
//! let a = Store::options().storage(storage).start().await?;
//! let on_a = a.create("shopping").await?;
//! on_a.put("milk", "1").await?;
//!
//! // Another machine goes on with it, ...
//! let storage = LogStorage::over(engine.member("b")).name_space("shop");
//! let b = Store::options().storage(storage).start().await?;
//! let on_b = b.lookup("shopping").ok_or("it is in the log")?;
//! assert_eq!(on_b.get("milk").await?, Some("1".into()));
//!
//! // ... and from then on the first one changes nothing, even if it does not know yet.
//! let refused = on_a.put("milk", "2").await.unwrap_err();
//! assert!(refused.to_string().contains("another member has loaded the bucket since"));
//! # a.stop().await?;
//! # b.stop().await?;
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "model"))]
//! # fn main() {}
//! ```
//!
//! [`LogStorage`] is a [`kv_core::Storage`] on an [`Engine`](genserver_cluster::engine::Engine): NATS with the feature `nats`, and a model
//! of one with the feature `model`, for tests.
//!
//! # How it works
//!
//! Each bucket has a log. A commit is one entry with all its changes, and is written only behind the last entry that the
//! bucket's owner knows: the engine refuses it if there is another one. To load a bucket is to read its log to the end and to write a
//! *claim* there. From then on the owner before it can write nothing, whatever it still has on its way.
//!
//! When a log has become three times as long as what is in its bucket, and has more than 64 KiB, the next commit is written together
//! with the rest of the bucket, as one snapshot that replaces the log.
//!
//! The bytes are written down in the format's file, `record.rs`. Each entry has the version of the format, and a build that does not
//! know it says so.
//!
//! # What is promised, and what is not
//!
//! As long as the engine keeps its [rules](genserver_cluster::engine#rules):
//!
//! | | |
//! |---|---|
//! | a write that was answered | is found by everybody who loads the bucket afterwards |
//! | a write that was refused with [`WriteError::Storage`](kv_core::WriteError::Storage) | was not made, and never will be |
//! | a write that the engine does not answer | is sent again, and looked for in the log. If nobody can tell whether it was made, the client hears that the bucket [did not reply](kv_core::genserver::CallError::NoReply), and the bucket is loaded again |
//! | writes of two owners at one time | take turns: each is made on what all before it have left, or is refused |
//! | a read | is answered from the memory of its owner. One that does not know yet that it is none may answer with what was. So give a bucket one owner at a time: a [name](genserver_cluster::Cluster::start_named) in the cluster does |
//! | the names of the buckets when a store starts | the newest may be missing; creating such a bucket finds its entries |
//! | a member that ends, or a server of the engine | loses nothing |
//! | an engine that loses power without having written to its disk | may lose what was answered: have it write before it answers |
//!
//! # Limits
//!
//! A snapshot is one entry, so a bucket takes as much as an entry may have: [1 MiB](ENTRY_MAX), unless
//! [`entry_max`](LogStorage::entry_max) is larger and the engine takes it. A write that makes a bucket larger is refused. For more,
//! use several buckets.
//!
//! The names of all buckets have to fit into an entry, too. Each takes 25 bytes besides itself: that is 28,000 of 12 bytes in 1 MiB.
//!
//! A bucket that was removed leaves one entry of 18 bytes in the engine, so that an owner who does not know of it changes nothing.
//!
//! # When not to use it
//!
//! - On one machine, `Durable` of [`kv_core`] is faster, and keeps more.
//! - A commit takes a round trip to the engine, and the answers of most of its servers.

// The storage: begin here.
mod storage;
// The names of all buckets.
mod names;
// The log of one bucket, as its owner writes it.
mod log;
// What a log says.
mod contents;
// The format of an entry.
mod record;

pub use storage::{ENTRY_MAX, LogStorage};
