//! The trait that a handler implements.

use std::any::type_name;

use genserver::Reason;
use genserver::sys::Shown;

use crate::values::{Event, TerminateReason};

// The same for a handler that waits for something.
mod async_handler;
// What a callback is given.
mod context;
// What a callback answers.
mod reaction;
// An event that a handler is not done with yet.
mod hold;
// Who has asked a handler something.
mod client;
// A handler of any type in its place, ...
mod slot;
// ... also if it awaits.
mod awaiting;

pub use async_handler::AsyncHandler;
pub(crate) use awaiting::awaiting;
pub use client::HandlerCaller;
pub(crate) use client::Unanswered;
pub use context::HandlerCx;
pub use hold::Hold;
pub(crate) use reaction::Then;
pub use reaction::{HandlerStep, React, Reaction};
pub(crate) use slot::{Delivery, HandlerEntry, Owner, Reacting, Registration, Slot, Work, plain};

/// A handler of events of type `E`: a value with callbacks, which lives in a [`Manager`](crate::Manager).
///
/// The manager runs all its handlers in one process, one after the other, so they need no lock, and a handler that takes long
/// makes the others wait; one that waits for something is an [`AsyncHandler`](crate::AsyncHandler). `I` is the type of the plain
/// messages that the manager takes besides events, if it takes any.
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
///     fn handle_event(&mut self, event: &String, _cx: &mut HandlerCx<String>) -> Reaction<String> {
///         self.0.push(event.clone());
///         React::stay()
///     }
///
///     fn handle_call(&mut self, LoggedMessages(client): LoggedMessages, _cx: &mut HandlerCx<String>) -> Reaction<String> {
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
    /// What it can be asked, with a [`HandlerCaller`](crate::HandlerCaller) in it for the answer; [`Never`](genserver::Never) if nothing.
    type Call: Send + 'static;

    /// Runs in the manager when the handler is added, before its first event. Nothing by default.
    ///
    /// An error, or a panic, is the answer to whoever adds it, and the handler is not added.
    #[expect(clippy::missing_errors_doc, reason = "the errors are the handler's own")]
    fn init(&mut self, cx: &mut HandlerCx<E, I>) -> Result<(), Reason> {
        let _ = cx;
        Ok(())
    }

    /// An event.
    ///
    /// [`React::stay`]: it goes on, and so does the event, to the handler that was added next.
    ///
    /// [`React::hibernate`]: as that, and the manager then makes itself small until the next message.
    ///
    /// [`React::leave`]: it goes.
    ///
    /// [`React::swap`]: another takes its place, from the next event on.
    ///
    /// An error, or a panic: it goes, its failure is reported, and nobody else is affected; whoever has sent the event hears
    /// nothing of it.
    #[expect(clippy::missing_errors_doc, reason = "the errors are the handler's own")]
    fn handle_event(&mut self, event: &E, cx: &mut HandlerCx<E, I>) -> Reaction<E, I>;

    /// Something it is asked: see [`Manager::call`](crate::Manager::call). If this is not written, being asked is an error.
    ///
    /// [`React::reply`]: answers, and goes on.
    ///
    /// [`React::stay`]: goes on; the [`HandlerCaller`](crate::HandlerCaller) was answered already, or is kept to be answered later.
    ///
    /// [`React::reply_leave`], [`React::reply_swap`]: answer when that has been done.
    ///
    /// An error, or a panic: it goes, and the client is told why.
    #[expect(clippy::missing_errors_doc, reason = "the errors are the handler's own")]
    fn handle_call(&mut self, call: Self::Call, cx: &mut HandlerCx<E, I>) -> Reaction<E, I> {
        let _ = cx;
        drop(call);
        Err(Reason::BadCall)
    }

    /// A plain message that was [sent](crate::Manager::send) to the manager: every handler sees it. Ignored by default.
    ///
    /// What it returns is as for [`handle_event`](Self::handle_event).
    #[expect(clippy::missing_errors_doc, reason = "the errors are the handler's own")]
    fn handle_info(&mut self, info: &I, cx: &mut HandlerCx<E, I>) -> Reaction<E, I> {
        let _ = (info, cx);
        React::stay()
    }

    /// It goes, and is told why. Nothing by default.
    ///
    /// It runs once, except when the manager is killed: then it does not run. A panic in it goes to whoever removes the
    /// handler, and nowhere else.
    fn terminate(&mut self, why: TerminateReason, cx: &mut HandlerCx<E, I>) {
        let _ = (why, cx);
    }

    /// What [`sys::get_status`](genserver::sys::get_status) and reports show of it. By default its type.
    fn format_status(&self, shown: &mut Shown) {
        type_name::<Self>().clone_into(&mut shown.state);
    }

    /// How an event is shown in the report of a failure. By default, which is none, its type.
    fn format_event(event: &E) -> Option<String> {
        let _ = event;
        None
    }
}
