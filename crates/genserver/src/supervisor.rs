//! Supervisors: processes that start others, watch over them, and start them again when they crash.
//!
//! ```
//! use genserver::supervisor::{ChildSpec, Supervisor};
//! use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome};
//!
//! struct Lengths;
//!
//! /// How long the words of a text are, on average.
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
//!     async fn handle_call(&mut self, Average(text, caller): Average, _cx: &mut Cx<Self>) -> Outcome<Self> {
//!         let words = text.split_whitespace();
//!         let letters: usize = words.clone().map(str::len).sum();
//!         Next::reply(caller, letters / words.count())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let spec = ChildSpec::server("lengths", || genserver::start_link::<Lengths>(()));
//! let lengths = spec.reference();
//! let supervisor = Supervisor::one_for_one().child(spec).start().await?;
//! assert_eq!(lengths.call(|caller| Average("one two three", caller)).await?, 3);
//!
//! // Nobody thought of a text without words. Dividing by their number panics, and that is the end of this server ...
//! assert!(lengths.call(|caller| Average("", caller)).await.is_err());
//!
//! // ... but there is another one.
//! assert_eq!(lengths.waiting().call(|caller| Average("four five", caller)).await?, 4);
//! # supervisor.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Let it crash
//!
//! Whatever goes wrong in a server that nobody has thought of ends it: its state can no longer be trusted. Its supervisor then
//! starts a new one, whose `init` makes a state that can. So the code of a server says what to do when things go as they
//! should, and which errors its callers are to see; everything else is left to a process that has nothing else to do. Callers of
//! the one that crashed learn the reason, and everybody else goes on.
//!
//! For this to help, what a server needs to go on must not be what made it crash. What has to survive is kept by somebody else:
//! in a file, or in a server that does little and so seldom crashes. And whoever is of no use without the server that
//! crashed has to go with it, which is what the strategies are for.
//!
//! # Who is started again
//!
//! | | when a child ends, started again are | for children that |
//! |---|---|---|
//! | [`Supervisor::one_for_one`] | the child | know nothing of one another |
//! | [`Supervisor::rest_for_one`] | the child and those after it | need those before them |
//! | [`Supervisor::one_for_all`] | all | need one another |
//!
//! Children are started in the order in which they were added, each when `init` of the one before has ended, and ended in the
//! reverse order, one after the other.
//!
//! ```
//! # use genserver_doc::counter::*;
//! use genserver::Probe;
//! use genserver::supervisor::{ChildSpec, Supervisor};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let counter = ChildSpec::server("counter", || genserver::start_link::<Counter>(0));
//! let count = counter.reference();
//! // It has asked the counter something before, so it is not to meet another one.
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
//! # Ok(())
//! # }
//! ```
//!
//! # When, and how often
//!
//! A [`ChildSpec`] says when its child is started again: a *permanent* one always, a *transient* one unless it ended in order,
//! a *temporary* one never. See [`Restart`].
//!
//! A child that crashes as soon as it runs would be started again for ever, and nobody would notice. So a supervisor counts:
//! unless it is told otherwise, it allows **3 restarts within 5 seconds** ([`max_restarts`](SupervisorSpec::max_restarts),
//! [`within`](SupervisorSpec::within)). One more, and it gives up: it ends its children, and itself with the reason `shutdown`.
//! If it has a supervisor of its own, that one starts it again with all its children, or gives up in turn; so a fault that a
//! small restart does not mend is met by a larger one. A restart that fails counts too, and is tried again.
//!
//! A supervisor may also be there for one piece of work, and end when that is done: see [`AutoShutdown`].
//!
//! # How children are ended
//!
//! A child is told to stop by the exit `shutdown` of its supervisor. One that does not trap exits ends at its next await; in one
//! that does, [`terminate`](crate::GenServer::terminate) runs. After **5 seconds** it is killed ([`Shutdown`]). A child that is a
//! supervisor itself is given all the time it needs.
//!
//! # Finding a child
//!
//! A reference to a server is a reference to one process, and of no use after a crash. Three things stay good:
//!
//! - a [`ChildRef`], for as long as the supervisor lives: taken from the spec, as above, so that it can be given to siblings, or
//!   from the supervisor with [`Supervisor::child`];
//! - a [`Named`](crate::Named), if the child is given a [`name`](crate::Start::name): for what is to be found from everywhere, also
//!   after the supervisor itself has been started again;
//! - a registry, for what is many and comes and goes.
//!
//! Between the end of a child and its next start lies a *restart window*: a few microseconds as a rule, longer if other children
//! have to be ended first or if the child takes its time to start. What is done through a `ChildRef` meanwhile fails at once, with
//! an error that says so ([`ChildError::Restarting`]), because who calls knows best what to do: try again, say no to whoever
//! asked, or crash. Who would rather wait says [`waiting`](ChildRef::waiting), as in the first example; its calls wait for the
//! child up to their time-out, and give up at once on a child that is stopped or gone. A request that the child had taken when it
//! crashed is never sent twice.
//!
//! # Trees
//!
//! A supervisor can be the child of another. Put together what fails together, and what is important near the top. Inside of a
//! tree it is started with `start_link`; the top of the tree with `start`, for `main` is no process that it could be linked with.
//!
//! ```
//! # use genserver_doc::counter::*;
//! use genserver::supervisor::{ChildSpec, Supervisor};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sessions = ChildSpec::supervisor("sessions", || {
//!     Supervisor::one_for_one()
//!         .children((0..10).map(|n| ChildSpec::server(format!("session {n}"), || genserver::start_link::<Counter>(0))))
//!         .start_link()
//!         .name("sessions")
//! });
//! let application = Supervisor::rest_for_one()
//!     .child(ChildSpec::server("settings", || genserver::start_link::<Counter>(0)))
//!     .child(sessions)
//!     .start()
//!     .await?;
//! assert_eq!(application.count_children().await?.supervisors, 1);
//! // Everything below it has ended when this returns.
//! application.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # A link or a monitor?
//!
//! A registry starts buckets and wants to forget each that ends. Should it be linked with them, or monitor them? If it is linked
//! and does not trap exits, the crash of one bucket is the end of the registry, and so of every other bucket:
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
//! The registry only wants to know, so it monitors. But then nobody would end the buckets when the registry ends, and nobody would
//! start either of them again. That is not the registry's business: it belongs to a supervisor, which is linked with both, so that
//! none of them can outlive it unnoticed, and traps exits, so that none can take it along:
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
//! So: *link* what makes no sense without one another, and leave that to supervisors as far as it goes; *monitor* whom you want
//! to hear of. Both at once, from one process to another, is a mistake. What is started with
//! [`start_link`](crate::start_link) is ready to be supervised: that is why it is the common way.
//!
//! # While it runs
//!
//! Children can be added ([`Supervisor::start_child`]), ended, started again and deleted, listed and counted while the supervisor
//! runs. A supervisor of many children that are all alike and come and go is better off as a
//! [dynamic one](mod@crate::dynamic_supervisor).
//!
//! What goes wrong is reported, as [`Report::Supervised`](crate::report::Report::Supervised); those who ask for it also see
//! each start.
//!
//! # What no supervisor can survive
//!
//! A supervisor runs no code of yours but the functions that make starts, and catches their panics; it can be relied on as far as
//! the program itself can. These end the program, and no library can do anything about it:
//!
//! - panics in a program that was compiled with `panic = "abort"`, and a panic while another one unwinds;
//! - a stack that overflows, and memory that runs out;
//! - `std::process::exit` and `abort`, wherever they are called.
//!
//! And code that never awaits cannot be ended. A child that computes on and on is given up a second after it was killed: the
//! supervisor goes on, and what is left of the child occupies its thread until it is done.
//!
//! # What it costs
//!
//! A child costs no more if there are many others. From the crash of one until its successor runs it takes about 2.5 microseconds on
//! one thread, and 3 if it is one of a hundred thousand; a bare task that takes the place of another takes 1. With two workers,
//! where a thread may have to be woken, it takes 3 to 6, and one in a hundred longer than 8 to 25. These are medians of several
//! runs on a machine with two cores. On yours, and beside other libraries, they are measured by
//!
//! ```text
//! cargo xtask bench --only restart
//! ```
//!
//! # When (not) to use a supervisor
//!
//! An error that you expect is a value: a file that may be missing, a text that does not parse. Return it to whoever can do
//! something about it. A crash is for what was not expected, and a restart helps only against what goes away by itself or lies in
//! the state that is thrown away. And what may simply be lost, a one-off computation for instance, needs no supervisor.
//!
//! # What differs from OTP
//!
//! - There is no module with an `init/1`: a supervisor is a value, and a tree a function that returns one. A supervisor that makes
//!   its spec in its own process is [`Supervisor::start_with`].
//! - The defaults are Elixir's; OTP's own is one restart within five seconds. Time is not cut to whole seconds: see [`Intensity`].
//! - A supervisor monitors its children. So it hears of the end of one that has taken its link away, and cannot be made to believe
//!   in an end by an exit that somebody feigns.
//! - A start that failed is tried again by way of the clock, about a millisecond later, so that others have a turn before.
//! - A child that was killed and does not end is given up after a second, where OTP's, which always ends, is waited for.
//! - References to children, and calls that wait for a restart, are not there in OTP.

// What is said about a supervisor and its children.
// Supervisors of children that come and go.
pub mod dynamic;

mod child_spec;
mod policy;
mod spec;
// What can be asked of a supervisor.
mod error;
mod handle;
// How everybody else finds a child.
mod child_ref;
mod place;
mod waiting;
// The server: its children, what it is asked, and what it does when one ends.
mod children;
mod intensity;
mod restart;
mod server;
// One child in the hands of its supervisor.
mod child;

// That many children cost no more than each of them does.
#[cfg(all(test, feature = "tokio"))]
mod tests {
    mod scale;
}

pub use child::{Child, ChildState};
pub use child_ref::{ChildCallError, ChildCastError, ChildError, ChildRef};
pub use child_spec::{ChildInfo, ChildSpec};
pub use error::{DeleteChildError, FindChildError, RestartChildError, StartChildError, TerminateChildError};
pub use handle::{ChildCounts, ChildEntry, Supervisor};
pub use intensity::Intensity;
pub use policy::{AutoShutdown, ChildKind, Restart, Shutdown, Strategy};
pub use server::{Args, News, Request, Server};
pub use spec::{FailedToStartChild, SpecError, SupervisorSpec};
pub use waiting::WaitingChildRef;
