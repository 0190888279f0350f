//! A page that shows what the processes of a program do.

#[cfg(feature = "server")]
mod observe;
#[cfg(feature = "server")]
mod observer;
#[cfg(feature = "server")]
mod serve;
#[cfg(feature = "server")]
mod web;

pub mod data;

// The same at a terminal.
#[cfg(feature = "terminal")]
pub mod terminal;

#[cfg(feature = "server")]
pub use observer::Observer;
#[cfg(feature = "server")]
pub use serve::{ServeError, Serving, ThreadError};
#[cfg(feature = "server")]
pub use web::{Token, TokenError};
