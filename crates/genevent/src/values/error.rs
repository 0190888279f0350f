//! The errors of what is done with a handler, one type for each operation.

use std::fmt;

use genserver::{CallError, Reason, Subject};
use parking_lot::Mutex;

use super::id::HandlerId;

/// Why a [call](crate::Manager::call) to a handler has failed.
///
/// # Examples
///
/// ```
/// use genevent::{CallHandlerError, HandlerRef, LoggerHandler, Manager, LoggedMessages};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = Manager::<String>::start().name("events").await?;
/// let nobody = HandlerRef::<LoggerHandler>::with_id("audit");
/// let error = manager.call(&nobody, LoggedMessages).await.unwrap_err();
/// assert!(matches!(error, CallHandlerError::NotFound { .. }));
/// assert!(
///     error
///         .to_string()
///         .contains("has no handler genevent::builtin::logger::LoggerHandler audit")
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CallHandlerError {
    /// The manager has no such handler.
    #[error(
        "{manager} has no handler {handler}; it was not added, or has gone: `which_handlers` lists those that are there"
    )]
    #[doc(alias = "bad_module")]
    NotFound {
        /// The manager.
        manager: Subject,
        /// The handler that was asked.
        handler: HandlerId,
    },
    /// The handler's callback returned an error, or panicked, and the handler was removed.
    #[error("{handler} of {manager} failed and was removed: {reason}; what it was asked may be half done")]
    Failed {
        /// The manager.
        manager: Subject,
        /// The handler that was asked.
        handler: HandlerId,
        /// The error or the panic.
        reason: Reason,
    },
    /// The handler dropped the caller without answering. It is still running.
    #[error("{handler} of {manager} dropped the client without an answer; its `handle_call` forgets to reply")]
    NoReply {
        /// The manager.
        manager: Subject,
        /// The handler that was asked.
        handler: HandlerId,
    },
    /// The manager did not answer.
    #[error(transparent)]
    Manager(#[from] CallError),
}

/// Why a handler was not [added](crate::Manager::add_handler).
///
/// # Examples
///
/// ```
/// use genevent::{AddHandlerError, LoggerHandler, Manager};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = Manager::<String>::start().await?;
/// manager.add_handler(LoggerHandler::new()).await?;
/// match manager.add_handler(LoggerHandler::keeping(5)).await {
///     Err(AddHandlerError::AlreadyPresent { returned, .. }) => {
///         manager.add_handler(returned.into_inner()).id("second").await?;
///     }
///     other => panic!("{other:?}"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum AddHandlerError<H> {
    /// The manager already has such a handler. The new one is returned; its init has not run.
    #[error(
        "{manager} has a handler {handler} already; remove that one, swap it, or add this one with an `id` of its own"
    )]
    AlreadyPresent {
        /// The manager.
        manager: Subject,
        /// The existing handler.
        handler: HandlerId,
        /// The handler that was not added.
        returned: ReturnedHandler<H>,
    },
    /// The handler's init returned this error or panicked. Nothing was added.
    #[error("init of {handler} failed: {reason}; nothing was added to {manager}")]
    Init {
        /// The manager.
        manager: Subject,
        /// The handler that was not added.
        handler: HandlerId,
        /// The error or the panic.
        reason: Reason,
        /// The handler that was not added.
        returned: ReturnedHandler<H>,
    },
    /// The manager did not answer.
    #[error("{error}")]
    Manager {
        /// Why.
        error: CallError,
        /// The handler that was not added. `None` if the manager had begun its init and ended in it.
        returned: Option<ReturnedHandler<H>>,
    },
}

/// Why a handler was not [removed](crate::Manager::remove_handler), or was removed with an error.
///
/// # Examples
///
/// ```
/// use genevent::{LoggerHandler, Manager, RemoveHandlerError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = Manager::<String>::start().await?;
/// let logger = manager.add_handler(LoggerHandler::new()).await?;
/// manager.remove_handler(&logger).await?;
/// let twice = manager.remove_handler(&logger).await;
/// assert!(matches!(twice, Err(RemoveHandlerError::NotFound { .. })));
/// # Ok(())
/// # }
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum RemoveHandlerError<H> {
    /// The manager has no such handler.
    #[error(
        "{manager} has no handler {handler}; it was not added, or has gone: `which_handlers` lists those that are there"
    )]
    #[doc(alias = "module_not_found")]
    NotFound {
        /// The manager.
        manager: Subject,
        /// The handler that was to be removed.
        handler: HandlerId,
    },
    /// The handler's terminate panicked. The handler was removed all the same.
    #[error("terminate of {handler} panicked: {reason}; it is removed from {manager} all the same")]
    Terminate {
        /// The manager.
        manager: Subject,
        /// The handler that was removed.
        handler: HandlerId,
        /// The panic.
        reason: Reason,
        /// The handler, as the panic left it.
        returned: ReturnedHandler<H>,
    },
    /// The manager did not answer.
    #[error(transparent)]
    Manager(#[from] CallError),
}

/// Why a [swap](crate::Manager::swap_handler) added no new handler. The old one is gone, unless the manager did not answer.
///
/// # Examples
///
/// ```
/// use genevent::{LoggerHandler, Manager, SwapHandlerError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = Manager::<String>::start().await?;
/// let first = manager.add_handler(LoggerHandler::new()).await?;
/// manager.add_handler(LoggerHandler::new()).id("second").await?;
///
/// let swapped =
///     manager.swap_handler(&first, |left| left.unwrap_or_default()).id("second").await;
/// let Err(SwapHandlerError::AlreadyPresent { returned, .. }) = swapped else {
///     panic!("there is one")
/// };
/// assert!(returned.into_inner().into_messages().is_empty(), "nothing is lost");
/// # Ok(())
/// # }
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SwapHandlerError<O, H> {
    /// The manager already has such a handler, and it is not the one to be swapped. The new one is returned.
    #[error(
        "{manager} has a handler {handler} already, so no other can take the place of the one that went; add this one with an `id` of its own"
    )]
    AlreadyPresent {
        /// The manager.
        manager: Subject,
        /// The existing handler.
        handler: HandlerId,
        /// The handler that was not added.
        returned: ReturnedHandler<H>,
    },
    /// The new handler's init returned this error or panicked.
    #[error("init of {handler} failed: {reason}; nothing was added to {manager}, and the old handler has gone")]
    Init {
        /// The manager.
        manager: Subject,
        /// The handler that was not added.
        handler: HandlerId,
        /// The error or the panic.
        reason: Reason,
        /// The handler that was not added.
        returned: ReturnedHandler<H>,
    },
    /// The function that makes the new handler panicked.
    #[error("there is no {handler} to add, because what makes it {reason}; the old handler has gone from {manager}")]
    Make {
        /// The manager.
        manager: Subject,
        /// The handler that was not added.
        handler: HandlerId,
        /// The panic.
        reason: Reason,
    },
    /// The manager did not answer.
    #[error("{error}")]
    Manager {
        /// Why.
        error: CallError,
        /// The function that makes the new handler. `None` if the manager had begun the swap and ended in it.
        make: Option<ReturnedHandler<MakeHandler<O, H>>>,
    },
}

/// The function of a [swap](crate::Manager::swap_handler) that makes the new handler from the old one.
///
/// # Examples
///
/// Using the function after a swap that never began:
///
/// ```
/// use genevent::{HandlerRef, LoggerHandler, MakeHandler, Manager, SwapHandlerError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (today, tomorrow) =
///     (Manager::<String>::start().await?, Manager::<String>::start().await?);
/// let logger = HandlerRef::<LoggerHandler>::new();
/// today.stop().await?;
///
/// let swapped = today.swap_handler(&logger, |left| left.unwrap_or_default()).await;
/// if let Err(SwapHandlerError::Manager { make: Some(make), .. }) = swapped {
///     let make: MakeHandler<LoggerHandler, LoggerHandler> = make.into_inner();
///     tomorrow.swap_handler(&logger, make).await?;
/// }
/// assert_eq!(tomorrow.which_handlers().await?, [logger.id()]);
/// # Ok(())
/// # }
/// ```
pub type MakeHandler<O, H> = Box<dyn FnOnce(Result<O, OldHandlerError>) -> H + Send>;

/// Why the function that makes the new handler of a swap does not get the old one.
///
/// # Examples
///
/// ```
/// use genevent::{HandlerRef, LoggerHandler, Manager, OldHandlerError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = Manager::<String>::start().await?;
/// let nobody = HandlerRef::<LoggerHandler>::with_id("yesterday");
/// let logger = manager.swap_handler(&nobody, |left| {
///     assert!(matches!(left, Err(OldHandlerError::NotFound { .. })));
///     LoggerHandler::new()
/// });
/// logger.await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OldHandlerError {
    /// There was no such handler.
    #[error("there was no {handler}")]
    NotFound {
        /// The handler that was to be swapped.
        handler: HandlerId,
    },
    /// Its terminate panicked.
    #[error("terminate of {handler} panicked: {reason}")]
    Terminate {
        /// The handler that was to be swapped.
        handler: HandlerId,
        /// The panic.
        reason: Reason,
    },
}

/// A handler that an error returns, or the [function that makes one](MakeHandler).
///
/// # Examples
///
/// ```
/// use genevent::{AddHandlerError, LoggerHandler, Manager};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let yesterday = Manager::<String>::start().await?;
/// yesterday.stop().await?;
/// let added = yesterday.add_handler(LoggerHandler::keeping(5)).await;
/// let Err(AddHandlerError::Manager { returned: Some(returned), .. }) = added else {
///     panic!("it has ended")
/// };
///
/// let today = Manager::<String>::start().await?;
/// today.add_handler(returned.into_inner()).await?;
/// # Ok(())
/// # }
/// ```
pub struct ReturnedHandler<H>(Box<Mutex<H>>);

impl<H> ReturnedHandler<H> {
    pub(crate) fn new(handler: H) -> Self {
        Self(Box::new(Mutex::new(handler)))
    }

    /// Unwraps the handler.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{AddHandlerError, Handler, HandlerCx, Manager, React, Reaction};
    /// use genserver::{Never, Reason};
    ///
    /// /// Begins with money only.
    /// struct Till(u32);
    ///
    /// impl Handler<()> for Till {
    ///     type Call = Never;
    ///
    ///     fn init(&mut self, _cx: &mut HandlerCx<()>) -> Result<(), Reason> {
    ///         if self.0 == 0 { Err(Reason::term("the till is empty")) } else { Ok(()) }
    ///     }
    ///
    ///     fn handle_event(&mut self, (): &(), _cx: &mut HandlerCx<()>) -> Reaction<()> {
    ///         React::stay()
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// if let Err(AddHandlerError::Init { returned, .. }) = manager.add_handler(Till(0)).await {
    ///     let mut till = returned.into_inner();
    ///     till.0 = 50;
    ///     manager.add_handler(till).await?;
    /// }
    /// assert_eq!(manager.which_handlers().await?.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_inner(self) -> H {
        self.0.into_inner()
    }
}

impl<H> fmt::Debug for ReturnedHandler<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReturnedHandler(..)")
    }
}

/// A handler need not implement `Debug`, so the errors that carry one print without it.
macro_rules! debug_without_handler {
    ($($error:ident<$($handler:ident),*>;)*) => {$(
        impl<$($handler),*> fmt::Debug for $error<$($handler),*> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($error), "({})"), self)
            }
        }
    )*};
}

debug_without_handler! {
    AddHandlerError<H>;
    RemoveHandlerError<H>;
    SwapHandlerError<O, H>;
}
