//! A manager by name.

use std::fmt;
use std::future::poll_fn;

use genserver::{AsProcess, AsServer, CallError, CastError, Name, Named, ProcessRef, ServerRef, StopError, poll_alive};

use super::Manager;
use crate::server::ManagerServer;
use crate::values::Event;

/// A manager by name: made by [`Manager::named`].
///
/// The name is looked up at every use, so this survives restarts of the manager. For what it has no method for,
/// [`resolve`](Self::resolve) the manager.
///
/// # Examples
///
/// ```
/// use genevent::Manager;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let events = Manager::<&str>::named("shop events");
/// assert_eq!(events.notify("too early").unwrap_err().into_inner(), "too early");
///
/// let _manager = Manager::<&str>::start().name("shop events").await?;
/// events.sync_notify("open").await?;
/// assert_eq!(events.resolve()?.which_handlers().await?, []);
/// # Ok(())
/// # }
/// ```
pub struct NamedManager<E: Event, I: Event = genserver::Never> {
    name: Named<ManagerServer<E, I>>,
}

impl<E: Event, I: Event> NamedManager<E, I> {
    /// Names a manager that takes plain messages of type `I`.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{Manager, NamedManager};
    ///
    /// struct Tick;
    ///
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let clock = NamedManager::<String, Tick>::new("town clock");
    /// let _manager = Manager::<String>::start_with_info::<Tick>().name("town clock").await?;
    /// clock.resolve()?.send(Tick)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(name: impl Into<Name>) -> Self {
        Self { name: Named::new(name) }
    }

    /// The name.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::Manager;
    ///
    /// let events = Manager::<String>::named("market events");
    /// assert_eq!(events.name().to_string(), "market events");
    /// ```
    pub fn name(&self) -> &Name {
        self.name.name()
    }

    /// Looks up the manager.
    ///
    /// # Errors
    ///
    /// [`CallError::NoProc`] if no process has the name, [`CallError::WrongServer`] if it belongs to something else.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::Manager;
    /// use genserver::CallError;
    ///
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let events = Manager::<String>::named("theatre events");
    /// assert!(matches!(events.resolve(), Err(CallError::NoProc { .. })));
    ///
    /// let manager = Manager::<String>::start().name("theatre events").await?;
    /// assert_eq!(events.resolve()?, manager);
    ///
    /// let other = Manager::<u8>::named("theatre events");
    /// assert!(matches!(other.resolve(), Err(CallError::WrongServer { .. })));
    /// # Ok(())
    /// # }
    /// ```
    pub fn resolve(&self) -> Result<Manager<E, I>, CallError> {
        self.name.resolve().map(Manager::from)
    }

    /// See [`Manager::notify`].
    ///
    /// # Errors
    ///
    /// Returns the event if no process has the name or the mailbox is full.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::Manager;
    ///
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let events = Manager::<&str>::named("library events");
    /// let unheard = events.notify("a new book").unwrap_err().into_inner();
    /// let _manager = Manager::<&str>::start().name("library events").await?;
    /// events.notify(unheard)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn notify(&self, event: E) -> Result<(), CastError<E>> {
        self.name.cast(event)
    }

    /// See [`Manager::ack_notify`].
    ///
    /// # Errors
    ///
    /// The same, and [`CallError::NoProc`] if no process has the name.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::Manager;
    ///
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let events = Manager::<u32>::named("meter events");
    /// let _manager = Manager::<u32>::start().name("meter events").await?;
    /// for reading in 0..100 {
    ///     events.ack_notify(reading).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn ack_notify(&self, event: E) -> Result<(), CallError> {
        poll_fn(poll_alive).await;
        self.resolve()?.ack_notify(event).await
    }

    /// See [`Manager::sync_notify`].
    ///
    /// # Errors
    ///
    /// The same, and [`CallError::NoProc`] if no process has the name.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{LoggerHandler, Manager};
    ///
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let events = Manager::<&str>::named("station events");
    /// let manager = Manager::<&str>::start().name("station events").await?;
    /// let logger = manager.add_handler(LoggerHandler::new()).await?;
    /// events.sync_notify("a train").await?;
    /// assert_eq!(manager.remove_handler(&logger).await?.into_messages(), ["a train"]);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn sync_notify(&self, event: E) -> Result<(), CallError> {
        poll_fn(poll_alive).await;
        self.resolve()?.sync_notify(event).await
    }

    /// See [`Manager::stop`].
    ///
    /// # Errors
    ///
    /// The same, and an error if no process has the name.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::Manager;
    ///
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let events = Manager::<String>::named("fair events");
    /// let _manager = Manager::<String>::start().name("fair events").await?;
    /// events.stop().await?;
    /// assert!(events.stop().await.is_err(), "nobody has the name any more");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn stop(&self) -> Result<(), StopError> {
        self.name.stop().await
    }
}

impl<E: Event, I: Event> From<Named<ManagerServer<E, I>>> for NamedManager<E, I> {
    fn from(name: Named<ManagerServer<E, I>>) -> Self {
        Self { name }
    }
}

impl<E: Event, I: Event> AsProcess for NamedManager<E, I> {
    fn as_process(&self) -> Option<ProcessRef> {
        self.name.as_process()
    }
}

impl<E: Event, I: Event> AsServer for NamedManager<E, I> {
    type Server = ManagerServer<E, I>;

    fn as_server(&self) -> Result<ServerRef<ManagerServer<E, I>>, CallError> {
        self.name.resolve()
    }
}

impl<E: Event, I: Event> Clone for NamedManager<E, I> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone() }
    }
}

impl<E: Event, I: Event> fmt::Debug for NamedManager<E, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NamedManager").field(self.name()).finish()
    }
}
