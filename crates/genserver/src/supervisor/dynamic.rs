//! Supervisors of children that come and go: started on demand, by the thousand, each on its own.
//!
//! ```
//! # use genserver_doc::counter::*;
//! use genserver::dynamic_supervisor::DynamicSupervisor;
//! use genserver::supervisor::ChildSpec;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let rooms = DynamicSupervisor::new().start().await?;
//! let lobby = rooms.start_child(ChildSpec::server("room", || genserver::start_link::<Counter>(7))).await?;
//! assert_eq!(lobby.call(Call::Get).await?, 7);
//!
//! rooms.terminate_child(&lobby).await?;
//! assert_eq!(rooms.count_children().await?.active, 0);
//! # rooms.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! A [`Supervisor`](crate::supervisor::Supervisor) knows its children by their ids, starts them in order, and ends them in the
//! reverse. A [`DynamicSupervisor`] starts with none. Its children know nothing of one another, it finds them by their processes,
//! and what it does for one takes no longer if there are a hundred thousand others. A child is told by the same
//! [`ChildSpec`](crate::supervisor::ChildSpec), and is started, watched and ended in the same way. Its id is for reports; many
//! may have the same.
//!
//! # Restarts
//!
//! A child that ends is started again if its [`Restart`](crate::supervisor::Restart) says so, and forgotten if not. The children
//! share one allowance: one restart too many within the time, whichever children they are of, and the supervisor ends them all
//! and itself, with the reason `shutdown`. Processes that belong to a client that can come again, such as one for each
//! connection, are better [`Temporary`](crate::supervisor::Restart::Temporary): they end alone.
//!
//! After a restart a child is another process. Whoever goes on using it holds a reference that survives that:
//!
//! ```
//! # use genserver_doc::counter::*;
//! use genserver::dynamic_supervisor::DynamicSupervisor;
//! use genserver::supervisor::ChildSpec;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let rooms = DynamicSupervisor::new().start().await?;
//! let spec = ChildSpec::server("room", || genserver::start_link::<Counter>(7));
//! let lobby = spec.reference();
//! let first = rooms.start_child(spec).await?;
//! first.kill();
//! assert_eq!(lobby.waiting().call(Call::Get).await?, 7);
//! # rooms.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What a child is started with
//!
//! OTP gives a dynamic supervisor `extra_arguments`, which it puts before those of every child. Here a closure takes along what a
//! child needs, at its first start and at every later one; what all children need is given to the function that makes their
//! specs:
//!
//! ```
//! # use genserver_doc::counter::*;
//! use genserver::ServerRef;
//! use genserver::dynamic_supervisor::{DynamicSupervisor, StartChildError};
//! use genserver::supervisor::ChildSpec;
//!
//! struct Rooms {
//!     supervisor: DynamicSupervisor,
//!     guests: u64,
//! }
//!
//! impl Rooms {
//!     async fn open(&self) -> Result<ServerRef<Counter>, StartChildError> {
//!         let guests = self.guests;
//!         self.supervisor.start_child(ChildSpec::server("room", move || genserver::start_link::<Counter>(guests))).await
//!     }
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let supervisor = DynamicSupervisor::new().start().await?;
//! # assert_eq!(Rooms { supervisor, guests: 3 }.open().await?.call(Call::Get).await?, 3);
//! # Ok(())
//! # }
//! ```
//!
//! # How it ends
//!
//! All children are told to stop at once, in no order, and end side by side. Each has the time that its
//! [`Shutdown`](crate::supervisor::Shutdown) says from then on, so the end of the supervisor takes as long as the slowest of its
//! children, and no longer.
//!
//! # What it costs
//!
//! Each of a hundred thousand children takes about 4 microseconds to be started one by one and stopped with all the others, and 5
//! with two workers; a bare task in a `JoinSet` takes 2.6, and 1.6. A restart takes about 3 microseconds, 3 to 6 with two workers,
//! whether there are a thousand children or a hundred thousand. These are medians on a machine with two cores. On yours, and beside
//! other libraries, they are measured by
//!
//! ```text
//! cargo xtask bench --only "start + stop"
//! cargo xtask bench --only restart
//! ```
//!
//! # When (not) to use one
//!
//! For children that are known from the beginning, or that have to be started in an order, use a
//! [`Supervisor`](crate::supervisor::Supervisor). And if children take long to start: a supervisor waits for the init of one before
//! it starts the next. Let init return [`Init::RunThen`](crate::Init::RunThen) and do what takes long afterwards, or start several
//! dynamic supervisors and choose one by the hash of a key, as Elixir's `PartitionSupervisor` does.
//!
//! # What differs from OTP
//!
//! - `extra_arguments` are a closure's business: see above.
//! - What `which_children` lists is in the order in which the children were first started.
//! - A function that starts a child cannot return what is no start: in OTP that is an error of `start_child`, here of the compiler.

// What is said about one.
mod spec;
// What can be asked of one.
mod error;
mod handle;
// The server: its children, and what it does when one ends.
mod server;

pub use error::{FindChildError, StartChildError, TerminateChildError};
pub use handle::DynamicSupervisor;
pub use server::{News, Request, Server};
pub use spec::DynamicSupervisorSpec;
