//! Messages: to whom they go, how their answers come back, and what happens when there are too many.
#![cfg(feature = "tokio")]

#[path = "../calls_suite/puppet.rs"]
mod puppet;

// Calls, and answers that are fetched later.
mod requests;
// Whoever takes a message.
mod recipients;
// One message for many.
mod fan_out;
// Many messages for one.
mod overload;
