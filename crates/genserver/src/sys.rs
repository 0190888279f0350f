//! Looking into a running server, and changing it, without any code in it: OTP's `sys`.
//!
//! ```
//! use genserver::sys;
//! # use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome};
//! # #[derive(Clone)]
//! # struct Counter(u64);
//! # struct Add(u64, Caller<u64>);
//! # impl GenServer for Counter {
//! #     type Args = u64;
//! #     type Call = Add;
//! #     type Cast = Never;
//! #     type Info = Never;
//! #     async fn init(first: u64, _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Counter(first)) }
//! #     async fn handle_call(&mut self, Add(more, caller): Add, _cx: &mut Cx<Self>) -> Outcome<Self> {
//! #         self.0 += more;
//! #         Next::reply(caller, self.0)
//! #     }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let counter = genserver::start::<Counter>(40).await?;
//!
//! sys::log(&counter, 10).await?;
//! counter.call(|caller| Add(2, caller)).await?;
//!
//! assert_eq!(sys::get_state(&counter).await?.0, 42);
//! assert_eq!(sys::get_log(&counter).await?.events.len(), 2);
//! # Ok(())
//! # }
//! ```
//!
//! Every function asks the server and waits for the answer, five seconds unless the [`Request`] is told otherwise. The request
//! goes through the mailbox like a call, behind everything that was sent before, and the server does it between two
//! callbacks: a server whose callback hangs does not answer, and [`info`](crate::ServerRef::info), which asks nobody, tells
//! what it is at. A suspended server answers. A request ends no idle time: the idle clock begins anew after it.
//!
//! The functions about the state know its type, and take whatever refers to one server of that type: see
//! [`AsServer`](crate::AsServer). All others take whatever names a process: see [`AsProcess`](crate::AsProcess). So a tool can look
//! into what it finds in a [`process_list`](crate::Node::process_list):
//!
//! ```
//! # use genserver_doc::counter::*;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use genserver::{Node, Probe, sys};
//!
//! let node = Node::new();
//! node.start::<Counter>(1).name("counter").await?;
//! let _probe = Probe::<()>::on(&node);
//! for info in node.process_list() {
//!     match sys::get_status(&info.pid).await {
//!         Ok(status) => println!("{status}"),
//!         Err(sys::SysError::NoServer { .. }) => println!("{info}"),
//!         Err(error) => println!("{error}"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # The state
//!
//! [`get_state`] clones it, [`with_state`] looks at it where it is. [`replace_state`] makes a new one out of the old and keeps the
//! old if that fails; [`update_state`] works on the state itself. What is given to them runs in the server, between two
//! callbacks, so it must not block; its panic is the requester's error, and the server lives on.
//!
//! # Stopping the world
//!
//! [`suspend`] has a server hold back everything but these requests and the order to stop; [`resume`] lets it go on, with
//! everything in its order.
//!
//! # Watching
//!
//! [`trace`], [`log`](fn@log), [`log_to_file`], [`statistics`] and hooks ([`install`]) see each [`Event`] of a server. A server
//! at which none of them is on pays nothing for them. [`Start::debug`](crate::Start::debug) switches them on before a server begins.
//!
//! # What is shown
//!
//! A state or a message is shown only as its server says: Rust cannot print what has no `Debug`, and a secret should not be
//! printed because it has one. [`GenServer::format_status`](crate::GenServer::format_status) shows the state and may rewrite
//! all else that is shown of a server; [`GenServer::format_message`](crate::GenServer::format_message)
//! shows messages.
//!
//! # When not to use it
//!
//! These functions are for people who look for a fault, for tools and for tests. A program that asks a server for its state
//! to work with it has no interface to that server: give it a call instead.

// The state: to look at, to change, to hold still.
mod state;
// What a server does: logs, traces, counts, hooks.
mod watch;
// How a request travels, and its answer.
mod request;
// Why there is none.
mod error;
pub use crate::server::debug::event::{Event, Hook, Log, Statistics};
pub use crate::server::debug::options::DebugOptions;
pub use crate::server::show::{Message, Shown, Status};
pub use error::SysError;
pub use request::Request;
pub use state::{get_state, get_status, replace_state, resume, suspend, terminate, update_state, with_state};
pub use watch::{
    LOG_LENGTH, get_log, install, log, log_off, log_to_file, log_to_file_off, no_debug, remove, statistics,
    statistics_off, statistics_on, trace,
};
