//! A sink whose items become events.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::Sink;
use futures::future::BoxFuture;
use genserver::{CallError, poll_alive};

use crate::manager::Manager;
use crate::values::{Event, NotifyError, NotifyMode};

/// A [`Sink`] into a [`Manager`]: every item becomes an event. Made by [`Manager::sink`].
///
/// It accepts the next item when the manager has taken the last one out of its mailbox, as with
/// [`ack_notify`](Manager::ack_notify), so a producer cannot outrun the manager. [`mode`](Self::mode) chooses another way.
/// Flushing waits for the last item in the same way.
///
/// # Examples
///
/// ```
/// use futures::{SinkExt, StreamExt, stream};
/// use genevent::{LoggerHandler, Manager};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = Manager::start().await?;
/// let logger = manager.add_handler(LoggerHandler::new()).await?;
/// let mut numbers = stream::iter([1, 2, 3]).map(Ok);
/// manager.sink().send_all(&mut numbers).await?;
/// assert_eq!(manager.remove_handler(&logger).await?.into_messages(), ["1", "2", "3"]);
/// # Ok(())
/// # }
/// ```
#[must_use = "a sink does nothing unless it is fed"]
pub struct EventSink<E: Event, I: Event = genserver::Never> {
    manager: Manager<E, I>,
    mode: NotifyMode,
    under_way: Option<BoxFuture<'static, Result<(), NotifyError>>>,
}

impl<E: Event, I: Event> Manager<E, I> {
    /// A sink whose items become events: see [`EventSink`].
    pub fn sink(&self) -> EventSink<E, I> {
        EventSink::new(self.clone())
    }
}

impl<E: Event, I: Event> EventSink<E, I> {
    pub(crate) fn new(manager: Manager<E, I>) -> Self {
        Self { manager, mode: NotifyMode::Ack, under_way: None }
    }

    /// Sets how items are sent. With [`NotifyMode::Async`] the sink waits for space in the manager's mailbox and no longer.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::SinkExt;
    /// use genevent::{LoggerHandler, Manager, NotifyMode};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let logger = manager.add_handler(LoggerHandler::new()).await?;
    /// let mut sink = manager.sink().mode(NotifyMode::Sync);
    /// sink.send("hello").await?;
    /// // The handler has seen it, so it is not a moment too early for this:
    /// assert_eq!(manager.remove_handler(&logger).await?.into_messages(), ["hello"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn mode(mut self, mode: NotifyMode) -> Self {
        self.mode = mode;
        self
    }
}

async fn send<E: Event, I: Event>(manager: Manager<E, I>, mode: NotifyMode, event: E) -> Result<(), NotifyError> {
    match mode {
        NotifyMode::Async => manager
            .notify_wait(event)
            .await
            .map_err(|_event| CallError::NoProc { server: manager.process_ref().subject() }.into()),
        NotifyMode::Ack => manager.ack_notify(event).no_timeout().await,
        NotifyMode::Sync => manager.sync_notify(event).no_timeout().await,
    }
}

impl<E: Event, I: Event> Sink<E> for EventSink<E, I> {
    type Error = NotifyError;

    fn poll_ready(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Result<(), NotifyError>> {
        self.poll_flush(task)
    }

    fn start_send(mut self: Pin<&mut Self>, event: E) -> Result<(), NotifyError> {
        let sent = send(self.manager.clone(), self.mode, event);
        self.under_way = Some(Box::pin(sent));
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Result<(), NotifyError>> {
        ready!(poll_alive(task));
        let Some(under_way) = &mut self.under_way else { return Poll::Ready(Ok(())) };
        let sent = ready!(under_way.as_mut().poll(task));
        self.under_way = None;
        Poll::Ready(sent)
    }

    fn poll_close(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Result<(), NotifyError>> {
        self.poll_flush(task)
    }
}

impl<E: Event, I: Event> Unpin for EventSink<E, I> {}

impl<E: Event, I: Event> fmt::Debug for EventSink<E, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSink").field("manager", &self.manager).field("mode", &self.mode).finish_non_exhaustive()
    }
}
