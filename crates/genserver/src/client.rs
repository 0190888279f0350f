//! References to servers and what they can do: call, cast, request, send, stop, wait.

// A reference to a server of a known type.
pub(crate) mod server_ref;
// A server looked up by its name.
pub(crate) mod named;
// Anything that refers to one server.
pub(crate) mod as_server;
// What an operation is for: a server at hand, or one that is looked up.
pub(crate) mod target;
// A server that ends with its last reference.
pub(crate) mod scoped;
// Calls: sending a request and waiting for the answer.
pub(crate) mod call;
// Casts and plain messages.
pub(crate) mod cast;
// Requests: sending now, and taking the answer later.
pub(crate) mod request;
// Calls and casts to many servers.
pub(crate) mod fan_out;
// Calls from a thread that runs no tasks.
mod blocking;
// References to any process that takes messages of one type.
pub(crate) mod recipient;
// Stopping, and waiting for the end.
pub(crate) mod stop;
// Messages that come later.
pub(crate) mod timer;
// Sleeping, and timeouts.
pub mod time;
// Work that blocks its thread.
pub(crate) mod run_blocking;
