//! Faults that the code under actors can have, each in a small piece of that kind, written by hand.
//!
//! They were planted in our own engine to see whether its tests would find them. `cargo xtask planted` still does that.

pub mod acknowledged_early;
pub mod down_overtakes;
pub mod handler_lost_on_swap;
pub mod name_freed_late;
pub mod no_reply_on_kill;
pub mod one_restart_too_many;
