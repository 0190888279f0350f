//! What arrives at a server: calls, casts, infos, and the signals that are neither refused nor counted.

use std::any::Any;
use std::num::NonZeroU64;
use std::sync::Arc;

#[cfg(any(feature = "metrics", feature = "tracing"))]
use super::carried::Carried;
use super::inspect::SystemRequest;
use crate::node::order::Order;
use crate::process::deadlock::Edge;
#[cfg(feature = "tracing")]
use crate::report::Scope;
use crate::server::GenServer;
use crate::server::attach::{AttachRef, Item};
use crate::server::context::TimerRef;
use crate::values::exit::Exit;
use crate::values::monitor::Down;

/// What arrives at a server.
pub(crate) enum Envelope<S: GenServer> {
    Call(S::Call, Option<Arc<Edge>>),
    Cast(S::Cast),
    Info(S::Info),
    /// A cast or an info that is made when it has its turn.
    Lazy(Box<dyn Lazy<S>>),
    /// Not counted against the bound: each was reserved by something that was set up before.
    Signal(Box<Signal<S>>),
    /// One of the others, with what it carries.
    #[cfg(any(feature = "metrics", feature = "tracing"))]
    Carried(Box<Carried<S>>),
}

/// A message that is made into a cast or an info where the server runs, so that it can be given back until then.
pub(crate) trait Lazy<S: GenServer>: Send {
    fn open(self: Box<Self>) -> Envelope<S>;
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

/// What arrives at a server without being refused or counted.
pub(crate) enum Signal<S: GenServer> {
    Down(Down),
    /// An exit that was trapped. The exit of a link has a number, by which `unlink_flush` finds it.
    Exit(Exit, Option<NonZeroU64>),
    /// A timer of the server's own.
    Timer(TimerRef),
    /// The value that a timer from outside or an attached stream brings.
    Info(S::Info),
    /// An item of an attached stream, made into an info where the server runs.
    Attached(AttachRef, Item),
    /// What an inline caller left to do before anything else.
    Continue(S::Info),
    /// An order to stop, from `stop`, a trapping server's parent, or `sys::terminate`.
    Stop(Order),
    Idle,
    System(SystemRequest<S>),
}

impl<S: GenServer> Envelope<S> {
    /// The message without what it carries.
    #[inline]
    pub(crate) fn inner(&self) -> &Self {
        #[cfg(any(feature = "metrics", feature = "tracing"))]
        if let Self::Carried(carried) = self {
            return &carried.message;
        }
        self
    }

    /// The message without what it carries, to be given back or sent again.
    #[inline]
    pub(crate) fn into_inner(self) -> Self {
        #[cfg(any(feature = "metrics", feature = "tracing"))]
        if let Self::Carried(carried) = self {
            return carried.message;
        }
        self
    }

    /// With the feature `tracing`, the message with the span of the code that runs here, if a subscriber may want it. `waits`
    /// says whether this code waits until the message is handled. Called without a lock.
    #[inline]
    pub(crate) fn traced(self, waits: bool) -> Self {
        #[cfg(feature = "tracing")]
        if Scope::is_on() {
            return self.sent_from_here(waits);
        }
        let _ = waits;
        self
    }

    #[inline]
    pub(crate) fn is_counted(&self) -> bool {
        !matches!(self.inner(), Self::Signal(_))
    }

    pub(super) fn is_system(&self) -> bool {
        matches!(self.inner(), Self::Signal(signal) if matches!(**signal, Signal::System(_)))
    }

    /// Whether a suspended server takes this out of its mailbox.
    pub(crate) fn passes_suspension(&self) -> bool {
        match self.inner() {
            Self::Signal(signal) => matches!(**signal, Signal::System(_) | Signal::Stop(_) | Signal::Continue(_)),
            _ => false,
        }
    }
}
