//! A model of an engine in memory: it keeps the rules of every engine, and shows each fault that they allow.
//!
//! It is for tests, above all in [simulations](genserver::sim): its time is that of the runtime, and whatever it decides is drawn, so
//! it is in the recipe of a run. Several members connect to one model, and each can be cut off from the others.
//!
//! ```
//! use std::time::Duration;
//!
//! use genserver::sim::{self, sometimes};
//! use genserver_cluster::engine::model::{Faults, Model};
//! use genserver_cluster::engine::{ChangeError, Engine};
//!
//! sim::check(async |_sim| {
//!     let model = Model::new();
//!     let (a, b) = (model.member("a"), model.member("b"));
//!     let lease = Duration::from_secs(15);
//!
//!     let revision = a.create("shop.name.n1", "a".into(), lease).await.unwrap();
//!     let refused = b.create("shop.name.n1", "b".into(), lease).await;
//!     assert_eq!(refused, Err(ChangeError::Conflict));
//!
//!     // What is read may be old from now on.
//!     model.set_faults(Faults::new().stale(Duration::from_secs(5)));
//!     let entry = b.get("shop.name.n1").await.unwrap();
//!     assert!(entry.is_none_or(|entry| entry.revision == revision));
//! });
//! ```
//!
//! # What it shows
//!
//! Each of these can be had alone, and all of them together: with [`Faults`], or by the methods of [`Model`] that cut members off.
//!
//! | in production | in the model |
//! |---|---|
//! | the network is slow | [`Faults::latency`] |
//! | a request is lost, or its answer, or either comes after its member has given up | [`Faults::unanswered`] |
//! | a message is lost | [`Faults::lost`] |
//! | a read is answered by a server that is behind | [`Faults::stale`] |
//! | a key outlives its time to live | [`Faults::late_leases`] |
//! | a server has not yet heard of a subscription at another one | [`Faults::late_subscriptions`] |
//! | a member loses its connection | [`Model::cut`] |
//! | a member is on the side of the minority of the engine's servers | [`Model::isolate`] |
//!
//! # What it does not show
//!
//! - The engine never loses an acknowledged change, and never goes back in time: a real one may, if it loses power and does not write
//!   to its disk at once.
//! - There are two sides at most: that of the majority, and one of a minority.
//! - Messages, keys, entries and events may have any size.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::poll_fn;
use genserver::Probe;

// What may go wrong.
mod faults;
// What was true when.
mod past;
// The engine's servers as one: what they hold, and what is on its way to them and from them, ...
mod system;
// ... how members are cut off, ...
mod links;
// ... how keys change, ...
mod keys;
// ... logs grow, ...
mod logs;
// ... streams of events do and are followed, ...
mod events;
// ... and messages travel.
mod messages;
// Who lets things happen when they are due.
mod driver;
// The engine, as a member sees it.
mod member;

use driver::Shared;
pub use faults::Faults;
pub use member::Member;

/// How long an operation waits for its answer, if nothing else was chosen.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// An engine in memory: see [the page](self).
///
/// Its clones are the same engine.
#[derive(Clone)]
pub struct Model {
    shared: Arc<Shared>,
}

impl Model {
    /// An engine without keys, logs and streams, in which nothing goes wrong.
    ///
    /// # Panics
    ///
    /// In plain code outside every runtime: what happens later is a process.
    #[must_use]
    pub fn new() -> Self {
        let shared = Arc::new(Shared::new(ANSWER_WITHIN));
        let mut driver = driver::Driver::new(&shared);
        genserver::spawn(move |_me: Probe<()>| async move { poll_fn(|cx| driver.poll(cx)).await })
            .expect("a model is made inside a runtime, as an async main has one");
        Self { shared }
    }

    /// The engine as this member sees it. The same name is the same member.
    #[must_use]
    pub fn member(&self, name: &str) -> Member {
        Member { shared: Arc::clone(&self.shared), name: name.into() }
    }

    /// Says what may go wrong from now on, instead of what could before.
    pub fn set_faults(&self, faults: Faults) {
        self.shared.with(|system| system.set_faults(faults));
    }

    /// Says how long operations wait for their answers: 5 seconds, if it does not.
    pub fn set_answer_within(&self, within: Duration) {
        self.shared.with(|system| system.answer_within = within);
    }

    /// Cuts a member off: nothing that it sends arrives, and nothing arrives that is sent to it.
    ///
    /// What is on its way is lost, or it is held up: then it arrives after the member has come back. At first the member does not
    /// know, and its operations are not answered. It notices after a drawn time, at most twice as long as it waits for answers: then its
    /// operations fail with [`Unreachable`](crate::engine::EngineError::Unreachable), and its subscriptions and watches end.
    pub fn cut(&self, member: &str) {
        self.shared.with(|system| system.cut(member));
    }

    /// Puts members on the side of a minority of the engine's servers, beside those that are there.
    ///
    /// They get messages from each other alone. Their changes are not made, or are held up until they come back. What they read
    /// stays as it was when they were cut off. After a drawn time, at most `reads`, they read nothing any more. Their watches are told
    /// nothing.
    pub fn isolate(&self, members: &[&str], reads: Duration) {
        self.shared.with(|system| members.iter().for_each(|member| system.isolate(member, reads)));
    }

    /// Deletes a stream of events, as somebody may do with the tools of an engine. The next [`open_stream`](crate::engine::Engine::open_stream) makes
    /// another one.
    pub fn delete_stream(&self, stream: &str) {
        self.shared.with(|system| system.delete_stream(stream));
    }

    /// Ends what [`cut`](Self::cut) and [`isolate`](Self::isolate) have begun. What was held up arrives now.
    ///
    /// A watch goes on with all that it has missed, or is [lost](crate::engine::WatchEvent::Lost). Who follows a stream goes on as well,
    /// or has to begin anew.
    pub fn rejoin(&self, member: &str) {
        self.shared.with(|system| system.rejoin(member));
    }
}

impl Default for Model {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model").finish_non_exhaustive()
    }
}
