//! Events between machines: what one member publishes to a topic, subscribers on every member get.
//!
//! ```
//! # #[cfg(feature = "model")]
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use futures::StreamExt;
//! use genevent::Manager;
//! use genserver_cluster::Cluster;
//! use genserver_cluster::engine::model::Model;
//! use genserver_cluster::events::ClusterEvent;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Order {
//!     item: String,
//! }
//!
//! impl ClusterEvent for Order {
//!     const NAME: &str = "shop.order";
//!     const VERSION: u32 = 1;
//! }
//!
//! let engine = Model::new();
//! let a = Cluster::over(engine.member("a")).member("a").start().await?;
//! let b = Cluster::over(engine.member("b")).member("b").start().await?;
//!
//! // On one machine, a reader that will go on where it has stopped.
//! let mut billing = b.topic::<Order>("orders").reader("billing").await?;
//!
//! // On another, a manager whose events all go to the topic.
//! let sales = Manager::start().await?;
//! sales.add_async_handler(a.topic::<Order>("orders")).await?;
//! sales.sync_notify(Order { item: "milk".into() }).await?;
//!
//! let order = billing.next().await.expect("it waits for one")?;
//! assert_eq!(order.event.item, "milk");
//! billing.confirm();
//! billing.close().await?;
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "model"))]
//! # fn main() {}
//! ```
//!
//! # Publishing
//!
//! [`Cluster::topic`](crate::Cluster::topic) returns a [`Topic`] of events of one type. [`publish`](Topic::publish) returns when the
//! engine has the event. A topic is also a handler of a [`genevent`] manager: each event of the manager is published, and a sender that
//! used [`sync_notify`](genevent::Manager::sync_notify) waits until the engine has it, or hears why it has not.
//!
//! # Subscribing
//!
//! | | begins | when its program has ended |
//! |---|---|---|
//! | [`events`](Topic::events) | now | it begins anew |
//! | [`events_after`](Topic::events_after) | behind a position that you keep, or with the oldest event | you say where it goes on |
//! | [`reader`](Topic::reader) | now, the first time | it goes on behind what it has [confirmed](Reader::confirm) |
//!
//! All are streams, and each gets every event. They outlast lost connections: they continue behind the last event that they have
//! returned. To pass events to a manager of this machine, send it each one, and confirm it then:
//!
//! ```
//! # use futures::StreamExt;
//! # use genevent::Manager;
//! # use genserver_cluster::events::{ClusterEvent, EventsError, Reader};
//! # async fn pass<E: ClusterEvent>(mut reader: Reader<E>, manager: Manager<E>)
//! # -> Result<(), Box<dyn std::error::Error>> {
//! while let Some(received) = reader.next().await {
//!     match received {
//!         Ok(received) => manager.sync_notify(received.event).await?,
//!         Err(EventsError::Missed { count, .. }) => println!("{count} events are missing"),
//!         Err(error) => return Err(error.into()),
//!     }
//!     reader.confirm();
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What is promised, and what is not
//!
//! | | |
//! |---|---|
//! | an event that was published | every reader gets it, as long as it is [kept](Topic::retention). One that comes too late is told [how many](EventsError::Missed) it has missed |
//! | an event whose `publish` failed | its error says whether it may be published all the same, and even later |
//! | order | an event whose `publish` has succeeded comes before each whose `publish` begins afterwards; and all subscribers have the same order |
//! | doubles in a topic | none of one `publish`, however often it had to ask: each event has an id, and the engine knows ids for [two minutes](crate::engine::DOUBLES_WITHIN). An attempt that an engine carries out still later makes a double, with the same id |
//! | doubles of a reader | none as long as it is not dropped. The next one of its name gets what the last had not confirmed, or whose confirmation was not written yet, once more and with the same position |
//! | two readers of one name | both get all events until the older one confirms something: then it is [told](EventsError::TakenOver) that the newer one has the name, and ends |
//! | an engine that does not answer | subscriptions wait, and go on by themselves. `publish` fails after a time to live |
//! | an engine that loses power without having written to its disk | may have lost what it has confirmed |
//!
//! To carry out the effect of each event once in spite of that, keep its [position](Received::position) where the effect is kept, in one
//! transaction, and begin with [`events_after`](Topic::events_after).
//!
//! # What it costs
//!
//! A topic is a stream of the engine, and on three servers a group of them that agrees on each event: have tens of topics, and not one for
//! each customer. A reader costs the engine an entry of a log, for ever, and at most twenty changes a second of it while it confirms.

// What is published: begin here.
mod event;
// Where it is published.
mod topic;
// How a stream of the engine is followed, whatever happens to the connection, ...
mod following;
// ... from now on, or behind a position, ...
mod subscription;
// ... or behind what was confirmed, ...
mod reader;
// ... which is kept in a log.
mod place;
// How long one waits before one tries again.
mod pauses;
// What goes wrong.
mod error;

pub use error::{EventsError, PublishError, SubscribeError};
pub use event::{ClusterEvent, Received};
pub use reader::Reader;
pub use subscription::Events;
pub use topic::Topic;
