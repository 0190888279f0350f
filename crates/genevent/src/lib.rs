//! An event manager after OTP's: one process, many handlers, each with a state of its own.
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
//! Something happens, and several parts of a program want to know, which come and go: a log, a cache, a person at a terminal. A
//! [`Manager`] is a process that is told once, and hands the event to each of its [`Handler`]s, oldest first. Events are passed by
//! reference; nobody clones one that nobody keeps. A handler that panics is removed, and nobody else notices.
//!
//! # Three ways to tell
//!
//! The sender chooses how long it waits:
//!
//! | function | returns when | good for |
//! |---|---|---|
//! | [`notify`](Manager::notify) | the event is in the mailbox | what may be handled later |
//! | [`ack_notify`](Manager::ack_notify) | the manager has taken it | senders that could be too fast |
//! | [`sync_notify`](Manager::sync_notify) | every handler is done with it | what the next line relies on |
//!
//! Events of one sender are handled in the order in which they were sent, whichever way, and so is whatever else it asks of
//! the manager.
//!
//! # Handlers and their owners
//!
//! A manager has one handler of each type, or one of each type and [id](AddHandler::id). [`call`](Manager::call) asks one of them something;
//! [`remove_handler`](Manager::remove_handler) brings it back, state and all; [`swap_handler`](Manager::swap_handler) puts another in
//! its place without an event in between.
//!
//! Often a handler makes sense only as long as some process does: one that forwards to it, for instance. Such a handler is
//! [bound to](AddHandler::bound_to) the process, and goes with it; and a process that wants to know when its handler has gone
//! [owns](AddHandler::owned_by) it:
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
//! let Some(Letter::Message(Heard::Gone(gone))) = probe.try_recv() else { panic!("the owner is told") };
//! assert_eq!(gone.why, GoneReason::Shutdown);
//! # Ok(())
//! # }
//! ```
//!
//! # Streams
//!
//! A consumer that would rather ask for events than be called with them takes a [`stream`](Manager::stream): it has a buffer with a
//! bound, and says what happens when that is full. [`StreamExt`](futures::StreamExt) does the rest.
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
//! A callback that returns an error, or panics, is the end of its handler. The handler is told, with its state as it is; then
//! its owner; and whoever had called it gets the reason. The others see the event as if nothing had happened, and so does its sender.
//! A failure is [reported](genserver::report): which handler, of which manager, the event, the handler's state, and the reason. So
//! is a handler that waits for more than a second, because everybody else waits with it.
//!
//! # What it costs
//!
//! An event takes a manager on one thread 45 nanoseconds, and 1.5 more for each plain handler; a bare task that calls a list of boxed
//! functions takes 87 and 1.2. So a manager is the faster of the two up to some sixty handlers, and takes 1.2 times as long with a
//! thousand. [`sync_notify`](Manager::sync_notify) takes 90, where the task is asked and answers in 240. A handler that could await, and
//! does not, takes 6. None of them allocates; an event that goes to handlers that await does once, however many they are.
//!
//! To leave an event with the consumer of a stream, and for that to take it, is 22 to 26 nanoseconds: on one thread, 0.7 to 0.9 of
//! the time of Tokio's broadcast channel, whose sender waits for the slowest receiver as the manager does here, and 1.2 times as
//! long with one consumer. With two workers, where a thread may have to be woken, plain handlers take 0.2 to 1.2 times as long as
//! the bare task, and streams 0.9 to 1.2 times as long as the channel; eight of them, 1 to 1.7 times.
//!
//! These are medians of fifteen rounds, on a machine with two cores. Half of the rounds lay within a tenth of them on one thread;
//! with two workers mostly within a third, and for eight consumers anywhere between half and twice. On yours, and beside other
//! libraries, they are measured by
//!
//! ```text
//! cargo xtask bench --only notify
//! cargo xtask bench --only streams
//! ```
//!
//! # Where this differs from OTP
//!
//! The vocabulary is that of Elixir's `GenEvent` 1.0 to 1.4, with what the other generations had besides:
//!
//! - A callback may ask to be [swapped](React::swap), as in Erlang. The successor takes the position and the owner.
//! - Identities are unique, as in Elixir; Erlang allows several handlers of one identity.
//! - An owner is watched and not linked, as in Elixir; Erlang links it. What `link: true` is in older Elixir is
//!   [`owned_by`](AddHandler::owned_by).
//! - A swap that fails leaves neither handler, as in both. The new one comes back with the error.
//! - A handler that names a successor which the manager has already has failed; the one that is there is not touched.
//! - A failing add leaves no monitor behind, in-callback swaps may hibernate, and owners hear the real error.
//! - Only a handler of the right type can be asked what that type answers: there is no bad call, and no bad return.
//! - [`remove_handler`](Manager::remove_handler) returns the handler, which is more than a term that its terminate could return.
//! - Calls, and [`ack_notify`](Manager::ack_notify) and [`sync_notify`](Manager::sync_notify) among them, give up after five
//!   seconds, unless they are told otherwise. There, the latter two wait for ever.
//! - The manager waits for the consumer of a stream only as long as the sender of the event does; and a consumer that asks the very
//!   manager that waits for it [hears so](EventStream#what-a-consumer-can-ask-its-manager). There, both wait for ever.
//! - A manager does not trap exits unless it is [told to](Manager::start_trapping), as in Elixir; Erlang's always does.

// What everything here speaks of: events, which handler, how far a sender waits, why a handler goes, and the errors.
mod values;
// Handlers: their traits, what a callback is given and answers, and a handler of any type in its slot.
mod handler;
// What a manager and the consumer of a stream share.
mod subscription;
// The process of a manager.
mod server;
// The client side of a manager.
mod manager;
// Events as a stream, and a sink that makes them.
mod stream;
// Handlers that are here already: one that keeps events as text, and two that pass them on, ...
mod builtin;
// ... and one that keeps them on disk.
#[cfg(feature = "persistence")]
pub mod persistence;

pub use builtin::{ForwardToManager, Forwarder, LOGGER_MESSAGES_DEFAULT, LoggedMessages, LoggerHandler};
pub use handler::{AsyncHandler, Handler, HandlerCaller, HandlerCx, HandlerStep, Hold, React, Reaction};
pub use manager::{AddHandler, CallHandler, Manager, NamedManager, NotifyCall, RemoveHandler, SwapHandler};
#[cfg(feature = "persistence")]
#[doc(inline)]
pub use persistence::PersistenceHandler;
pub use server::{ManagerArgs, ManagerCall, ManagerInfo, ManagerServer};
pub use stream::{EventSink, EventStream, STREAM_BUFFER_DEFAULT, StreamCanceller, StreamError};
pub use values::{
    AddHandlerError, CallHandlerError, Event, GoneReason, HandlerGone, HandlerId, HandlerRef, InstanceId, LagPolicy,
    MakeHandler, NotifyMode, OldHandlerError, RemoveHandlerError, ReturnedHandler, SwapHandlerError, TerminateArg,
    TerminateReason,
};
