//! Many managers, many events that are not done with yet, and many senders.
#![cfg(feature = "tokio")]

mod chains;
mod holds;
mod storms;
