//! The handler that keeps the last events as text.

use std::collections::VecDeque;
use std::fmt;

use crate::handler::{Handler, HandlerCaller, HandlerCx, React, Reaction};
use crate::values::Event;

/// How many events a [`LoggerHandler`] keeps by default.
pub const LOGGER_MESSAGES_DEFAULT: usize = 10_000;

/// A handler that keeps the last events as text and returns them on request.
///
/// It keeps [`LOGGER_MESSAGES_DEFAULT`] events, or as many as [`keeping`](Self::keeping) sets. Older events are dropped and
/// counted.
///
/// # Examples
///
/// ```
/// use genevent::{LoggerHandler, Manager, LoggedMessages};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = Manager::start().await?;
/// let logger = manager.add_handler(LoggerHandler::keeping(2)).await?;
/// for number in 1..=3 {
///     manager.notify(number)?;
/// }
/// assert_eq!(manager.call(&logger, LoggedMessages).await?, ["2", "3"]);
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

/// Asks a [`LoggerHandler`] for the events it has kept, oldest first.
#[derive(Debug)]
pub struct LoggedMessages(pub HandlerCaller<Vec<String>>);

impl LoggerHandler {
    /// Creates a logger that keeps [`LOGGER_MESSAGES_DEFAULT`] events.
    pub fn new() -> Self {
        Self::keeping(LOGGER_MESSAGES_DEFAULT)
    }

    /// Creates a logger that keeps at most this many events.
    pub fn keeping(events: usize) -> Self {
        Self { messages: VecDeque::new(), keeps: events, dropped: 0 }
    }

    /// How many old events it has dropped to make space for newer ones.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The events it has kept, oldest first.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{LoggerHandler, Manager};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let logger = manager.add_handler(LoggerHandler::new()).await?;
    /// for event in ["sold: tea", "refused: milk", "sold: eggs"] {
    ///     manager.notify(event)?;
    /// }
    /// let logger = manager.remove_handler(&logger).await?;
    /// assert_eq!(logger.messages().filter(|event| event.starts_with("sold")).count(), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn messages(&self) -> impl Iterator<Item = &str> {
        self.messages.iter().map(String::as_str)
    }

    /// The events it has kept, oldest first, once it was removed.
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
    type Call = LoggedMessages;

    fn handle_event(&mut self, event: &E, _cx: &mut HandlerCx<E, I>) -> Reaction<E, I> {
        self.messages.push_back(event.to_string());
        if self.messages.len() > self.keeps {
            self.messages.pop_front();
            self.dropped += 1;
        }
        React::stay()
    }

    fn handle_call(&mut self, LoggedMessages(client): LoggedMessages, _cx: &mut HandlerCx<E, I>) -> Reaction<E, I> {
        React::reply(client, self.messages.iter().cloned().collect())
    }
}
