//! Programs that fail only if one actor is held back while another takes many steps.
//!
//! A schedule that chooses at random holds nobody back for long: of two tasks it lets one wait through twenty steps once in a million
//! runs. Priorities do it easily.

pub mod silent_lag;
pub mod stalled_holder;
pub mod version_wraps;
