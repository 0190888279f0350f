//! Programs that are busy and get nothing done.

pub mod after_you;
