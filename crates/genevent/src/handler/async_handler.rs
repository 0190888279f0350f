//! The trait of a handler whose callbacks await.

use std::any::type_name;
use std::future::{Future, ready};

use genserver::Reason;
use genserver::sys::Shown;

use super::context::HandlerCx;
use super::reaction::{React, Reaction};
use crate::values::{Event, TerminateReason};

/// A [`Handler`](crate::Handler) whose callbacks may `.await`.
///
/// While a callback awaits, the whole manager waits: events and calls queue up in its mailbox, and later handlers have not
/// seen the event yet. OTP has the same order, and [`sync_notify`](crate::Manager::sync_notify) relies on it. A handler
/// that takes longer than a second is [reported](crate#when-a-handler-fails). Work that need not happen in this order
/// belongs in a [stream](crate::Manager::stream), or in a process of its own.
///
/// A callback that calls its own manager gets [`CallError::CallingSelf`](genserver::CallError::CallingSelf) at once. A task
/// that it spawns and awaits is not known to belong to it. So a call of that task to the manager fails only after its
/// timeout, and one that has none, as [`which_handlers`](crate::Manager::which_handlers), waits for ever. To let it fail at
/// once, [spawn](genserver::spawn) the task as a process and [declare](genserver::declare_wait) that the callback waits for
/// it.
///
/// The callbacks return what those of [`Handler`](crate::Handler) return.
///
/// # Examples
///
/// ```
/// use genevent::{AsyncHandler, HandlerCx, Manager, React, Reaction};
/// use genserver::Never;
/// use std::time::Duration;
///
/// struct Slow(Vec<u32>);
///
/// impl AsyncHandler<u32> for Slow {
///     type Call = Never;
///
///     async fn handle_event(
///         &mut self,
///         event: &u32,
///         _cx: &mut HandlerCx<u32>,
///     ) -> Reaction<u32> {
///         genserver::time::sleep(Duration::from_millis(1)).await;
///         self.0.push(*event);
///         React::stay()
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = Manager::start().await?;
/// let slow = manager.add_async_handler(Slow(vec![])).await?;
/// manager.sync_notify(1).await?;
/// assert_eq!(manager.remove_handler(&slow).await?.0, [1]);
/// # Ok(())
/// # }
/// ```
pub trait AsyncHandler<E: Event, I: Event = genserver::Never>: Sized + Send + 'static {
    /// As [`Handler::Call`](crate::Handler::Call).
    type Call: Send + 'static;

    /// As [`Handler::init`](crate::Handler::init).
    fn init(&mut self, cx: &mut HandlerCx<E, I>) -> impl Future<Output = Result<(), Reason>> + Send {
        let _ = cx;
        ready(Ok(()))
    }

    /// As [`Handler::handle_event`](crate::Handler::handle_event).
    fn handle_event(&mut self, event: &E, cx: &mut HandlerCx<E, I>) -> impl Future<Output = Reaction<E, I>> + Send;

    /// As [`Handler::handle_call`](crate::Handler::handle_call).
    fn handle_call(
        &mut self,
        call: Self::Call,
        cx: &mut HandlerCx<E, I>,
    ) -> impl Future<Output = Reaction<E, I>> + Send {
        let _ = cx;
        drop(call);
        ready(Err(Reason::BadCall))
    }

    /// As [`Handler::handle_info`](crate::Handler::handle_info).
    fn handle_info(&mut self, info: &I, cx: &mut HandlerCx<E, I>) -> impl Future<Output = Reaction<E, I>> + Send {
        let _ = (info, cx);
        ready(React::stay())
    }

    /// As [`Handler::terminate`](crate::Handler::terminate).
    fn terminate(&mut self, why: TerminateReason, cx: &mut HandlerCx<E, I>) -> impl Future<Output = ()> + Send {
        let _ = (why, cx);
        ready(())
    }

    /// As [`Handler::format_status`](crate::Handler::format_status).
    fn format_status(&self, shown: &mut Shown) {
        type_name::<Self>().clone_into(&mut shown.state);
    }

    /// As [`Handler::format_event`](crate::Handler::format_event).
    fn format_event(event: &E) -> Option<String> {
        let _ = event;
        None
    }
}
