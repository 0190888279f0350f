//! The handler that keeps what was said.

use std::collections::VecDeque;
use std::fmt;

use crate::Event;
use crate::client::Client;
use crate::context::HandlerCx;
use crate::handler::Handler;
use crate::reaction::{React, Reaction};

/// How many messages a [`LoggerHandler`] keeps, unless it says otherwise.
pub const LOGGER_DEFAULT: usize = 10_000;

/// A handler that keeps the last events as text, and can be asked for them: the seeds' `LoggerHandler`.
///
/// It keeps [`LOGGER_DEFAULT`] of them, or as many as [`keeping`](Self::keeping) says; older ones are dropped, and counted.
///
/// # Examples
///
/// ```
/// use genevent::{LoggerHandler, Manager, Messages};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = Manager::start().await?;
/// let logger = manager.add_handler(LoggerHandler::keeping(2)).await?;
/// for number in 1..=3 {
///     manager.notify(number)?;
/// }
/// assert_eq!(manager.call(&logger, Messages).await?, ["2", "3"]);
/// assert_eq!(manager.remove_handler(&logger).await?.dropped(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct LoggerHandler {
    messages: VecDeque<String>,
    keeps: usize,
    dropped: u64,
}

/// Asks a [`LoggerHandler`] for the events it has kept, oldest first: the seeds' `:messages`.
#[derive(Debug)]
pub struct Messages(pub Client<Vec<String>>);

impl LoggerHandler {
    /// One that keeps [`LOGGER_DEFAULT`] events.
    pub fn new() -> Self {
        Self::keeping(LOGGER_DEFAULT)
    }

    /// One that keeps so many events.
    pub fn keeping(events: usize) -> Self {
        Self { messages: VecDeque::new(), keeps: events, dropped: 0 }
    }

    /// How many events it has dropped, because newer ones came.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The events it has kept, oldest first.
    pub fn messages(&self) -> impl Iterator<Item = &str> {
        self.messages.iter().map(String::as_str)
    }

    /// The events it has kept, oldest first, when it was removed.
    pub fn into_messages(self) -> Vec<String> {
        self.messages.into()
    }
}

impl Default for LoggerHandler {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: Event + fmt::Display, I: Event> Handler<E, I> for LoggerHandler {
    type Call = Messages;

    fn handle_event(&mut self, event: &E, _cx: &mut HandlerCx<E, I>) -> Reaction<E, I> {
        self.messages.push_back(event.to_string());
        if self.messages.len() > self.keeps {
            self.messages.pop_front();
            self.dropped += 1;
        }
        React::stay()
    }

    fn handle_call(&mut self, Messages(client): Messages, _cx: &mut HandlerCx<E, I>) -> Reaction<E, I> {
        React::reply(client, self.messages.iter().cloned().collect())
    }
}
