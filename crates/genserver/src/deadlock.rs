//! Calls that wait for one another in a circle.

/// One process waiting for another.
pub(crate) struct Edge;
