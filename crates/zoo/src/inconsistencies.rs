//! Programs whose actors come to believe different things.

pub mod half_committed;
pub mod replicas_part;
