//! The trait that a handler implements.

use std::any::type_name;

use genserver::Reason;
use genserver::sys::Shown;

use crate::values::{Event, TerminateReason};

// The trait of a handler whose callbacks await.
mod async_handler;
// What a callback is given.
mod context;
// What a callback returns.
mod reaction;
// An event that stays unfinished after its callback has returned.
mod hold;
// How a manager remembers that a handler refuses events.
mod refusals;
// The caller that a handler answers.
mod client;
// Where the future of a callback is kept, and its first poll.
mod begin;
// A handler of any type, as its manager stores it, ...
mod slot;
// ... and the same for one whose callbacks await.
mod awaiting;

pub use async_handler::AsyncHandler;
pub(crate) use awaiting::awaiting;
pub(crate) use begin::Place;
pub use client::HandlerCaller;
pub(crate) use client::Unanswered;
pub use context::HandlerCx;
pub use hold::Hold;
pub(crate) use reaction::{Begun, DeferredReply, Then};
pub use reaction::{HandlerStep, React, Reaction};
#[cfg(feature = "persistence")]
pub(crate) use refusals::Refusals;
pub(crate) use slot::{Delivery, HandlerEntry, Owner, Reacting, Registration, Slot, Work, plain};

/// A handler of events of type `E`: a value with callbacks, which lives in a [`Manager`](crate::Manager).
///
/// The manager runs all its handlers in one process, one after the other. So handlers need no locks, and a slow handler
/// delays the others. A handler that has to wait for something implements [`AsyncHandler`](crate::AsyncHandler) instead.
/// `I` is the type of the plain messages that the manager takes besides events, if it takes any.
///
/// # Examples
///
/// ```
/// use genevent::{HandlerCaller, Handler, HandlerCx, Manager, React, Reaction};
///
/// /// Keeps what was said.
/// #[derive(Default)]
/// struct Minutes(Vec<String>);
///
/// struct LoggedMessages(HandlerCaller<Vec<String>>);
///
/// impl Handler<String> for Minutes {
///     type Call = LoggedMessages;
///
///     fn handle_event(
///         &mut self,
///         event: &String,
///         _cx: &mut HandlerCx<String>,
///     ) -> Reaction<String> {
///         self.0.push(event.clone());
///         React::stay()
///     }
///
///     fn handle_call(
///         &mut self,
///         LoggedMessages(client): LoggedMessages,
///         _cx: &mut HandlerCx<String>,
///     ) -> Reaction<String> {
///         React::reply(client, self.0.clone())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = Manager::start().await?;
/// let minutes = manager.add_handler(Minutes::default()).await?;
/// manager.notify("hello".to_owned())?;
/// assert_eq!(manager.call(&minutes, LoggedMessages).await?, ["hello"]);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "gen_event")]
#[doc(alias = "GenEvent")]
pub trait Handler<E: Event, I: Event = genserver::Never>: Sized + Send + 'static {
    /// What the handler can be asked. Each variant carries a [`HandlerCaller`](crate::HandlerCaller) to answer.
    /// [`Never`](genserver::Never) if it can be asked nothing.
    type Call: Send + 'static;

    /// Runs in the manager when the handler is added, before its first event. Does nothing by default.
    ///
    /// If it returns an error or panics, the handler is not added, and the error goes to the process that is adding it.
    #[expect(clippy::missing_errors_doc, reason = "the errors are the handler's own")]
    fn init(&mut self, cx: &mut HandlerCx<E, I>) -> Result<(), Reason> {
        let _ = cx;
        Ok(())
    }

    /// Handles an event.
    ///
    /// Returning [`React::stay`] keeps the handler, and the event goes on to the handler that was added next.
    ///
    /// Returning [`React::hibernate`] does the same, and the manager hibernates until its next message.
    ///
    /// Returning [`React::leave`] removes the handler.
    ///
    /// Returning [`React::swap`] puts another handler in its place, from the next event on.
    ///
    /// Returning [`React::refuse`] keeps the handler and tells the sender that the event was refused.
    ///
    /// An error or a panic removes the handler and is reported. No other handler is affected, and the sender of the event
    /// is not told.
    #[expect(clippy::missing_errors_doc, reason = "the errors are the handler's own")]
    fn handle_event(&mut self, event: &E, cx: &mut HandlerCx<E, I>) -> Reaction<E, I>;

    /// Answers a question: see [`Manager::call`](crate::Manager::call). By default, being asked is an error.
    ///
    /// Returning [`React::reply`] answers and keeps the handler.
    ///
    /// Returning [`React::stay`] keeps the handler; the [`HandlerCaller`](crate::HandlerCaller) has been answered already,
    /// or is kept to be answered later.
    ///
    /// Returning [`React::reply_leave`] or [`React::reply_swap`] answers once the handler has left or was swapped.
    ///
    /// An error or a panic removes the handler, and the caller is told why.
    #[expect(clippy::missing_errors_doc, reason = "the errors are the handler's own")]
    fn handle_call(&mut self, call: Self::Call, cx: &mut HandlerCx<E, I>) -> Reaction<E, I> {
        let _ = cx;
        drop(call);
        Err(Reason::BadCall)
    }

    /// Handles a plain message that was [sent](crate::Manager::send) to the manager. Every handler sees it. Does nothing by
    /// default.
    ///
    /// The return values are those of [`handle_event`](Self::handle_event).
    #[expect(clippy::missing_errors_doc, reason = "the errors are the handler's own")]
    fn handle_info(&mut self, info: &I, cx: &mut HandlerCx<E, I>) -> Reaction<E, I> {
        let _ = (info, cx);
        React::stay()
    }

    /// Runs when the handler leaves, with the reason. Does nothing by default.
    ///
    /// It runs once, unless the manager is killed: then it does not run. A panic in it is reported only to the process that
    /// removes the handler.
    fn terminate(&mut self, why: TerminateReason, cx: &mut HandlerCx<E, I>) {
        let _ = (why, cx);
    }

    /// What [`sys::get_status`](genserver::sys::get_status) and reports show of the handler: its type by default.
    fn format_status(&self, shown: &mut Shown) {
        type_name::<Self>().clone_into(&mut shown.state);
    }

    /// How an event is shown in the report of a failure. If this returns `None`, as it does by default, the event's type is
    /// shown.
    fn format_event(event: &E) -> Option<String> {
        let _ = event;
        None
    }
}
