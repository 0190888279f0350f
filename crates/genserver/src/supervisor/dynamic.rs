//! Supervisors of children that come and go: independent children, started on demand, by the thousand.
//!
//! ```
//! # use genserver_doc::counter::*;
//! use genserver::start_link;
//! use genserver::dynamic_supervisor::DynamicSupervisor;
//! use genserver::supervisor::ChildSpec;
//!
//! # genserver_doc::run! {
//! let rooms = DynamicSupervisor::new().start().await?;
//! let lobby = ChildSpec::server("room", || start_link::<Counter>(7));
//! let lobby = rooms.start_child(lobby).await?;
//! assert_eq!(lobby.call(Call::Get).await?, 7);
//!
//! rooms.terminate_child(&lobby).await?;
//! assert_eq!(rooms.count_children().await?.active, 0);
//! # rooms.stop().await?;
//! # }
//! ```
//!
//! A [`Supervisor`](crate::supervisor::Supervisor) knows its children by their ids, starts them in order, and ends them in the
//! reverse order. A [`DynamicSupervisor`] starts with none. Its children are independent of each other, it finds them by their
//! processes, and an operation on one takes no longer if there are a hundred thousand others. A child has the same
//! [`ChildSpec`](crate::supervisor::ChildSpec), and is started, monitored and ended in the same way. Its id is only for reports;
//! several children may have the same.
//!
//! # Restarts
//!
//! A child that ends is restarted if its [`Restart`](crate::supervisor::Restart) says so, and forgotten if not. The children
//! share one allowance: one restart too many within the time, of whichever children, and the supervisor ends them all
//! and itself, with the reason `shutdown`. Processes that belong to a client that can come again, such as one per
//! connection, should be [`Temporary`](crate::supervisor::Restart::Temporary): their crashes affect no other child.
//!
//! After a restart a child is another process. To go on using it, hold a reference that survives the restart:
//!
//! ```
//! # use genserver_doc::counter::*;
//! use genserver::AsServer;
//! use genserver::dynamic_supervisor::DynamicSupervisor;
//! use genserver::supervisor::ChildSpec;
//!
//! # genserver_doc::run! {
//! let rooms = DynamicSupervisor::new().start().await?;
//! let spec = ChildSpec::server("room", || genserver::start_link::<Counter>(7));
//! let lobby = spec.reference();
//! let first = rooms.start_child(spec).await?;
//! first.kill();
//! assert_eq!(lobby.waiting().call(Call::Get).await?, 7);
//! # rooms.stop().await?;
//! # }
//! ```
//!
//! # The arguments of a child
//!
//! OTP gives a dynamic supervisor `extra_arguments`, which it puts before those of every child. Here a closure captures what a
//! child needs, at its first start and at every later one. Pass what all children need to the function that makes their
//! specs:
//!
//! ```
//! # use genserver_doc::counter::*;
//! use genserver::{ServerRef, start_link};
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
//!         let room = ChildSpec::server("room", move || start_link::<Counter>(guests));
//!         self.supervisor.start_child(room).await
//!     }
//! }
//! # genserver_doc::run! {
//! # let supervisor = DynamicSupervisor::new().start().await?;
//! # assert_eq!(Rooms { supervisor, guests: 3 }.open().await?.call(Call::Get).await?, 3);
//! # }
//! ```
//!
//! The example `dynamic_supervisor` (`cargo run -p genserver --example dynamic_supervisor`) starts a session for each user, and
//! finds it through a registry.
//!
//! # How it ends
//!
//! All children are ordered to stop at once, in no order, and end concurrently. Each has the time that its
//! [`Shutdown`](crate::supervisor::Shutdown) allows, so the end of the supervisor takes as long as the slowest of its
//! children, and no longer.
//!
//! # What it costs
//!
//! Each of a hundred thousand children takes about 4 microseconds to be started one by one and stopped with all the others, and 5
//! with two workers; a bare task in a `JoinSet` takes 2.6, and 1.6. A restart takes about 3 microseconds, 3 to 6 with two
//! workers, whether there are a thousand children or a hundred thousand. These are medians on a machine with two cores. To
//! measure yours, and other libraries, run
//!
//! ```text
//! cargo xtask bench --only "start + stop"
//! cargo xtask bench --only restart
//! ```
//!
//! # When (not) to use one
//!
//! For children that are known from the beginning, or that have to be started in an order, use a
//! [`Supervisor`](crate::supervisor::Supervisor). It also matters if children take long to start: a supervisor waits for the init
//! of one before it starts the next. Let init return [`Init::RunThen`](crate::Init::RunThen) and do the slow part afterwards, or
//! start several dynamic supervisors and choose one by the hash of a key, as Elixir's `PartitionSupervisor` does.
//!
//! # What differs from OTP
//!
//! - Closures replace `extra_arguments`: see above.
//! - `which_children` lists the children in the order in which they were first started.
//! - A function that starts a child cannot return anything but a start. In OTP that is an error of `start_child`, here of the
//!   compiler.

mod handle;
mod spec;
// The children of a dynamic supervisor, which are what is different in one.
mod children;

use crate::Pid;
use crate::supervisor::SupervisorServer;

pub use crate::supervisor::StartChildError;
pub use children::DynamicChildren;
pub use handle::DynamicSupervisor;
pub use spec::DynamicSupervisorSpec;

/// The server in a [`DynamicSupervisor`], for where a type has to name it: `Start<DynamicSupervisorServer, DynamicSupervisor>`.
pub type DynamicSupervisorServer = SupervisorServer<DynamicChildren>;

/// The error of `terminate_child` of a [`DynamicSupervisor`].
pub type TerminateChildError = crate::supervisor::TerminateChildError<Pid>;

/// The error of `child_entry` of a [`DynamicSupervisor`].
pub type FindChildError = crate::supervisor::FindChildError<Pid>;
