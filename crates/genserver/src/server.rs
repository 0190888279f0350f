//! The trait that a server implements: its messages and its callbacks.

use std::fmt;
use std::future::{Future, ready};

use crate::context::Cx;
use crate::outcome::{Init, Next, Outcome};
use crate::reason::Reason;

/// A server's messages and callbacks.
pub trait GenServer: Sized + Send + 'static {
    /// What [`init`](GenServer::init) is given.
    type Args: Send + 'static;
    /// Requests that are answered: usually an enum whose variants carry a [`Caller`](crate::Caller).
    type Call: Send + 'static;
    /// Requests that are not answered.
    type Cast: Send + 'static;
    /// Everything else that can arrive: `Down`s, exits, timers, items of attached streams.
    type Info: Send + 'static;

    /// Makes the state.
    fn init(args: Self::Args, cx: &mut Cx<Self>) -> impl Future<Output = Init<Self>> + Send;

    /// Handles a call.
    fn handle_call(&mut self, call: Self::Call, cx: &mut Cx<Self>) -> impl Future<Output = Outcome<Self>> + Send {
        let _ = cx;
        drop(call);
        ready(Next::stop(Reason::BadCall))
    }

    /// Handles a cast.
    fn handle_cast(&mut self, cast: Self::Cast, cx: &mut Cx<Self>) -> impl Future<Output = Outcome<Self>> + Send {
        let _ = cx;
        drop(cast);
        ready(Next::stop(Reason::BadCast))
    }

    /// Handles everything else.
    fn handle_info(&mut self, info: Self::Info, cx: &mut Cx<Self>) -> impl Future<Output = Outcome<Self>> + Send {
        cx.unexpected_type::<Self::Info>();
        drop(info);
        ready(Next::wait())
    }

    /// Runs when nothing arrived for as long as the last callback asked for with [`Next::idle`].
    fn handle_idle(&mut self, cx: &mut Cx<Self>) -> impl Future<Output = Outcome<Self>> + Send {
        let _ = cx;
        ready(Next::wait())
    }

    /// Runs before the server ends, when it ends in order.
    fn terminate(&mut self, reason: &Reason, cx: &mut Cx<Self>) -> impl Future<Output = ()> + Send {
        let _ = (reason, cx);
        ready(())
    }

    /// How the state is shown in reports and in [`sys::get_status`](crate::sys::get_status).
    fn format_status(&self, status: &mut crate::sys::Status) {
        let _ = status;
    }
}

/// The message type of a server that takes none of that kind.
///
/// It has no values, so the callback for it needs no body.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Never {}

impl fmt::Debug for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl fmt::Display for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}
