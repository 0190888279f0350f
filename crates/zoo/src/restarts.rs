//! Programs that are wrong about the end of a process, or its next start.

pub mod lost_at_stop;
pub mod stale_reference;
pub mod two_incarnations;
