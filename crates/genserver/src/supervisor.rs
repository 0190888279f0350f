//! Supervisors: processes that start others, watch over them, and start them again when they crash.

// What is said about a child.
mod child_spec;
mod policy;
// What its supervisor does with it.
mod child;
mod intensity;
// How everybody else finds it.
mod child_ref;
mod place;

pub use child::{Child, ChildState};
pub use child_ref::{ChildCallError, ChildCastError, ChildError, ChildRef, WaitingChildRef};
pub use child_spec::{ChildInfo, ChildSpec};
pub use intensity::Intensity;
pub use policy::{ChildKind, Restart, Shutdown};
