//! Programs that rely on an order of messages that nothing keeps.

pub mod late_limit;
pub mod stale_timeout;
