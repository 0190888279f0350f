//! Named servers in a cluster: each name has one owner, which is found, called and monitored from every machine.
//!
//! ```
//! # #[cfg(feature = "model")]
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome};
//! use genserver_cluster::engine::model::Model;
//! use genserver_cluster::{Cluster, Clustered, Messages, Remote};
//! use serde::{Deserialize, Serialize};
//!
//! struct Cart(Vec<String>);
//!
//! enum Call {
//!     Add(String, Caller<usize>),
//! }
//!
//! /// Adds an item, and returns how many there are: as it is asked from other machines.
//! #[derive(Serialize, Deserialize)]
//! struct Add(String);
//!
//! impl Remote<Add> for Cart {
//!     type Reply = usize;
//!
//!     fn local(Add(item): Add, caller: Caller<usize>) -> Call {
//!         Call::Add(item, caller)
//!     }
//! }
//!
//! impl Clustered for Cart {
//!     fn messages() -> Messages<Self> {
//!         Messages::new("shop.cart", 1).call::<Add>("add")
//!     }
//! }
//!
//! impl GenServer for Cart {
//!     // ... as that of any other server.
//! #     type Args = ();
//! #     type Call = Call;
//! #     type Cast = Never;
//! #     type Info = Never;
//! #     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Self(Vec::new())) }
//! #     async fn handle_call(&mut self, Call::Add(item, caller): Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
//! #         self.0.push(item);
//! #         Next::reply(caller, self.0.len())
//! #     }
//! }
//!
//! // In production this is NATS, and each member is a program of its own.
//! let engine = Model::new();
//! let a = Cluster::over(engine.member("a")).name_space("shop").member("a").start().await?;
//! let b = Cluster::over(engine.member("b")).name_space("shop").member("b").start().await?;
//!
//! let started = a.start_named::<Cart>("cart-7", ()).await?;
//! let taken = b.start_named::<Cart>("cart-7", ()).await.unwrap_err();
//! assert!(taken.to_string().starts_with("the name cart-7 belongs to a server of the member a"));
//!
//! let cart = b.named::<Cart>("cart-7");
//! assert_eq!(cart.call(Add("milk".into())).await?, 1);
//!
//! let watched = cart.stand_in().await?;
//! started.stop().await?;
//! assert_eq!(watched.process_ref().ended().await, genserver::Reason::Normal);
//! assert_eq!(b.whereis("cart-7").await?, None);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "model"))]
//! # fn main() {}
//! ```
//!
//! A cluster stands on an [engine] that is run in production already: it has no consensus, no gossip and no transport of its own.
//! With the feature `nats` that is NATS: `Cluster::connect("nats://127.0.0.1:4222")` takes the place of `Cluster::over(..)`. The
//! feature `model` has the one of this example, for tests.
//!
//! # Names
//!
//! A name is a key of the engine that ends by itself. Its owner renews it three times within its
//! [time to live](ClusterOptions::time_to_live), and each renewal is a compare-and-set. When none was confirmed for four fifths of that
//! time, counted on the owner's clock from before it was sent, the owner ends its server with
//! [`Reason::NoConnection`](genserver::Reason::NoConnection). So the server is gone before anybody else can have the name, and no clock
//! is compared with that of another machine.
//!
//! [`Cluster::start_named`] starts a server with a name. [`Cluster::child`] makes a child of your own supervisor of one; each restart
//! claims the name again. [`Cluster::singleton`] makes a child that runs on one of several members, and on another when that is gone.
//!
//! # Calls
//!
//! [`Cluster::named`] returns a [`RemoteRef`], which has the calls and casts of every other reference. What is asked is a type that
//! [`serde`] can write: [`Remote`] says how the same is asked on the machine of the server, and [`Clustered`] lists the messages by
//! names of your choice, so that builds of different versions meet. The page of [`wire`] has the format.
//!
//! # Monitors and links
//!
//! [`RemoteRef::stand_in`] starts a process of this machine that ends when the server does, with its reason. Monitor that, or link with
//! it. It ends with `NoConnection` when the other machine is gone without a word, or when this one has lost the engine.
//!
//! # Members
//!
//! [`Cluster::members`] returns who is up, and [`Cluster::monitor_members`] tells of those who come and go:
//!
//! ```
//! use genserver::{Cx, GenServer, Init, Never, Next, Outcome};
//! use genserver_cluster::{Cluster, MemberEvent};
//!
//! struct Greeter;
//!
//! enum Info {
//!     Member(MemberEvent),
//! }
//!
//! impl GenServer for Greeter {
//!     type Args = Cluster;
//!     type Call = Never;
//!     type Cast = Never;
//!     type Info = Info;
//!
//!     async fn init(cluster: Cluster, cx: &mut Cx<Self>) -> Init<Self> {
//!         cx.attach(cluster.monitor_members(), Info::Member);
//!         Init::Run(Self)
//!     }
//!
//!     async fn handle_info(&mut self, Info::Member(event): Info, _cx: &mut Cx<Self>) -> Outcome<Self> {
//!         match event {
//!             MemberEvent::Up(member) => println!("{} is up", member.name),
//!             MemberEvent::Down(member) => println!("{} is down", member.name),
//!         }
//!         Next::wait()
//!     }
//! }
//! ```
//!
//! # Groups
//!
//! [`Cluster::join`] lets a server join a group, with a name of its own or without; [`Cluster::group_members`] returns references to those
//! of all members, to call them, and [`Cluster::monitor_group`] tells of those who join and leave. This is OTP's `pg`: nobody owns a
//! group, and what a member sees of it is a moment old.
//!
//! # Events
//!
//! [`Cluster::topic`] is where events are published that subscribers on every member get, each at least once, from now on or behind what
//! they have confirmed. A topic is a handler of a [`genevent`] manager, too. The page of [`events`] has an example.
//!
//! # Traces
//!
//! With the feature `tracing`, a call or a cast takes the trace of its sender along. Each member is given a [`TracePropagator`], by
//! [`ClusterOptions::trace_propagator`]; its page has the one for OpenTelemetry.
//!
//! On the machine of the server the request has a span, `serve_call` or `serve_cast`, whose parent is the sender's span. The message is
//! handed to the server in it. So the callback of a call is a child of that span, and the callback of a cast follows from it, as on one
//! machine. A request that was not sent in a span has none. Events take no trace along.
//!
//! # What is promised, and what is not
//!
//! | | |
//! |---|---|
//! | two servers with one name that may answer | never, as long as the engine keeps its [rules](engine#rules) |
//! | an answer of an old owner to a call that began when the next one had started | never, even from a machine that stood still |
//! | an old server that still runs while the next one starts | not while its machine keeps time; a callback that blocks its thread, or a machine that stands still, may go on later. A store that refuses [fences](Clustered::set_fence) smaller than the largest it has seen is safe from that |
//! | the end of a call | always: an answer, the reason of the server's end, or a timeout. A call whose answer is lost may have been carried out |
//! | a cast | may be lost, and nobody is told |
//! | order | calls and casts of one member to one owner arrive in the order in which they were sent |
//! | a server that ends, or is stopped | its name is free at once, and stand-ins hear at once |
//! | a machine that is gone | its names are free within their time to live, and stand-ins hear within that and a second, unless what they read is old |
//! | a member that ends, or is gone | others hear at once, or within its time to live and a second |
//! | a group | each server that joined and did not leave is in it, on all members that see each other, some time later; of a member that is gone, until that is down |
//! | [`whereis`](Cluster::whereis) | may be old, by a time to live and more; an engine that does not answer is an error, and never `None` |
//! | a member on the side of a minority, or without the engine | it ends its servers with names and says so, serves none, and goes on by itself afterwards |
//! | an engine that loses power without having written to its disk | what it has confirmed may be lost, and with it all of the above: have it write before it answers |
//!
//! # When not to use it
//!
//! - If all clients are in one program, a [name](genserver::Named) or a [registry](genserver::registry) of it costs nothing.
//! - A name costs the engine three changes within its time to live. For a hundred thousand things that seldom change, name what serves
//!   many of them.
//! - For state that must outlive its machine, this finds its one owner, and the state needs a store that checks fences: a log of the
//!   engine is one, and `examples/counter.rs` shows how it is used.

// A member: begin here.
mod cluster;
// Local processes that end when servers on other machines do.
mod stand_in;
// Groups of processes of all members.
mod groups;
// References to servers that may be on other machines.
mod remote;
// The members of the cluster that are up.
mod members;
// Names that this member owns.
mod name;
// Events that subscribers on all members get.
pub mod events;
// How messages travel: the format.
pub mod wire;
// Which part of an engine belongs to this cluster.
mod space;
// The trace of a request on its way.
mod traces;
// What a cluster needs of the system under it.
pub mod engine;

pub use cluster::{Cluster, ClusterOptions, NamedServer, Owner, StartNamed};
#[cfg(feature = "nats")]
pub use cluster::{ConnectError, NatsServers};
pub use groups::{GroupEvent, GroupMonitor, JoinError};
pub use members::{MemberEvent, MemberInfo, MemberMonitor, MembersError};
pub use name::StartNamedError;
pub use remote::RemoteRef;
pub use remote::call::{RemoteCall, RemoteCallError};
pub use remote::cast::{RemoteCast, RemoteCastError};
pub use remote::not_sent::NotSent;
pub use space::{MESSAGE_MAX, TIME_TO_LIVE};
pub use stand_in::{StandIn, StandInError};
#[cfg(feature = "tracing")]
pub use traces::propagator::{TraceContext, TracePropagator};
pub use wire::messages::{Clustered, Messages, Remote};
pub use wire::reason::RemoteError;
