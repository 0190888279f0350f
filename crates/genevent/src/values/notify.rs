//! The error of an event that was sent.

use genserver::{CallError, Reason, Subject};

use super::id::HandlerId;

/// Why the sender of an event does not know that every handler is done with it: the error of
/// [`sync_notify`](crate::Manager::sync_notify) and [`ack_notify`](crate::Manager::ack_notify).
///
/// # Examples
///
/// ```
/// use genevent::{Handler, HandlerCx, Manager, NotifyError, React, Reaction};
/// use genserver::{CallError, Never, Reason};
///
/// struct Till {
///     open: bool,
/// }
///
/// impl Handler<u32> for Till {
///     type Call = Never;
///
///     fn handle_event(&mut self, _cents: &u32, _cx: &mut HandlerCx<u32>) -> Reaction<u32> {
///         if self.open { React::stay() } else { React::refuse(Reason::term("closed")) }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = Manager::start().name("sales").await?;
/// manager.add_handler(Till { open: false }).await?;
/// let refused = manager.sync_notify(250).await.unwrap_err();
/// assert!(matches!(refused, NotifyError::Refused { .. }));
/// assert!(refused.to_string().contains("refused the event"));
///
/// manager.stop().await?;
/// let ended = manager.sync_notify(250).await.unwrap_err();
/// assert!(matches!(ended, NotifyError::Manager(CallError::NoProc { .. })));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NotifyError {
    /// A handler has [refused](crate::React::refuse) the event. The others have seen it.
    #[error("{} of {manager} refused the event: {reason}", handler.as_ref().map_or_else(|| "a handler".to_owned(), ToString::to_string))]
    Refused {
        /// The manager.
        manager: Subject,
        /// The handler. `None` if a plain handler refused it [later](crate::Hold::refuse).
        handler: Option<HandlerId>,
        /// Why.
        reason: Reason,
    },
    /// The manager did not answer.
    #[error(transparent)]
    Manager(#[from] CallError),
}

/// What a manager answers to the sender of an event.
///
/// You never construct this: it is named where a manager is used as a server.
pub type NotifyAnswer = Result<(), Box<NotifyError>>;
