//! Handlers that come with the crate.

// One that keeps events as text.
mod logger;
// Two that pass events on.
mod forwarder;

pub use forwarder::{ForwardToManager, Forwarder};
pub use logger::{LOGGER_MESSAGES_DEFAULT, LoggedMessages, LoggerHandler};
