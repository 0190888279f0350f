//! A page in the browser that shows what the processes of a program do: what runs, what is stuck, what is slow, and since when.
//!
//! ```
//! use genserver::Node;
//! use genserver_observer::Observer;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let address = "127.0.0.1:0";
//! # /*
//! let page = Observer::new(&Node::program()).serve("127.0.0.1:4000")?;
//! # */
//! # let page = Observer::new(&Node::program()).serve(address)?;
//! println!("http://{}", page.address());
//! # page.stop();
//! # Ok(())
//! # }
//! ```
//!
//! The page needs nothing but the binary: it is one file in it, asks no other server, and is as light or dark as its reader
//! prefers. Everything on it can be done with the keyboard, and it fits on a phone.
//!
//! # What it shows
//!
//! - **Numbers**: processes, messages a second, messages that wait, that were refused, restarts a minute, refused cycles.
//! - **Troubles**, worst first, each with the time since when: see [below](#troubles).
//! - **The supervision tree**, with the restarts of each child.
//! - **A table of all processes**, which the server searches, sorts and cuts into pages, so a hundred thousand are no more to
//!   the browser than fifty.
//! - **One process**: its state as its own [`format_status`](genserver::GenServer::format_status) shows it, its last events if its
//!   [log](genserver::sys::log) is on, its links, what it waits for, and what waits for it.
//! - **Event managers with their handlers, reports, names**: a tab for each.
//!
//! All of it is also [JSON](data), for other clients. One of them is the module `terminal`, with the feature of that name: the same at
//! a terminal, for those who have no browser at hand.
//!
//! # Troubles
//!
//! | trouble | is shown when |
//! |---|---|
//! | cycle | a call was refused within the last five minutes because it would have closed a cycle of processes that wait for one another |
//! | stuck | a callback has been running for a second without awaiting, and so keeps a thread of its runtime |
//! | handler | an event manager has waited for one handler for a second |
//! | waited for | a callback has been awaiting for half a second, and processes or messages wait for it |
//! | restarting | a supervisor has restarted its children three times or more within a minute |
//! | refusing | a mailbox has refused or dropped messages within the last ten seconds |
//! | filling | a mailbox has a thousand messages, or a hundred and more than a second ago |
//!
//! A callback that awaits is a trouble only if somebody waits for it: a session may await its socket for hours. The start of a
//! callback that does not await is not noted anywhere, because that would cost time at every message. So for one that is stuck, the
//! time is since the observer saw it first.
//!
//! # A program in trouble
//!
//! The observer has a thread of its own, and no process in the node. So the page is there while every thread of the program's
//! runtime is blocked, and `/healthz` then says so. A server that is stuck in a callback cannot show its state; the page says for
//! how long it has not answered, and shows what is seen from outside. Such a server gets one request of the observer, however
//! often its readers ask.
//!
//! # Who may look
//!
//! - Requests from this machine, and nobody else, unless the observer has a [`token`](Observer::token). Then every request has to
//!   show it. It is compared in constant time.
//! - Nobody may *do* anything, unless the program [allows](Observer::allow) it.
//! - A request must ask for an IP address, for `localhost`, or for a name that the program [allows](Observer::host): a page
//!   of another site cannot have its own name lead here. A request that a browser sends for another site is refused.
//! - The page may load, run and ask nothing but itself: its policy names the hashes of its script and its style.
//! - There are at most 64 streams and 256 connections, and a request has at most 16 KiB.
//!
//! What servers show of themselves is all that is shown of them. Names, labels, types and numbers are shown of every process.
//! There is no encryption: for other machines, put a proxy with TLS or a tunnel before it.
//!
//! # In a router of your own
//!
//! [`Observer::router`] returns the routes for an [axum](https://docs.rs/axum) router, in which they are judged in the same way. A
//! program whose own layers know its readers says so with [`trust_router`](Observer::trust_router). The example `mounted` is such a
//! program, with its metrics: [`Observer::metrics`] takes the function that renders them, of whichever exporter.
//!
//! # What it costs
//!
//! Nothing while nobody looks, besides the reports that the node makes for a subscriber when something goes wrong. While a page is
//! open, the node is sampled once a second for all readers together. On an Intel
//! Xeon, with two threads of which other programs used both, an open page took 0.7 % of one core with 10,000 processes under one
//! supervisor, and 7 % with 100,000. `cargo run --release -p genserver-observer --example cost` measures it.
//!
//! No lock is held over all processes: the table of a node is read in pieces of 256 places, and each process is locked for as long
//! as [`ProcessRef::info`](genserver::ProcessRef::info) takes.
//!
//! # Beside others
//!
//! | | Erlang's `:observer` | Phoenix `LiveDashboard` | kameo's console | this crate |
//! |---|---|---|---|---|
//! | where | a window | a browser | a terminal | a browser, a terminal, and JSON |
//! | a table of processes | sorted | sorted, searched | no | sorted, searched |
//! | a supervision tree | yes | yes | with restarts | with restarts |
//! | the state of a process | yes | yes | no | as the process shows it |
//! | links, monitors | yes | yes | no | links, and the number of monitors |
//! | a mailbox | its length | its length | its length, the bound | its length, the most there were, what was refused |
//! | messages a second | no | no | yes | yes |
//! | which process waits for which | no | no | deadlocks | all calls inside callbacks, refused cycles |
//! | event handlers | no | no | no | yes |
//! | memory, current function | yes | yes | no | no: Rust does not say |
//! | a message's type | no | no | yes | no |
//!
//! # When not to use it
//!
//! For history, alarms, and many machines, export [metrics](Observer::metrics) and reports to what is made for them. The page
//! remembers a minute of numbers and the last 500 reports. In a test, ask [`Node::info`](genserver::Node::info) and
//! [`Node::reports`](genserver::Node::reports) instead.
//!
//! # Features
//!
//! `server`, which is on by default, is everything but the types in [`data`].

// The JSON, as types.
pub mod data;
// Looking at a node.
#[cfg(feature = "server")]
mod observe;
// The routes.
#[cfg(feature = "server")]
mod web;
// The thread and the socket.
#[cfg(feature = "server")]
mod serve;
// What a program makes: begin here.
#[cfg(feature = "server")]
mod observer;

// The same at a terminal.
#[cfg(feature = "terminal")]
pub mod terminal;

#[cfg(feature = "server")]
pub use observer::Observer;
#[cfg(feature = "server")]
pub use serve::{ServeError, Serving, ThreadError};
#[cfg(feature = "server")]
pub use web::{Token, TokenError};

// A router of another version of axum is another type.
/// The router that [`Observer::router`] returns, and what it is mounted into.
#[cfg(feature = "server")]
pub use axum;
/// Nodes and processes.
#[cfg(feature = "server")]
pub use genserver;
