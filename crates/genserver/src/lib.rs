//! Erlang/OTP-style processes, servers, supervisors, agents and tasks, on Tokio or another runtime.
//!
//! ```toml
//! [dependencies]
//! genserver = "0.1"
//! tokio = { version = "1", features = ["macros", "rt-multi-thread"] }
//! ```
//!
//! ```
//! use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome};
//!
//! struct Counter(u64);
//! struct Increment(Caller<u64>);
//!
//! impl GenServer for Counter {
//!     type Args = u64;
//!     type Call = Increment;
//!     type Cast = Never;
//!     type Info = Never;
//!
//!     async fn init(first: u64, _cx: &mut Cx<Self>) -> Init<Self> {
//!         Init::Run(Counter(first))
//!     }
//!
//!     async fn handle_call(
//!         &mut self,
//!         Increment(caller): Increment,
//!         _cx: &mut Cx<Self>,
//!     ) -> Outcome<Self> {
//!         self.0 += 1;
//!         Next::reply(caller, self.0)
//!     }
//! }
//!
//! # genserver_doc::run! {
//! # if cfg!(not(feature = "tokio")) { return Ok(()); }
//! let counter = genserver::start::<Counter>(41).await?;
//! assert_eq!(counter.call(Increment).await?, 42);
//! # }
//! ```
//!
//! A server is a type with callbacks. Its state lives in a process of its own. Clients hold a [`ServerRef`] and send it messages,
//! which it handles one at a time, in the order they arrived. So the state needs no lock, and a crash takes down only that
//! process and the processes linked to it.
//!
//! # Calls, casts and infos
//!
//! A *call* is answered, a *cast* is not, and an *info* is everything else that can reach a process: the end of another
//! process, a timer, an item of a stream. There is one message type for each. One idea carries the whole interface: **a
//! constructor is a function**, so a variant of the server's own enum says both what to send and where the answer goes.
//!
//! ```
//! use std::collections::VecDeque;
//! use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome};
//!
//! pub struct SimpleQueue(VecDeque<i64>);
//!
//! pub enum Call {
//!     Dequeue(Caller<Option<i64>>),
//!     Queue(Caller<Vec<i64>>),
//! }
//! pub struct Enqueue(pub i64);
//!
//! impl GenServer for SimpleQueue {
//!     type Args = Vec<i64>;
//!     type Call = Call;
//!     type Cast = Enqueue;
//!     type Info = Never;
//!
//!     async fn init(items: Vec<i64>, _cx: &mut Cx<Self>) -> Init<Self> {
//!         Init::Run(Self(items.into()))
//!     }
//!
//!     async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
//!         match call {
//!             Call::Dequeue(caller) => Next::reply(caller, self.0.pop_front()),
//!             Call::Queue(caller) => Next::reply(caller, self.0.iter().copied().collect()),
//!         }
//!     }
//!
//!     async fn handle_cast(
//!         &mut self,
//!         Enqueue(item): Enqueue,
//!         _cx: &mut Cx<Self>,
//!     ) -> Outcome<Self> {
//!         self.0.push_back(item);
//!         Next::wait()
//!     }
//! }
//!
//! # genserver_doc::run! {
//! # if cfg!(not(feature = "tokio")) { return Ok(()); }
//! let queue = genserver::start::<SimpleQueue>(vec![1, 2, 3]).await?;
//! assert_eq!(queue.call(Call::Dequeue).await?, Some(1));
//! queue.cast(Enqueue(20))?;
//! assert_eq!(queue.call(Call::Queue).await?, [2, 3, 20]);
//! # }
//! ```
//!
//! `queue.call(Call::Dequeue)` works because the variant is a function from [`Caller`] to `Call`. The call's return type is the
//! type parameter of its `Caller`, so the client has no impossible variant to match. For a variant with more fields, pass a
//! closure: `registry.call(|caller| Call::Lookup(name, caller))`. A message of a foreign type is a compile error:
//!
//! ```compile_fail,E0308
//! # use genserver::{Cx, GenServer, Init, Never};
//! # struct Quiet;
//! # impl GenServer for Quiet {
//! #     type Args = ();
//! #     type Call = Never;
//! #     type Cast = u8;
//! #     type Info = Never;
//! #     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Quiet) }
//! # }
//! # async fn example() {
//! let server = genserver::start::<Quiet>(()).await.unwrap();
//! let _ = server.cast("not a number");
//! # }
//! ```
//!
//! Prefer calls unless there is a reason not to: waiting for the answer keeps a client from sending more than its server can
//! take. Use a cast if nobody waits for the result. It comes back if the server is gone or its mailbox is full. `Ok`
//! means that it was taken, not that it was handled: the server may end first.
//!
//! # The client side
//!
//! Clients should not have to know the messages. Write their functions as methods of a small type around what they call:
//!
//! ```
//! # use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome};
//! # pub struct Counter(u64);
//! # pub struct Increment(Caller<u64>);
//! # impl GenServer for Counter {
//! #     type Args = u64;
//! #     type Call = Increment;
//! #     type Cast = Never;
//! #     type Info = Never;
//! #     async fn init(first: u64, _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Counter(first)) }
//! #     async fn handle_call(&mut self, Increment(caller): Increment, _cx: &mut Cx<Self>) -> Outcome<Self> {
//! #         self.0 += 1;
//! #         Next::reply(caller, self.0)
//! #     }
//! # }
//! use genserver::{AsServer, CallError, Named, ServerRef, StartError};
//!
//! #[derive(Clone)]
//! pub struct Tickets<R = ServerRef<Counter>>(R);
//!
//! impl Tickets {
//!     pub async fn start() -> Result<Self, StartError> {
//!         Ok(Self(genserver::start::<Counter>(0).name("tickets").await?))
//!     }
//! }
//!
//! impl Tickets<Named<Counter>> {
//!     pub fn named() -> Self {
//!         Self(Named::new("tickets"))
//!     }
//! }
//!
//! impl<R: AsServer<Server = Counter>> Tickets<R> {
//!     pub async fn next(&self) -> Result<u64, CallError> {
//!         self.0.call(Increment).await
//!     }
//! }
//! # genserver_doc::run! {
//! # if cfg!(not(feature = "tokio")) { return Ok(()); }
//! let tickets = Tickets::start().await?;
//! assert_eq!(tickets.next().await?, 1);
//! assert_eq!(Tickets::named().next().await?, 2);
//! # }
//! ```
//!
//! With the feature `macros`, the attribute [`server`](macro@server) writes all this from the server's methods: the messages,
//! the `impl GenServer`, and the client.
//!
//! A [`ServerRef`] is one process. A name and the child of a supervisor have the same methods, which are on the page of
//! [`AsServer`], and find the server anew at each use: a client over one of them survives the restart of its server.
//!
//! # What a callback returns
//!
//! A callback returns an [`Outcome`]: how to go on, or the reason to stop. [`Next`] has a function for each of OTP's
//! return values. An [`Outcome`] is a `Result`, so `?` works in a callback, and an error stops the server with that error as its
//! reason: "let it crash", as a value. A [`Caller`] need not be answered at once: the server can keep it in its state or send it
//! to a task, which answers with [`Caller::reply`]. A call with a timeout always ends: with the answer, with the server's exit
//! reason, with a timeout, or with an error that says that the server forgot to answer.
//!
//! # Agents
//!
//! A server that only holds a value needs no messages of its own: clients send an [`Agent`](agent::Agent) functions to run.
//!
//! ```
//! use genserver::agent::Agent;
//!
//! # genserver_doc::run! {
//! # if cfg!(not(feature = "tokio")) { return Ok(()); }
//! let list = Agent::start(Vec::new).await?;
//! list.update(|items| items.push("eggs")).await?;
//! assert_eq!(list.get(|items| items.len()).await?, 1);
//! # }
//! ```
//!
//! # When another process ends
//!
//! A *monitor* tells one process, once, that another has ended, and why. A *link* joins two processes: when one ends, the other
//! gets its exit, and ends too unless it traps exits. Use a link if neither makes sense without the other, a monitor if you only
//! want to know.
//!
//! ```
//! use std::collections::BTreeMap;
//! use genserver::{Caller, Cx, Down, GenServer, Init, MonitorRef};
//! use genserver::{Never, Next, Outcome, ServerRef};
//! # pub struct Bucket;
//! # impl GenServer for Bucket {
//! #     type Args = ();
//! #     type Call = Never;
//! #     type Cast = Never;
//! #     type Info = Never;
//! #     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Bucket) }
//! # }
//!
//! #[derive(Default)]
//! struct Registry {
//!     names: BTreeMap<String, ServerRef<Bucket>>,
//!     refs: BTreeMap<MonitorRef, String>,
//! }
//!
//! enum Call {
//!     Lookup(String, Caller<Option<ServerRef<Bucket>>>),
//! }
//! enum Cast {
//!     Create(String),
//! }
//! enum Info {
//!     BucketDown(Down),
//! }
//!
//! impl GenServer for Registry {
//!     type Args = ();
//!     type Call = Call;
//!     type Cast = Cast;
//!     type Info = Info;
//!
//!     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
//!         Init::Run(Self::default())
//!     }
//!
//!     async fn handle_call(
//!         &mut self,
//!         Call::Lookup(name, caller): Call,
//!         _cx: &mut Cx<Self>,
//!     ) -> Outcome<Self> {
//!         Next::reply(caller, self.names.get(&name).cloned())
//!     }
//!
//!     async fn handle_cast(
//!         &mut self,
//!         Cast::Create(name): Cast,
//!         cx: &mut Cx<Self>,
//!     ) -> Outcome<Self> {
//!         if !self.names.contains_key(&name) {
//!             let bucket = genserver::start::<Bucket>(()).await?;
//!             self.refs.insert(cx.monitor(&bucket, Info::BucketDown), name.clone());
//!             self.names.insert(name, bucket);
//!         }
//!         Next::wait()
//!     }
//!
//!     async fn handle_info(
//!         &mut self,
//!         Info::BucketDown(down): Info,
//!         _cx: &mut Cx<Self>,
//!     ) -> Outcome<Self> {
//!         if let Some(name) = self.refs.remove(&down.reference) {
//!             self.names.remove(&name);
//!         }
//!         Next::wait()
//!     }
//! }
//!
//! # genserver_doc::run! {
//! # if cfg!(not(feature = "tokio")) { return Ok(()); }
//! let registry = genserver::start::<Registry>(()).await?;
//! registry.cast(Cast::Create("shopping".to_owned()))?;
//! let lookup = |caller| Call::Lookup("shopping".to_owned(), caller);
//!
//! let bucket = registry.call(lookup).await?.expect("it was created");
//! bucket.stop().await?;
//! assert_eq!(registry.call(lookup).await?, None);
//! # }
//! ```
//!
//! The last line does not depend on timing: when [`stop`](ServerRef::stop) returns, the `Down` is in the registry's mailbox,
//! ahead of anything sent after it. A server that monitors has to say which message a [`Down`] becomes, here `Info::BucketDown`.
//! The same holds for exits, timers and streams, all of which are set up in the server's [`Cx`].
//!
//! # Supervisors
//!
//! When a server crashes, its [supervisor](mod@supervisor) starts it again with a fresh state. So the code of a server need not
//! handle errors that nobody expected.
//!
//! ```
//! # use genserver_doc::counter::*;
//! use genserver::AsServer;
//! use genserver::supervisor::{ChildSpec, Supervisor};
//!
//! # genserver_doc::run! {
//! let spec = ChildSpec::server("counter", || genserver::start_link::<Counter>(40));
//! let counter = spec.reference();
//! let supervisor = Supervisor::one_for_one().child(spec).start().await?;
//!
//! counter.cast(Add(2))?;
//! counter.current()?.kill();
//! assert_eq!(counter.waiting().call(Call::Get).await?, 40);
//! # supervisor.stop().await?;
//! # }
//! ```
//!
//! For children that come and go, such as one per connection, there is the [dynamic supervisor](mod@dynamic_supervisor).
//!
//! # Names
//!
//! A server can be started with a [`name`](Start::name). Clients find it with [`Named`], which looks the name up at every use
//! and so survives a restart. Names are text, belong to at most one live process, and cost nothing once they are released, so
//! they may come from outside the program. A [`Node`] is a space of names and a table of processes. A program has one, and tests
//! make their own.
//!
//! A [`registry`] allows more: keys of any type, several keys per process, a value beside each key, and keys that are unique or
//! shared by many processes.
//!
//! # Testing
//!
//! A [`Probe`] is a process held by plain code: a test uses it to receive messages, monitor, link, and expect what arrives.
//!
//! ```
//! use genserver::{Probe, Reason};
//! # use genserver_doc::quiet::*;
//! # genserver_doc::run! {
//! # if cfg!(not(feature = "tokio")) { return Ok(()); }
//! let mut probe = Probe::<()>::new();
//! let server = genserver::start::<Quiet>(()).await?;
//! let reference = probe.monitor(&server);
//! server.kill();
//! assert_eq!(probe.expect_down(reference).await.reason, Reason::Killed);
//! # }
//! ```
//!
//! A test that starts processes runs in [`supervised`](fn@supervised). It gives the test a node of its own, and stops every
//! process when the test ends, even by a panic:
//!
//! ```
//! # use genserver_doc::quiet::*;
//! use genserver::supervised;
//!
//! # /*
//! #[tokio::test]
//! # */
//! async fn it_is_quiet() {
//!     supervised(async |test| {
//!         let server = test.start_supervised(genserver::start_link::<Quiet>(())).await;
//!         assert_eq!(server.info().mailbox, 0);
//!     })
//!     .await;
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() { if cfg!(feature = "tokio") { it_is_quiet().await } }
//! ```
//!
//! To find what happens only in some orders of events, run the test in [`sim`], with the feature of that name: it is repeated
//! under many seeds, in virtual time, and a failure comes with a recipe that repeats it.
//!
//! All time comes from the runtime, so Tokio's paused clock works for every timeout and timer here.
//!
//! # Inspecting a running program
//!
//! A running program can be inspected without any code in its servers. [`Node::process_list`] shows what each process is doing,
//! [`sys`] reads a server's state, suspends it and traces it, and [`report`] tells its subscribers what went wrong, and why.
//!
//! ```
//! # use genserver_doc::counter::*;
//! # genserver_doc::run! {
//! # if cfg!(not(feature = "tokio")) { return Ok(()); }
//! use genserver::sys;
//!
//! let counter = genserver::start::<Counter>(41).name("counter").await?;
//! counter.cast(Add(1))?;
//! assert_eq!(sys::with_state(&counter, |counter| counter.0).await?, 42);
//! // `<1> counter Counter: waiting, 0 in the mailbox (1 at most), 1 handled`
//! println!("{}", counter.info());
//! # }
//! ```
//!
//! The crate [`genserver-observer`](https://docs.rs/genserver-observer) shows all of this on a page in the browser, with the
//! supervision tree, what waits for what, and what is stuck. It takes a program three lines, which its example `observe` shows.
//!
//! # What a call costs
//!
//! **A call to an idle server runs on the caller's own task**: no task switch, no wake-up, no timer. A server needs a task of the
//! runtime only when one of its callbacks awaits something, or when a message waits that no caller is running. For
//! this to be fair, a caller spends a unit of its cooperative budget on every call, and callbacks should not block the thread.
//! A server whose callbacks block the thread for longer than 100 µs is moved to a task of its own until they are short
//! again; [`Start::inline`] sets that beforehand. [`ServerRef::call`] says what this means for a caller and its timeout.
//!
//! The task that runs a callback need not belong to the message's sender: a caller first handles what others have sent before
//! it. So a callback must not rely on what belongs to a task, such as task-local values; put what it needs into the message.
//!
//! # When (not) to use a server
//!
//! Use a server for state that needs an owner, for work that must happen in order, or for something that must be supervised. Do
//! not use one to organise code. This calculator gains nothing from being a server, and all its users queue behind each other:
//!
//! ```
//! # use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome};
//! struct Calculator;
//! struct Add(i64, i64, Caller<i64>);
//! # impl GenServer for Calculator {
//! #     type Args = ();
//! #     type Call = Add;
//! #     type Cast = Never;
//! #     type Info = Never;
//! #     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Calculator) }
//! // ...
//!     async fn handle_call(
//!         &mut self,
//!         Add(left, right, caller): Add,
//!         _cx: &mut Cx<Self>,
//!     ) -> Outcome<Self> {
//!         Next::reply(caller, left + right)
//!     }
//! # }
//! ```
//!
//! It should be a function:
//!
//! ```
//! fn add(left: i64, right: i64) -> i64 {
//!     left + right
//! }
//! # assert_eq!(add(1, 2), 3);
//! ```
//!
//! And a map that many threads read and few write, with nothing to supervise and nothing to order, is better off behind a lock.
//! If you do not need a process, do not use one.
//!
//! # What differs from OTP
//!
//! - A callback changes the state in place. After a panic, terminate sees the state as the panic left it.
//! - A process can be cut off only where it awaits. Code that never awaits cannot be killed.
//! - A mailbox is bounded, and a cast that finds it full comes back, unless the server was started with another
//!   [`Overflow`]. Replies, exits, `Down`s, timers and requests of [`sys`] are never refused.
//! - A server that forgets to answer fails the call at once, where OTP's caller would wait for the timeout. The caller never
//!   sees a late or a second answer.
//! - A linked start that fails returns the error, and does not end a starter that does not trap exits; in OTP it does.
//! - A call that would close a cycle of calls returns an error that names the cycle, where OTP would wait for the timeout. Waits
//!   other than calls are seen if they are [declared](declare_wait). A plain task is never part of a cycle, because it may do
//!   what is waited for beside its call; run it as a process, with [`spawn`] or in the [scope](Probe::scope) of a probe.
//! - When [`stop`](ServerRef::stop) returns, every link and monitor has been notified; OTP promises that only to the stopper.
//! - Names, calls and monitors end at the edge of the program; beyond it there is the crate
//!   [`genserver-cluster`](https://docs.rs/genserver-cluster). Code is not loaded while it runs.
//!
//! # Features
//!
//! `tokio` (on by default) runs processes on the Tokio runtime that they are started on; `smol` runs them on async-executor.
//! Without either, bring a [`runtime::Runtime`] of your own. `serde` serialises the types that tools show; `macros` has the
//! attribute [`server`](macro@server), and `sim` the simulator. No feature changes the meaning of another.
//!
//! `metrics` counts messages, ends and restarts and times callbacks, for the recorder of the `metrics` crate that the program
//! installs. The example `prometheus` (`cargo run -p genserver --example prometheus --features metrics`) shows what a collector
//! gets. `tracing` turns reports into events, and makes each callback a span in the trace of the code that sent the message; the
//! example `opentelemetry` (`cargo run -p genserver --example opentelemetry --features tracing`) shows such a trace.
//! `docs/OBSERVING.md` in the repository lists all metrics and spans.

// The examples run on Tokio. Without that feature this leaves out those of all items. This page's still run, so each returns
// early.
#![cfg_attr(all(doctest, not(feature = "tokio")), cfg(false))]

// What there is, from the top down. Which folder may name which is in docs/ARCHITECTURE.md, and `cargo xtask tidy` checks it.

// Servers: the trait, what its callbacks are given, and what they return.
mod server;
// Starting them, and processes without a server.
mod start;
// References, names, calls, casts, stops, timers.
mod client;
// Ready-made processes.
pub mod agent;
pub mod registry;
#[cfg_attr(not(feature = "sim"), path = "sim/off.rs")]
pub mod sim;
pub mod supervised;
pub mod supervisor;
pub mod task;
// Looking inside while it runs, and reports of what went wrong.
pub mod report;
pub mod sys;
// The engine: how messages are queued, callbacks polled, and ends told.
mod process;
// What all processes have in common: the table of them, names, links, the clock.
mod node;
// Which executor it runs on.
pub mod runtime;
// Plain values, and what they are protected by.
mod sync;
mod values;

#[cfg(feature = "macros")]
pub use genserver_macros::server;

pub use client::as_server::AsServer;
pub use client::call::{CALL_TIMEOUT, Call, CallError};
pub use client::cast::{CastError, CastWait};
pub use client::fan_out::{Answers, call_all, cast_all};
pub use client::named::Named;
pub use client::recipient::{CallRecipient, Recipient, RecipientCall};
pub use client::request::{Deadline, NoRequest, NoResponse, Request, Requests, Response, TimedOut};
pub use client::run_blocking::{NotRun, RunBlocking, run_blocking};
pub use client::scoped::ScopedServer;
pub use client::server_ref::{ServerRef, WeakServerRef};
pub use client::stop::{Ended, KILL_GRACE, Stop, StopError};
#[doc(hidden)]
pub use client::target::{Find, Target};
pub use client::target::{Lookup, WaitForServer};
pub use client::time;
pub use client::timer::Timer;
pub use node::Node;
#[cfg(any(test, genserver_shuttle))]
#[doc(hidden)]
pub use node::cut::noted;
pub use node::cut::poll_alive;
pub use node::find_error::FindError;
pub use node::link::LinkError;
pub use node::name::{Name, NameRegistry, RegisterError};
pub use node::process_ref::{AsProcess, ProcessRef, current_pid, current_process, whereis};
pub use node::processes::Processes;
pub use node::subject::Subject;
pub use node::yield_now::yield_now;
pub use process::deadlock::{DeclaredWait, WaitInfo, declare_wait};
pub use server::attach::AttachRef;
pub use server::caller::Caller;
pub use server::context::{Cx, TimerRef};
pub use server::outcome::{Init, Next, Outcome, Step};
pub use server::{GenServer, Never};
pub use start::adopt::{Adopt, Adopted, adopt};
pub use start::probe::{EXPECT_WITHIN, Letter, Probe, ProbeRef};
pub use start::spawn::{Ack, Ending, StartProcess, spawn, spawn_link, spawn_link_labelled, start_process};
pub use start::{Start, StartError, StartMonitor, start, start_link};
#[doc(inline)]
pub use supervised::supervised;
pub use supervisor::dynamic as dynamic_supervisor;
pub use values::exit::Exit;
pub use values::info::{Callback, ProcessInfo, Status};
pub use values::monitor::{Down, MonitorRef};
pub use values::overflow::{MAILBOX_DEFAULT, Overflow};
pub use values::pid::Pid;
pub use values::reason::{Failure, Panic, Reason, Term};
