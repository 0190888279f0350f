//! Programs whose messages belong together, and may have others between them.

pub mod closed_while_open;
pub mod lost_deposit;
pub mod oversold;
pub mod stale_cache;
pub mod two_of_a_name;
pub mod two_votes;
