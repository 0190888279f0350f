//! Handlers that come with the crate.

// Keeps events as text.
mod logger;
// Pass events on to a process, a function or another manager.
mod forwarder;

pub use forwarder::{ForwardToManager, Forwarder};
pub use logger::{LOGGER_MESSAGES_DEFAULT, LoggedMessages, LoggerHandler};
