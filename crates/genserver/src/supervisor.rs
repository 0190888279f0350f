//! Supervisors: processes that start child processes and restart them when they crash.
//!
//! ```
//! use genserver::supervisor::{ChildSpec, Supervisor};
//! use genserver::{AsServer, Caller, Cx, GenServer, Init, Never, Next, Outcome, start_link};
//!
//! struct Lengths;
//!
//! /// The average length of the words of a text.
//! struct Average(&'static str, Caller<usize>);
//!
//! impl GenServer for Lengths {
//!     type Args = ();
//!     type Call = Average;
//!     type Cast = Never;
//!     type Info = Never;
//!
//!     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
//!         Init::Run(Lengths)
//!     }
//!
//!     async fn handle_call(&mut self, call: Average, _cx: &mut Cx<Self>) -> Outcome<Self> {
//!         let Average(text, caller) = call;
//!         let words = text.split_whitespace();
//!         let letters: usize = words.clone().map(str::len).sum();
//!         Next::reply(caller, letters / words.count())
//!     }
//! }
//!
//! # genserver_doc::run! {
//! let spec = ChildSpec::server("lengths", || start_link::<Lengths>(()));
//! let lengths = spec.reference();
//! let supervisor = Supervisor::one_for_one().child(spec).start().await?;
//! assert_eq!(lengths.call(|caller| Average("one two three", caller)).await?, 3);
//!
//! // Nobody expected a text without words. The division by zero panics, this server ends ...
//! assert!(lengths.call(|caller| Average("", caller)).await.is_err());
//!
//! // ... but its supervisor has started another one.
//! assert_eq!(lengths.waiting().call(|caller| Average("four five", caller)).await?, 4);
//! # supervisor.stop().await?;
//! # }
//! ```
//!
//! # Let it crash
//!
//! An error that nobody expected ends the server it happens in, because its state can no longer be trusted. Its supervisor then
//! starts a new one, whose `init` makes a fresh state. So the code of a server says what to do when things go well, and which
//! errors its callers see; the supervisor handles everything else. Callers of the crashed server learn the reason, and all other
//! processes go on.
//!
//! For this to help, what a server needs to go on must not be what made it crash. Keep what has to survive somewhere else:
//! in a file, or in a server that does little and so rarely crashes. And a process that is useless without the server that
//! crashed has to end with it, which is what the strategies are for.
//!
//! # Which children are restarted
//!
//! | | when a child ends, it restarts | for children that |
//! |---|---|---|
//! | [`Supervisor::one_for_one`] | that child | are independent of each other |
//! | [`Supervisor::rest_for_one`] | that child and those after it | need those before them |
//! | [`Supervisor::one_for_all`] | all | need each other |
//!
//! Children are started in the order in which they were added, each after the `init` of the one before has finished. They are
//! ended in the reverse order, one after the other.
//!
//! ```
//! # use genserver_doc::counter::*;
//! use genserver::{AsServer, Probe, start_link};
//! use genserver::supervisor::{ChildSpec, Supervisor};
//!
//! # genserver_doc::run! {
//! let counter = ChildSpec::server("counter", || start_link::<Counter>(0));
//! let count = counter.reference();
//! // Its state depends on the counter it was started with, so it restarts with the counter.
//! let reader = ChildSpec::process("reader", move |mut me: Probe<()>| {
//!     let count = count.clone();
//!     async move {
//!         while me.recv().await.is_ok() && count.call(Call::Get).await.is_ok() {}
//!     }
//! });
//! let supervisor = Supervisor::rest_for_one().child(counter).child(reader).start().await?;
//!
//! let before = supervisor.which_children().await?;
//! supervisor.child::<Counter>("counter").await?.current()?.kill();
//! let after = supervisor.which_children().await?;
//! assert!(before.iter().zip(&after).all(|(before, after)| before.state != after.state));
//! # supervisor.stop().await?;
//! # }
//! ```
//!
//! # When, and how often
//!
//! A [`ChildSpec`] says when its child is restarted: a *permanent* one always, a *transient* one unless it ended in an orderly
//! way, a *temporary* one never. See [`Restart`].
//!
//! A child that crashes as soon as it runs would be restarted forever, unnoticed. So a supervisor counts: by default it allows
//! **3 restarts within 5 seconds** ([`max_restarts`](SupervisorSpec::max_restarts), [`within`](SupervisorSpec::within)). One
//! more, and it gives up: it ends its children, and then itself with the reason `shutdown`. If it has a supervisor of its own,
//! that one restarts it with all its children, or gives up in turn. So a fault that a small restart does not repair leads to a
//! larger one. A restart that fails counts too, and is tried again.
//!
//! A supervisor may also exist for one piece of work, and end when that is done: see [`AutoShutdown`].
//!
//! # How children are ended
//!
//! A supervisor orders a child to stop by the exit `shutdown`. A child that does not trap exits ends at its next await; in one
//! that does, [`terminate`](crate::GenServer::terminate) runs. After **5 seconds** it is killed ([`Shutdown`]). A child that is a
//! supervisor itself gets all the time it needs.
//!
//! # Finding a child
//!
//! A reference to a server refers to one process, and is useless after a crash. Three things survive a restart:
//!
//! - a [`ChildRef`], as long as the supervisor lives: taken from the spec, as above, so that it can be given to siblings, or
//!   from the supervisor with [`Supervisor::child`];
//! - a [`Named`](crate::Named), if the child has a [`name`](crate::Start::name): it works everywhere in the program, even
//!   after the supervisor itself has been restarted;
//! - a registry, for many processes that come and go.
//!
//! Between the end of a child and its next start there is a *restart window*: usually a few microseconds, longer if other
//! children have to be ended first or if the child takes long to start. A call or cast through a `ChildRef` fails at once in that
//! window, with [`CallError::NoProc`](crate::CallError::NoProc), because the caller knows best what to do: try again, return an error, or
//! crash. [`ChildRef::current`] says whether the child will be back. To wait instead, use [`waiting`](ChildRef::waiting), as in the first example. Its calls wait for the child up to their
//! timeout, and give up at once on a child that is stopped or gone. A request that the child had taken when it crashed is never
//! sent twice.
//!
//! # Trees
//!
//! A supervisor can be the child of another. Put together what fails together, and put what is important near the top. Inside a
//! tree, start it with `start_link`; at the top of the tree with `start`, because `main` is not a process that it could be linked
//! with.
//!
//! ```
//! # use genserver_doc::counter::*;
//! use genserver::start_link;
//! use genserver::supervisor::{ChildSpec, Supervisor};
//!
//! # genserver_doc::run! {
//! let sessions = ChildSpec::supervisor("sessions", || {
//!     Supervisor::one_for_one()
//!         .children((0..10).map(|n| {
//!             ChildSpec::server(format!("session {n}"), || start_link::<Counter>(0))
//!         }))
//!         .start_link()
//!         .name("sessions")
//! });
//! let application = Supervisor::rest_for_one()
//!     .child(ChildSpec::server("settings", || start_link::<Counter>(0)))
//!     .child(sessions)
//!     .start()
//!     .await?;
//! assert_eq!(application.count_children().await?.supervisors, 1);
//! // Everything below it has ended when this returns.
//! application.stop().await?;
//! # }
//! ```
//!
//! The example `supervision` (`cargo run -p genserver --example supervision`) crashes a tree of two levels until it gives up.
//!
//! # A link or a monitor?
//!
//! A registry starts buckets and wants to forget each one that ends. Should it link to them, or monitor them? If it links
//! and does not trap exits, the crash of one bucket ends the registry, and so every other bucket:
//!
//! <figure>
//! <svg viewBox="0 0 460 96" width="460" role="img" aria-label="A registry and a bucket joined by a link: each ends with the other" fill="none" stroke="currentColor" font-family="sans-serif" font-size="14">
//! <rect x="10" y="20" width="120" height="44" rx="8" stroke-dasharray="3 3"></rect><text x="70" y="47" text-anchor="middle" fill="currentColor" stroke="none">registry ✗</text>
//! <rect x="330" y="20" width="120" height="44" rx="8" stroke-dasharray="3 3"></rect><text x="390" y="47" text-anchor="middle" fill="currentColor" stroke="none">bucket ✗</text>
//! <path d="M138 42 H322 M148 36 L138 42 L148 48 M312 36 L322 42 L312 48"></path>
//! <text x="230" y="34" text-anchor="middle" fill="currentColor" stroke="none">link</text>
//! <text x="230" y="88" text-anchor="middle" fill="currentColor" stroke="none">the bucket crashes, and its exit ends the registry too</text>
//! </svg>
//! </figure>
//!
//! The registry only needs to know, so it monitors. But then the buckets would not end with the registry, and neither would be
//! restarted. That is the job of a supervisor. It is linked to both, so that no child outlives it, and it traps exits, so that no
//! child's crash ends it:
//!
//! <figure>
//! <svg viewBox="0 0 460 200" width="460" role="img" aria-label="A supervisor linked with a registry and with a bucket; the registry monitors the bucket" fill="none" stroke="currentColor" font-family="sans-serif" font-size="14">
//! <rect x="165" y="10" width="130" height="44" rx="8"></rect><text x="230" y="37" text-anchor="middle" fill="currentColor" stroke="none">supervisor</text>
//! <rect x="10" y="120" width="120" height="44" rx="8"></rect><text x="70" y="147" text-anchor="middle" fill="currentColor" stroke="none">registry</text>
//! <rect x="330" y="120" width="120" height="44" rx="8" stroke-dasharray="3 3"></rect><text x="390" y="147" text-anchor="middle" fill="currentColor" stroke="none">bucket ✗</text>
//! <path d="M180 60 L98 114 M183 67 L180 60 L172 61 M95 107 L98 114 L106 113 M280 60 L362 114 M277 67 L280 60 L288 61 M365 107 L362 114 L354 113"></path>
//! <text x="112" y="84" text-anchor="middle" fill="currentColor" stroke="none">link</text><text x="348" y="84" text-anchor="middle" fill="currentColor" stroke="none">link</text>
//! <path d="M138 142 H322" stroke-dasharray="6 4"></path><path d="M148 136 L138 142 L148 148"></path>
//! <text x="230" y="134" text-anchor="middle" fill="currentColor" stroke="none">monitor: Down</text>
//! <text x="230" y="192" text-anchor="middle" fill="currentColor" stroke="none">the registry forgets it, the supervisor starts it again</text>
//! </svg>
//! </figure>
//!
//! So *link* processes that make no sense without each other, and where possible leave that to supervisors; *monitor* a process
//! to be told of its end. Both at once, from one process to another, is a mistake. A process that is started with
//! [`start_link`](crate::start_link) can be supervised: that is why it is the common way.
//!
//! # While it runs
//!
//! Children can be added ([`Supervisor::start_child`]), ended, restarted, deleted, listed and counted while the supervisor
//! runs. For many similar children that come and go, use a
//! [dynamic supervisor](mod@crate::dynamic_supervisor).
//!
//! What goes wrong is reported, as [`Report::Supervised`](crate::report::Report::Supervised). Each start is reported too, at a
//! lower level.
//!
//! # What no supervisor survives
//!
//! The only code of yours that a supervisor runs is the functions that make starts, and it catches their panics. So it is as
//! reliable as the program itself. These end the whole program, and no library can prevent it:
//!
//! - panics in a program that was compiled with `panic = "abort"`, and a panic while another one unwinds;
//! - a stack overflow, and running out of memory;
//! - `std::process::exit` and `abort`, wherever they are called.
//!
//! And code that never awaits cannot be ended. If a child still computes a second after it was killed, the supervisor gives it up
//! and goes on; what is left of the child occupies its thread until it returns.
//!
//! # What it costs
//!
//! A child costs no more if there are many others. From the crash of one until its successor runs it takes about 2.5 microseconds
//! on one thread, and 3 if it is one of a hundred thousand; replacing a bare task by another takes 1. With two workers, where a
//! thread may have to be woken, it takes 3 to 6, and one in a hundred takes longer than 8 to 25. These are medians of several
//! runs on a machine with two cores. To measure yours, and other libraries, run
//!
//! ```text
//! cargo xtask bench --only restart
//! ```
//!
//! # When (not) to use a supervisor
//!
//! An error that you expect is a value: a file that may be missing, a text that does not parse. Return it to the caller that can
//! do something about it. A crash is for what was not expected, and a restart helps only against a fault that goes away by itself
//! or lies in the discarded state. And what may simply be lost, such as a one-off computation, needs no supervisor.
//!
//! # What differs from OTP
//!
//! - There is no module with an `init/1`: a supervisor is a value, and a tree is a function that returns one. For a supervisor
//!   that makes its spec in its own process, see [`Supervisor::start_with`].
//! - The defaults are Elixir's; OTP's own is one restart within five seconds. Times are not truncated to whole seconds: see
//!   [`Intensity`].
//! - A supervisor monitors its children. So it is told of the end of a child that has removed its link, and a forged exit
//!   does not deceive it.
//! - A start that failed is tried again through a timer, about a millisecond later, so that others have a turn before.
//! - A child that was killed and does not end is given up after a second. OTP waits for it, but there it always ends.
//! - OTP has no references to children, and no calls that wait for a restart.

// The spec of a supervisor and its children.
mod child_spec;
mod policy;
mod spec;
// What a supervisor can be asked, and what it answers.
mod error;
mod handle;
mod listing;
// References through which others find a child.
mod child_ref;
mod child_watch;
mod waiting;
// The server in every supervisor, and what the two kinds do differently.
mod children;
mod intensity;
mod server;
mod static_children;
// One child, as its supervisor handles it.
mod child;

// Supervisors of children that come and go.
pub mod dynamic;

// A test that many children cost no more than each of them does.
#[cfg(all(test, feature = "tokio"))]
mod tests {
    mod scale;
}

pub use child::{Child, ChildState};
pub use child_ref::{ChildError, ChildRef};
pub use child_spec::{ChildInfo, ChildSpec};
#[doc(hidden)]
pub use children::{Children, SupervisedChild};
pub use error::{DeleteChildError, FindChildError, RestartChildError, StartChildError, TerminateChildError};
pub use handle::Supervisor;
pub use intensity::Intensity;
pub use listing::{ChildCounts, ChildEntry};
pub use policy::{AutoShutdown, ChildKind, Restart, Shutdown, Strategy};
pub use server::SupervisorServer;
#[doc(hidden)]
pub use server::{SupervisorArgs, SupervisorCall, SupervisorInfo};
pub use spec::{FailedToStartChild, SpecError, SupervisorSpec};
#[doc(hidden)]
pub use static_children::StaticCall;
pub use static_children::StaticChildren;
pub use waiting::WaitingChildRef;
