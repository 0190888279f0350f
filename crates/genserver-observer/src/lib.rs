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
//! The page is a part of the binary and loads nothing from elsewhere. It is as light or dark as its reader prefers, can be used with
//! the keyboard alone, and fits on a phone. The example `observe` is a whole program with it:
//! `cargo run -p genserver-observer --example observe`.
//!
//! # What it shows
//!
//! - **Numbers**: processes, messages a second, messages that wait, messages that were refused or dropped, restarts a minute,
//!   refused cycles.
//! - **Troubles**, worst first, with how long each has lasted: see [below](#troubles).
//! - **The supervision tree**, with the restarts of each child.
//! - **A table of all processes**. The server searches and sorts it, and sends one page of it, so the browser has fifty rows even
//!   if there are a hundred thousand processes.
//! - **One process**: its state as its own [`format_status`](genserver::GenServer::format_status) shows it, its last events if its
//!   [log](genserver::sys::log) is on, its links, what it waits for, and what waits for it.
//! - **Event managers with their handlers, reports, names**: a tab for each.
//!
//! All of it is also [JSON](data), for other clients. The module `terminal`, with the feature of that name, is one of them: it shows
//! the same at a terminal.
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
//! | filling | a mailbox has a thousand messages, or has a hundred and is growing |
//!
//! A callback that awaits is a trouble only if somebody waits for it: a session may await its socket for hours. The start of a
//! callback that does not await is not noted anywhere, because that would cost time at every message. So for one that is stuck, the
//! time is since the observer saw it first.
//!
//! # A program in trouble
//!
//! The observer has a thread of its own, and no process in the node. So the page works while every thread of the program's
//! runtime is blocked, and `/healthz` then says so. A server that is stuck in a callback cannot show its state; the page says for
//! how long it has not answered, and shows what can be seen from outside. While such a server does not answer, its mailbox holds one
//! request of the observer, however often readers look at it.
//!
//! What the observer keeps is bounded: the last 500 reports, cut to a few thousand characters, and half a kilobyte for each process
//! while somebody looks. If reports come faster than it can keep them, as from a supervisor that restarts without end, the rest is
//! dropped, and the page says how many that were.
//!
//! # Who may look
//!
//! - Requests from this machine, and nobody else, unless the observer has a [`token`](Observer::token). Then every request has to
//!   show it. It is compared in constant time.
//! - Nobody may *do* anything, unless the program [allows](Observer::allow) it. Nobody can set the state of a server: a state is a
//!   Rust value, which cannot be made from what a browser sends. [`sys::replace_state`](genserver::sys::replace_state) does it in
//!   the program.
//! - A request must ask for an IP address, for `localhost`, or for a name that the program [allows](Observer::host): a page
//!   of another site cannot have its own name lead here. A request that a browser sends for another site is refused.
//! - The page may load, run and ask nothing but itself: its policy names the hashes of its script and its style.
//! - There are at most 64 streams and 256 connections. The head of a request has at most 16 KiB, and a body is not read. A client
//!   that sends no request for thirty seconds, or reads nothing of its answer for as long, loses its connection. (In a router of
//!   your own, connections are the business of your server.)
//!
//! The state of a server is what its [`format_status`](genserver::GenServer::format_status) shows, so what that hides is hidden
//! here, too. Names, labels, types and numbers are shown of every process. There is no encryption: for other machines, put a proxy
//! with TLS or a tunnel before it.
//!
//! # In a router of your own
//!
//! [`Observer::router`] returns the routes for an [axum](https://docs.rs/axum) router. The rules above hold there, too. A program
//! that decides with its own layers who may look says so with [`trust_router`](Observer::trust_router).
//!
//! [`Observer::metrics`] takes the function that renders the metrics of the program, with any exporter. The example `mounted`
//! shows both.
//!
//! # What it costs
//!
//! While nobody looks, it costs nothing but the reports that the node makes for a subscriber when something goes wrong. While a page
//! is open, the node is sampled once a second for all readers together. On an Intel Xeon, with two threads of which other programs
//! used both, an open page took 0.7 % of one core with 10,000 processes under one supervisor, and 9 % with 100,000.
//! `cargo run --release -p genserver-observer --example cost` measures it.
//!
//! A sample stops no process. It reads the table of the node in pieces of 256 places, and locks one process after the other for as
//! long as [`ProcessRef::info`](genserver::ProcessRef::info) takes: less than a microsecond, and longer only for a process with
//! thousands of links, because it copies their list.
//!
//! # Beside others
//!
//! | | Erlang's `:observer` | Phoenix LiveDashboard | kameo's console | this crate |
//! |---|---|---|---|---|
//! | where | a window | a browser | a terminal | a browser, a terminal, and JSON |
//! | a table of processes | sorted | sorted, searched | sorted, searched | sorted, searched |
//! | a supervision tree | yes | yes | with restarts, and how many are allowed | with restarts |
//! | the state of a process | yes | no | no | as the process shows it |
//! | links, monitors | yes | yes | links | links, and the number of monitors |
//! | a mailbox | its length | its length | its length and its bound | its length, the most there were, what was refused |
//! | messages a second | no | no | yes, with their types | yes |
//! | which process waits for which | no | no | deadlocks | all calls inside callbacks, refused cycles |
//! | a callback that takes long | the current function | the current stack | yes | yes, and how many wait for it |
//! | event handlers | in the state | no | no | yes |
//! | crashes and other reports | if its log is on | no | the number of panics | yes |
//! | memory of a process | yes | yes | no | no: Rust does not say |
//! | kills a process | yes | yes | no | if the program allows it |
//! | other nodes | yes | yes | no | no |
//!
//! The first two also show what only a virtual machine has, such as ports and tables. LiveDashboard has charts of the program's own
//! measurements, of its requests and of its database.
//!
//! # When not to use it
//!
//! For history, alarms, and many machines, export [metrics](Observer::metrics) and reports to what is made for them. The page
//! remembers a minute of numbers and the last 500 reports. In a test, ask [`Node::info`](genserver::Node::info) and
//! [`Node::reports`](genserver::Node::reports) instead.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `server`, on by default | [`Observer`]: everything but the types in [`data`] |
//! | `terminal` | the module `terminal`: a client that shows the same at a terminal |
//!
//! The metrics of `genserver` itself are counted with the feature `metrics` of `genserver`.

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
