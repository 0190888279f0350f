//! Many managers, many unfinished events, and many senders.
#![cfg(feature = "tokio")]

mod chains;
mod holds;
mod long_lists;
mod refusals;
mod storms;
