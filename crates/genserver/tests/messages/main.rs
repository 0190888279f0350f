//! Messages: where they go, how their answers come back, and what happens when there are too many.
#![cfg(feature = "tokio")]

#[path = "../calls_suite/puppet.rs"]
mod puppet;

// Calls, and answers that are taken later.
mod requests;
// Recipients of any type.
mod recipients;
// One message to many servers.
mod fan_out;
// Many messages to one server.
mod overload;
