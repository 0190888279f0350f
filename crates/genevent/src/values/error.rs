//! Why something could not be done with a handler: one type for each operation.

use std::fmt;

use genserver::{CallError, Reason, Subject};
use parking_lot::Mutex;

use super::id::HandlerId;

/// Why a handler did not answer a [call](crate::Manager::call).
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
/// assert!(error.to_string().contains("has no handler genevent::builtin::logger::LoggerHandler audit"));
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
        /// Who was asked.
        manager: Subject,
        /// Who was meant.
        handler: HandlerId,
    },
    /// The handler's callback returned an error, or panicked, and the handler was removed.
    #[error("{handler} of {manager} failed and was removed: {reason}; what it was asked may be half done")]
    Failed {
        /// Who was asked.
        manager: Subject,
        /// Who was meant.
        handler: HandlerId,
        /// What happened.
        reason: Reason,
    },
    /// The handler lives, but dropped the client without an answer.
    #[error("{handler} of {manager} dropped the client without an answer; its `handle_call` forgets to reply")]
    NoReply {
        /// Who was asked.
        manager: Subject,
        /// Who was meant.
        handler: HandlerId,
    },
    /// The manager itself did not answer.
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
    /// The manager has such a handler already. The new one is given back; its init has not run.
    #[error(
        "{manager} has a handler {handler} already; remove that one, swap it, or add this one with an `id` of its own"
    )]
    AlreadyPresent {
        /// Who was asked.
        manager: Subject,
        /// Which handler it has.
        handler: HandlerId,
        /// The one that was to be added.
        returned: ReturnedHandler<H>,
    },
    /// The handler's init returned this error, or panicked. Nothing was added.
    #[error("init of {handler} failed: {reason}; nothing was added to {manager}")]
    Init {
        /// Who was asked.
        manager: Subject,
        /// Which handler it would have been.
        handler: HandlerId,
        /// What happened.
        reason: Reason,
        /// The one that was to be added.
        returned: ReturnedHandler<H>,
    },
    /// The manager itself did not answer.
    #[error("{error}")]
    Manager {
        /// Why not.
        error: CallError,
        /// The one that was to be added. It is not there if the manager had begun with it, and ended in its init.
        returned: Option<ReturnedHandler<H>>,
    },
}

/// Why a handler was not [removed](crate::Manager::remove_handler), or not as it should.
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
        /// Who was asked.
        manager: Subject,
        /// Who was meant.
        handler: HandlerId,
    },
    /// The handler's terminate panicked. It is removed all the same.
    #[error("terminate of {handler} panicked: {reason}; it is removed from {manager} all the same")]
    Terminate {
        /// Who was asked.
        manager: Subject,
        /// Who was meant.
        handler: HandlerId,
        /// What happened.
        reason: Reason,
        /// The handler, as the panic left it.
        returned: ReturnedHandler<H>,
    },
    /// The manager itself did not answer.
    #[error(transparent)]
    Manager(#[from] CallError),
}

/// Why no handler took another's place in a [swap](crate::Manager::swap_handler). The old one has gone, unless it is the manager that
/// did not answer.
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
/// let swapped = manager.swap_handler(&first, |left| left.unwrap_or_default()).id("second").await;
/// let Err(SwapHandlerError::AlreadyPresent { returned, .. }) = swapped else { panic!("there is one") };
/// assert!(returned.into_inner().into_messages().is_empty(), "nothing is lost");
/// # Ok(())
/// # }
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SwapHandlerError<O, H> {
    /// The manager has such a handler already, and it is not the one that was to go. The new one is given back.
    #[error(
        "{manager} has a handler {handler} already, so no other can take the place of the one that went; add this one with an `id` of its own"
    )]
    AlreadyPresent {
        /// Who was asked.
        manager: Subject,
        /// Which handler it has.
        handler: HandlerId,
        /// The one that was to be added.
        returned: ReturnedHandler<H>,
    },
    /// The new handler's init returned this error, or panicked.
    #[error("init of {handler} failed: {reason}; nothing was added to {manager}, and the old handler has gone")]
    Init {
        /// Who was asked.
        manager: Subject,
        /// Which handler it would have been.
        handler: HandlerId,
        /// What happened.
        reason: Reason,
        /// The one that was to be added.
        returned: ReturnedHandler<H>,
    },
    /// What makes the new handler panicked.
    #[error("there is no {handler} to add, because what makes it {reason}; the old handler has gone from {manager}")]
    Make {
        /// Who was asked.
        manager: Subject,
        /// Which handler it would have been.
        handler: HandlerId,
        /// What happened.
        reason: Reason,
    },
    /// The manager itself did not answer.
    #[error("{error}")]
    Manager {
        /// Why not.
        error: CallError,
        /// What makes the new handler. It is not there if the manager had begun with the swap, and ended in it.
        make: Option<ReturnedHandler<MakeHandler<O, H>>>,
    },
}

/// What makes the new handler of a [swap](crate::Manager::swap_handler), of what is left of the old one.
///
/// # Examples
///
/// A swap that its manager has not got to can be made elsewhere:
///
/// ```
/// use genevent::{HandlerRef, LoggerHandler, MakeHandler, Manager, SwapHandlerError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (today, tomorrow) = (Manager::<String>::start().await?, Manager::<String>::start().await?);
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

/// Why a swap found nothing of the old handler: what the function that makes the new one is told instead.
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
        /// Who was meant.
        handler: HandlerId,
    },
    /// Its terminate panicked.
    #[error("terminate of {handler} panicked: {reason}")]
    Terminate {
        /// Who was meant.
        handler: HandlerId,
        /// What happened.
        reason: Reason,
    },
}

/// A handler that comes back with an error, or [what makes one](MakeHandler).
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
/// let Err(AddHandlerError::Manager { returned: Some(returned), .. }) = added else { panic!("it has ended") };
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

    /// What has come back.
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

/// A handler need not be printable, so the errors that carry one print without it.
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
