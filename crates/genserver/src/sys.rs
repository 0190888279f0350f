//! Inspects and changes a running server that has no code for it: OTP's `sys`.
//!
//! ```
//! # use genserver_doc::counter::*;
//! # genserver_doc::run! {
//! use genserver::sys;
//!
//! let counter = genserver::start::<Counter>(40).await?;
//!
//! sys::log(&counter, 10).await?;
//! counter.cast(Add(2))?;
//!
//! assert_eq!(sys::get_state(&counter).await?.0, 42);
//! assert!(sys::get_log(&counter).await?.to_string().contains("got cast"));
//! # }
//! ```
//!
//! Every function sends the server a request and waits for the answer, for five seconds unless the [`SysRequest`] sets another
//! timeout. The request goes through the mailbox like a call, after everything that was sent before, and the server handles it
//! between two callbacks. So a server whose callback hangs does not answer; [`info`](crate::ServerRef::info), which does not ask
//! the server, shows what it is doing. A suspended server answers. A request does not end an idle timeout, but restarts it.
//!
//! The functions about the state know its type, and take anything that refers to one server of that type: see
//! [`AsServer`](crate::AsServer). The others take anything that refers to a process: see [`AsProcess`](crate::AsProcess). So a
//! tool can inspect what it finds in a [`process_list`](crate::Node::process_list):
//!
//! ```
//! # use genserver_doc::counter::*;
//! # genserver_doc::run! {
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
//! # }
//! ```
//!
//! # The state
//!
//! [`get_state`] clones it, [`with_state`] reads it in place. [`replace_state`] makes a new state from the old one and keeps the
//! old one if that fails; [`update_state`] changes the state in place. The functions passed to them run in the server, between
//! two callbacks, so they must not block. A panic in them is an error for the requester, and the server lives on.
//!
//! # Suspending a server
//!
//! [`suspend`] makes a server hold back everything but these requests and the order to stop; [`resume`] lets it go on, with
//! all messages in their order.
//!
//! # Watching
//!
//! [`trace`], [`log`](fn@log), [`log_to_file`], [`statistics`] and hooks ([`install`]) see each [`SysEvent`] of a server. A server
//! that uses none of them pays nothing for them. [`Start::debug`](crate::Start::debug) switches them on before a server begins.
//!
//! # What is shown
//!
//! A state or a message is shown only as its server formats it: Rust cannot print a type without `Debug`, and a secret should not
//! be printed just because it has one. [`GenServer::format_status`](crate::GenServer::format_status) shows the state and may
//! rewrite everything else that is shown of a server; [`GenServer::format_message`](crate::GenServer::format_message)
//! shows messages.
//!
//! # When not to use it
//!
//! These functions are for debugging, for tools and for tests. If a program needs a server's state
//! to work, the server lacks an interface: give it a call instead.

// The state: reading, changing, suspending.
mod state;
// Events: logs, traces, counts, hooks.
mod watch;
// The request and its answer.
mod request;
// The error of a request.
mod error;
pub use crate::server::debug::event::{Hook, Log, Statistics, SysEvent};
pub use crate::server::debug::options::DebugOptions;
pub use crate::server::show::{Message, Shown, Status};
pub use error::SysError;
pub use request::SysRequest;
pub use state::{get_state, get_status, replace_state, resume, suspend, terminate, update_state, with_state};
pub use watch::{
    LOG_LENGTH, get_log, install, log, log_off, log_to_file, log_to_file_off, no_debug, remove, statistics,
    statistics_off, statistics_on, trace,
};
