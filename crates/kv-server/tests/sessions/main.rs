//! Sessions over any reader and writer: their answers and their limits.

#[path = "../support/client.rs"]
mod support;

// The Elixir guide's own test, ...
mod guide;
// ... and the commands that it does not have.
mod commands;
// The same answers however the bytes are cut.
mod answers;
// Who is told of a store's events.
mod subscriptions;
// What a client may not have.
mod limits;
// Random bytes.
mod fuzz;
