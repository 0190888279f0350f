//! Supervisors: processes that start others, watch over them, and start them again when they crash.

// What is said about a supervisor and its children.
mod child_spec;
mod policy;
mod spec;
// What can be asked of a supervisor.
mod error;
mod handle;
// How everybody else finds a child.
mod child_ref;
mod place;
// The server: what it is asked, and what it does when a child ends.
mod intensity;
mod restart;
mod server;
// One child in the hands of its supervisor.
mod child;

pub use child::{Child, ChildState};
pub use child_ref::{ChildCallError, ChildCastError, ChildError, ChildRef, WaitingChildRef};
pub use child_spec::{ChildInfo, ChildSpec};
pub use error::{DeleteChildError, FindChildError, RestartChildError, StartChildError, TerminateChildError};
pub use handle::{ChildCounts, ChildEntry, Supervisor};
pub use intensity::Intensity;
pub use policy::{AutoShutdown, ChildKind, Restart, Shutdown, Strategy};
pub use server::{Args, News, Request, Server};
pub use spec::{FailedToStartChild, SpecError, SupervisorSpec};
