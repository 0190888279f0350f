//! Sessions over any reader and writer: their answers and their limits.

#[path = "../support/random.rs"]
mod random;
#[path = "../support/secret.rs"]
mod secret;
#[path = "../support/client.rs"]
mod support;

// The Elixir guide's own test, ...
mod guide;
// ... the commands that it does not have, ...
mod commands;
// ... those of one key, ...
mod keys;
// ... and lists, in parts and pages.
mod lists;
// The same answers however the bytes are cut.
mod answers;
// Who is told of a store's events.
mod subscriptions;
// Logging in.
mod login;
// What a client may not have.
mod limits;
// What a session does in a turn.
mod turns;
// What the store may not hold.
mod store_limits;
// Random bytes.
mod fuzz;
// A store on several machines.
mod remote;
