//! Buckets of [`kv_core`] on several machines: each has one owner, any machine takes requests for it, and another one goes on with it.
//!
//! ```
//! # #[cfg(feature = "model")]
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use genserver_cluster::Cluster;
//! use genserver_cluster::engine::model::Model;
//! use kv_cluster::{ClusterStore, LogStorage};
//! use kv_core::{Operation, OperationResult};
//!
//! // In production this is NATS, and each member is a program of its own.
//! let engine = Model::new();
//! let a = Cluster::over(engine.member("a")).name_space("shop").member("a").start().await?;
//! let a = ClusterStore::start(a, LogStorage::over(engine.member("a")).name_space("shop")).await?;
//! let b = Cluster::over(engine.member("b")).name_space("shop").member("b").start().await?;
//! let b = ClusterStore::start(b, LogStorage::over(engine.member("b")).name_space("shop")).await?;
//!
//! a.create("shopping").await?;
//! b.apply_each("shopping", vec![Operation::Put("milk".into(), "1".into())]).await?;
//!
//! // Whichever of them owned it, the other one goes on.
//! b.stop().await?;
//! let found = a.apply_each("shopping", vec![Operation::Get("milk".into())]).await?;
//! assert_eq!(found, [Ok(OperationResult::Value(Some("1".into())))]);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "model"))]
//! # fn main() {}
//! ```
//!
//! Each member of a [`Cluster`](genserver_cluster::Cluster) starts a [`ClusterStore`]. Its buckets are in the logs of the cluster's
//! [`Engine`](genserver_cluster::engine::Engine): NATS with the feature `nats`, and a model of one with the feature `model`, for tests.
//!
//! # The owner of a bucket
//!
//! A bucket has an owner while it is in use: a server with a [name](genserver_cluster::Cluster::start_named) in the cluster, whose member
//! has the entries in memory. A member that is asked for a bucket asks the owner. If there is none, it has another member start it: the
//! one that rendezvous hashing prefers, or the next one if that does not answer. So each member owns about as many buckets as the others.
//!
//! An owner loads the bucket after it has got the name, and ends when the name is lost or another member has written the bucket's log.
//! Its next request then finds another owner, which loads what the log has.
//!
//! An owner that is asked nothing for ten minutes ends. The next request has one started.
//!
//! When a member ends in order, its buckets have no owner at once. When its machine is gone without a word, they have none within the
//! cluster's [time to live](genserver_cluster::ClusterOptions::time_to_live). Requests fail until then, unless they may
//! [wait](ClusterStore::timeout) for longer. One that was sent to that machine is not sent again: it may have been carried out.
//!
//! # The log of a bucket
//!
//! [`LogStorage`] is a [`kv_core::Storage`], and works without a cluster, too: then the member that loads a bucket last has it.
//!
//! ```
//! # #[cfg(feature = "model")]
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use genserver_cluster::engine::model::Model;
//! # use kv_cluster::LogStorage;
//! # use kv_core::Store;
//! # let engine = Model::new();
//! let a = Store::options().storage(LogStorage::over(engine.member("a"))).start().await?;
//! let on_a = a.create("shopping").await?;
//! on_a.put("milk", "1").await?;
//!
//! // Another machine goes on with it, ...
//! let b = Store::options().storage(LogStorage::over(engine.member("b"))).start().await?;
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
//! | a read of a [`ClusterStore`] | is answered from the memory of the owner while that has the name, and so sees each write that was answered before |
//! | a read of a [`Store`](kv_core::Store) over a [`LogStorage`] | is answered from its memory, and may show what was, if another store has loaded the bucket since |
//! | a request of a [`ClusterStore`] that fails | was not carried out, and is not later, unless [`may_have_been_carried_out`](ClusterStoreError::may_have_been_carried_out) says that nobody knows |
//! | requests of one member that are under way at the same time | may be carried out in any order |
//! | the names of the buckets | the newest may be missing; creating such a bucket finds its entries |
//! | a member that ends, or a server of the engine | loses nothing |
//! | an engine that loses power without having written to its disk | may lose what was answered: have it write before it answers |
//!
//! # What happens in buckets
//!
//! A stream of [`events`](ClusterStore::events) tells on each member what happens on all of them. No bucket waits for it, and a message
//! between machines may be lost. The stream then says how many events are missing, as soon as the next one comes from the same member.
//! It does not tell of a key that expires while its bucket has no owner.
//!
//! # Limits
//!
//! A request and its answer are one message of the cluster each, of [1 MiB](genserver_cluster::MESSAGE_MAX) unless the cluster has another
//! bound: read large buckets page by page.
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
//! - A commit takes a round trip to the engine, and the answers of most of its servers. A request takes another one, on the member of the
//!   owner as well.
//! - An owner's name costs the engine three changes within its time to live, as long as the bucket is in use. For a hundred
//!   thousand things that are in use at once, use keys of a few buckets.

// The store of a cluster: begin here.
mod cluster_store;
// The owner of a bucket, ...
mod owner;
// ... who starts it on a member, ...
mod opener;
// ... which member that is, ...
mod placement;
// ... when the owner may load the bucket, ...
mod grants;
// ... and what it is asked, as it travels.
mod messages;
// What happens in buckets, told to all members.
mod events;
// The storage.
mod storage;
// The names of all buckets.
mod names;
// The log of one bucket, as its owner writes it.
mod log;
// What a log says.
mod contents;
// The format of an entry.
mod record;

/// The cluster, and the engine under it.
pub use genserver_cluster;

pub use cluster_store::{ClusterStore, ClusterStoreError};
pub use storage::{ENTRY_MAX, LogStorage};
