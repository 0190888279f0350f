//! Why a handler left its manager: what its terminate gets, and what its owner gets.

use std::any::Any;
use std::fmt;

use genserver::{Pid, Reason};

use super::id::HandlerId;

/// Why a handler leaves, as its [`terminate`](crate::Handler::terminate) gets it: the first argument of OTP's
/// `terminate/2`.
///
/// # Examples
///
/// ```
/// use genevent::{Handler, HandlerCx, TerminateReason, Manager, React, Reaction};
/// use genserver::Never;
///
/// #[derive(Default)]
/// struct File {
///     closed: bool,
/// }
///
/// impl Handler<String> for File {
///     type Call = Never;
///
///     fn handle_event(
///         &mut self,
///         _line: &String,
///         _cx: &mut HandlerCx<String>,
///     ) -> Reaction<String> {
///         React::stay()
///     }
///
///     fn terminate(&mut self, why: TerminateReason, _cx: &mut HandlerCx<String>) {
///         self.closed = !matches!(why, TerminateReason::Failed(_));
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = Manager::start().await?;
/// let file = manager.add_handler(File::default()).await?;
/// assert!(manager.remove_handler(&file).await?.closed);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum TerminateReason {
    /// It was [removed](crate::Manager::remove_handler), with this argument.
    Removed(TerminateArg),
    /// It was [swapped](crate::Manager::swap_handler) with this argument, or it asked to be.
    Swapped(TerminateArg),
    /// It [left](crate::React::leave) by itself: OTP's `remove_handler`.
    Left,
    /// One of its callbacks returned this error or panicked: OTP's `{error, Reason}`.
    Failed(Reason),
    /// The process that it was [bound to](crate::AddHandler::bound_to) has ended with this reason: OTP's `{stop, Reason}`.
    OwnerEnded(Reason),
    /// The manager ends, for any reason: OTP's `stop`.
    Stop,
}

/// A value passed to the handler being removed, or none: OTP's `Args` of `delete_handler`.
#[derive(Default)]
pub struct TerminateArg(Option<Box<dyn Any + Send>>);

impl TerminateArg {
    /// Wraps a value.
    pub fn of<T: Send + 'static>(arg: T) -> Self {
        Self(Some(Box::new(arg)))
    }

    /// Takes the value out, if it has this type.
    pub fn take<T: 'static>(&mut self) -> Option<T> {
        match self.0.take()?.downcast() {
            Ok(arg) => Some(*arg),
            Err(others) => {
                self.0 = Some(others);
                None
            }
        }
    }
}

impl fmt::Debug for TerminateArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "TerminateArg(..)" } else { "TerminateArg" })
    }
}

/// What the owner of a handler gets when the handler is gone: Elixir's `{:gen_event_EXIT, handler, reason}`.
///
/// # Examples
///
/// ```
/// use genevent::{GoneReason, HandlerGone, LoggerHandler, Manager};
/// use genserver::{Letter, Probe};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut owner = Probe::<HandlerGone>::new();
/// let manager = Manager::<String>::start().await?;
/// let logger = manager.add_handler(LoggerHandler::new()).owned_by(owner.sender()).await?;
/// manager.stop().await?;
///
/// let Some(Letter::Message(gone)) = owner.try_recv() else { panic!("the owner is told") };
/// assert_eq!(
///     (gone.handler, gone.manager, gone.why),
///     (logger.id(), manager.pid(), GoneReason::Shutdown)
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[doc(alias = "gen_event_EXIT")]
pub struct HandlerGone {
    /// The handler.
    pub handler: HandlerId,
    /// Its manager.
    pub manager: Pid,
    /// Why.
    pub why: GoneReason,
}

/// Why a handler is gone.
///
/// # Examples
///
/// An owner that adds its handler again after a failure:
///
/// ```
///
/// use genevent::{GoneReason, Handler, HandlerCx, HandlerGone, Manager, React, Reaction};
/// use genserver::{Letter, Never, Probe, Reason};
///
/// struct Shy;
///
/// impl Handler<&'static str> for Shy {
///     type Call = Never;
///
///     fn handle_event(
///         &mut self,
///         event: &&'static str,
///         _cx: &mut HandlerCx<&'static str>,
///     ) -> Reaction<&'static str> {
///         if *event == "boo" { Err(Reason::term("startled")) } else { React::stay() }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut owner = Probe::<HandlerGone>::new();
/// let manager = Manager::start().await?;
/// manager.add_handler(Shy).owned_by(owner.sender()).await?;
/// manager.sync_notify("boo").await?;
///
/// let Some(Letter::Message(gone)) = owner.try_recv() else { panic!("the owner is told") };
/// assert_eq!(gone.why, GoneReason::Failed(Reason::term("startled")));
/// if let GoneReason::Failed(_) = gone.why {
///     manager.add_handler(Shy).owned_by(owner.sender()).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum GoneReason {
    /// It was removed, or it left: Elixir's `:normal`.
    Normal,
    /// The manager has ended: Elixir's `:shutdown`.
    Shutdown,
    /// Another handler has taken its place: Elixir's `{:swapped, new, owner}`.
    Swapped {
        /// The new handler.
        by: HandlerId,
        /// The process that the new one is bound to, if any.
        owner: Option<Pid>,
    },
    /// One of its callbacks returned this error or panicked, or its successor did so in its init.
    Failed(Reason),
}

impl fmt::Display for HandlerGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has gone from {}: {}", self.handler, self.manager, self.why)
    }
}

impl fmt::Display for GoneReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("it was removed"),
            Self::Shutdown => f.write_str("the manager has ended"),
            Self::Swapped { by, .. } => write!(f, "{by} has its place"),
            Self::Failed(reason) => write!(f, "it failed: {reason}"),
        }
    }
}
