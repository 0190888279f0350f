//! Programs in which nobody goes on.

pub mod crossed_offers;
pub mod lock_order;
