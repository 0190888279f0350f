//! References to servers, and what is done with them: call, cast, request, send, stop, wait.

// A server of a known type.
pub(crate) mod server_ref;
// A server by its name.
pub(crate) mod named;
// Whatever refers to one server.
pub(crate) mod as_server;
// A server that ends with its last reference.
pub(crate) mod scoped;
// Asking, and waiting for the answer.
pub(crate) mod call;
// Telling.
pub(crate) mod cast;
// Asking now, and fetching the answer later.
pub(crate) mod request;
// Asking or telling many.
pub(crate) mod fan_out;
// Asking from a thread that runs no tasks.
mod blocking;
// Any process that takes messages of one type.
pub(crate) mod recipient;
// Stopping, and waiting for the end.
pub(crate) mod stop;
// Messages that come later.
pub(crate) mod timer;
// Waiting for a while, or no longer than a while.
pub mod time;
// Work that blocks its thread.
pub(crate) mod run_blocking;
