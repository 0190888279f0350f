//! The routes, and what is asked of those who use them.

// Who may ask: the host, the origin, the token, the machine.
mod guard;
// The token.
mod token;
// The page.
mod page;
// The JSON.
mod api;
// The stream of what changes.
mod sse;
// What the program says of itself: its health and its metrics.
mod program;
// All routes.
mod routes;

pub(crate) use guard::{Guard, is_loopback};
pub(crate) use program::Heartbeat;
pub(crate) use routes::{Options, routes};
pub use token::{Token, TokenError};
