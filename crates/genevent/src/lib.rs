//! Erlang/OTP-style event managers: a process passes each event to handlers that are added, removed, swapped and fail one by
//! one, after `gen_event` and Elixir's `GenEvent`.
//!
//! ```
//! use genevent::{Handler, HandlerCx, Manager, React, Reaction};
//! use genserver::Never;
//!
//! struct Total(u64);
//!
//! impl Handler<u64> for Total {
//!     type Call = Never;
//!
//!     fn handle_event(&mut self, event: &u64, _cx: &mut HandlerCx<u64>) -> Reaction<u64> {
//!         self.0 += event;
//!         React::stay()
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let manager = Manager::start().await?;
//! let total = manager.add_handler(Total(0)).await?;
//! manager.notify(20)?;
//! manager.sync_notify(22).await?;
//! assert_eq!(manager.remove_handler(&total).await?.0, 42);
//! # Ok(())
//! # }
//! ```
//!
//! Several parts of a program want to know when something happens, and they come and go: a log, a cache, a person at a
//! terminal. A [`Manager`] is a process that is told once and passes the event to each of its [`Handler`]s, oldest first.
//! Handlers get events by reference, so an event is cloned only by a handler that keeps it. A handler that panics is
//! removed, and the others are not affected.
//!
//! # Three ways to send an event
//!
//! The sender chooses how long it waits:
//!
//! | function | returns when | good for |
//! |---|---|---|
//! | [`notify`](Manager::notify) | the event is in the mailbox | events that may be handled later |
//! | [`ack_notify`](Manager::ack_notify) | the manager has taken it | senders that could outrun the manager |
//! | [`sync_notify`](Manager::sync_notify) | every handler is done with it | effects that the next line relies on |
//!
//! Events of one sender are handled in the order in which they were sent, in whichever way. The sender's other requests
//! keep the same order.
//!
//! # Handlers and their owners
//!
//! A manager has at most one handler of each type, or one of each type and [id](AddHandler::id). [`call`](Manager::call)
//! asks one handler something, [`remove_handler`](Manager::remove_handler) returns it with its state, and
//! [`swap_handler`](Manager::swap_handler) replaces it without missing an event.
//!
//! Often a handler makes sense only as long as some process lives: a handler that forwards to that process, for instance.
//! Such a handler is [bound to](AddHandler::bound_to) the process and is removed with it. A process that also wants to know
//! when its handler is gone [owns](AddHandler::owned_by) it:
//!
//! ```
//! use genevent::{Forwarder, GoneReason, HandlerGone, Manager};
//! use genserver::{Letter, Probe};
//!
//! #[derive(Debug, PartialEq)]
//! enum Heard {
//!     Event(&'static str),
//!     Gone(HandlerGone),
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut probe = Probe::new();
//! let manager = Manager::start().await?;
//! let forwarder = Forwarder::to(probe.sender().recipient(Heard::Event));
//! manager.add_handler(forwarder).owned_by(probe.sender().recipient(Heard::Gone)).await?;
//!
//! manager.sync_notify("hello").await?;
//! assert_eq!(probe.try_recv(), Some(Letter::Message(Heard::Event("hello"))));
//!
//! manager.stop().await?;
//! let Some(Letter::Message(Heard::Gone(gone))) = probe.try_recv() else {
//!     panic!("the owner is told")
//! };
//! assert_eq!(gone.why, GoneReason::Shutdown);
//! # Ok(())
//! # }
//! ```
//!
//! # Streams
//!
//! A consumer that would rather poll for events than be called takes a [`stream`](Manager::stream). A stream has a bounded
//! buffer and a policy for a full one. [`StreamExt`](futures::StreamExt) does the rest.
//!
//! ```
//! use futures::{StreamExt, TryStreamExt};
//! use genevent::Manager;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let manager = Manager::start().await?;
//! let mut events = manager.stream();
//! events.subscribe().await?;
//! manager.notify("hello")?;
//! manager.notify("world")?;
//! manager.stop().await?;
//! assert_eq!(events.try_collect::<Vec<_>>().await?, ["hello", "world"]);
//! # Ok(())
//! # }
//! ```
//!
//! # When a handler fails
//!
//! A callback that returns an error or panics ends its handler. The handler's terminate runs, then its owner is told, and a
//! caller that waits for it gets the reason. The other handlers still see the event, and its sender notices nothing. The
//! failure is [reported](genserver::report) with the handler, the manager, the event, the handler's state and the reason. A
//! handler that takes longer than a second is reported too, because all others wait for it.
//!
//! A handler may also stay and [refuse](React::refuse) an event. The other handlers see the event, and its sender gets
//! [`NotifyError::Refused`] with the handler and the reason. This is for a handler that senders rely on, as on a
//! log of the events.
//!
//! # What it costs
//!
//! Handlers are compared with a bare task that calls a list of boxed functions. Streams are compared with Tokio's broadcast
//! channel, if its sender waits for the slowest receiver as the manager does here. This is how many times as long a manager
//! takes as these, by how many are told (AMD EPYC, two cores):
//!
//! | | 1 | 8 | 64 | 1,024 |
//! |---|---|---|---|---|
//! | `notify`, plain handlers, one thread | 0.74 | 0.87 | 1.24 | 1.30 |
//! | the same, two workers | 0.51 | 0.74 | 1.14 | 1.31 |
//! | `notify`, async handlers that do not wait, one thread | 1.44 | 1.77 | 2.35 | 2.81 |
//! | the same, two workers | 1.10 | 1.37 | 1.98 | 2.81 |
//! | streams, one thread | 1.80 | 0.60 | 0.41 | 0.50 |
//! | the same, two workers | 1.54 | 0.93 | 0.70 | 0.58 |
//!
//! [`sync_notify`](Manager::sync_notify) to plain handlers takes 0.36 to 1.08 of the time in which that task answers. None of
//! these allocates. A callback allocates if it has to wait, or if its future is larger than 256 bytes. A stream takes at
//! most 256 bytes in its manager, besides the events, which are kept once for all streams.
//!
//! These are medians of interleaved rounds, and other processors have other ratios. To measure yours, beside other libraries:
//!
//! ```text
//! cargo xtask bench --only notify
//! cargo xtask bench --only streams
//! ```
//!
//! # Where this differs from OTP
//!
//! The vocabulary is that of Elixir's `GenEvent` 1.0 to 1.4, plus what the other generations had:
//!
//! - A callback may ask to be [swapped](React::swap), as in Erlang. The successor takes the position and the owner.
//! - Identities are unique, as in Elixir; Erlang allows several handlers of one identity.
//! - An owner is monitored and not linked, as in Elixir; Erlang links it. What is `link: true` in older Elixir is
//!   [`owned_by`](AddHandler::owned_by).
//! - After a failed swap neither handler is there, as in both. The new one comes back with the error.
//! - A handler that names a successor which the manager already has fails. The existing one is not touched.
//! - A failed add leaves no monitor behind, swaps inside callbacks may hibernate, and owners get the real error.
//! - The type system allows only calls that a handler answers: bad calls and bad returns cannot happen.
//! - [`remove_handler`](Manager::remove_handler) returns the whole handler, not just a term that its terminate returns.
//! - Calls give up after five seconds unless told otherwise, and so do [`ack_notify`](Manager::ack_notify) and
//!   [`sync_notify`](Manager::sync_notify). In OTP the latter two wait forever.
//! - The manager waits for the consumer of a stream only as long as the sender of the event does. A consumer that calls the
//!   manager that waits for it [gets an error](EventStream#calling-the-manager-from-its-consumer). In OTP both wait forever.
//! - A manager does not trap exits unless [started that way](Manager::start_trapping), as in Elixir; Erlang's always does.
//!
//! # Features
//!
//! `tokio` and `persistence` are on by default. `tokio` and `smol` are those of [`genserver`], and `persistence` adds a log of
//! events on disk. `metrics` times the delivery of events, and counts refusals and handlers that leave, for the recorder of the
//! `metrics` crate that the program installs; `docs/OBSERVING.md` in the repository lists them.
//!
//! # Crates in its signatures
//!
//! [`genserver`] and [`futures`] are re-exported, and `serde` with the feature `persistence`.

// Plain data: events, ids, modes, policies, reasons, errors.
mod values;
// Handlers: their traits, the values their callbacks get and return, and their storage.
mod handler;
// The queue between the manager and one consumer of a stream.
mod subscription;
// The manager's process.
mod server;
// The client side: references to a manager.
mod manager;
// Events as a stream, and a sink for events.
mod stream;
// The handlers that come with the crate: a logger and two forwarders, ...
mod builtin;
// ... and one that keeps events on disk.
#[cfg(feature = "persistence")]
pub mod persistence;

// The crates whose types are in the signatures here, so that a user need not match their versions.
/// `Stream`, `Sink` and `FusedStream`, which streams and sinks of events implement, and `BoxFuture`.
pub use futures;
/// Processes, references, reasons and errors.
pub use genserver;
/// What an event must implement to be kept on disk. With `derive`, add `#[serde(crate = "genevent::serde")]`.
#[cfg(feature = "persistence")]
pub use serde;

pub use builtin::{ForwardToManager, Forwarder, LOGGER_MESSAGES_DEFAULT, LoggedMessages, LoggerHandler};
pub use handler::{AsyncHandler, Handler, HandlerCaller, HandlerCx, HandlerStep, Hold, React, Reaction};
pub use manager::{AddHandler, CallHandler, Manager, NotifyCall, RemoveHandler, SwapHandler};
#[cfg(feature = "persistence")]
#[doc(inline)]
pub use persistence::PersistenceHandler;
pub use server::{ManagerArgs, ManagerCall, ManagerInfo, ManagerServer};
pub use stream::{EventSink, EventStream, STREAM_BUFFER_DEFAULT, StreamCanceller, StreamError};
pub use values::{
    AddHandlerError, CallHandlerError, Event, GoneReason, HandlerGone, HandlerId, HandlerRef, InstanceId, LagPolicy,
    MakeHandler, NotifyAnswer, NotifyError, NotifyMode, OldHandlerError, RemoveHandlerError, ReturnedHandler,
    SwapHandlerError, TerminateArg, TerminateReason,
};
