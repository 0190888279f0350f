//! What can be asked of a manager, besides events.
//!
//! A request does not know the type of its handler: the handler is in a slot already, and what only its type knows, a function
//! of the client does.

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use futures::stream::BoxStream;
use genserver::{AttachRef, Caller, Pid, ProcessRef, Reason, Recipient};
use parking_lot::Mutex;

use crate::handler::{HandlerEntry, Unanswered};
use crate::subscription::Subscription;
use crate::values::{Event, HandlerGone, HandlerId, OldHandlerError, TerminateArg};

/// What a manager is asked.
pub(crate) enum CallKind<E: Event, I: Event> {
    /// Deliver an event, and answer when it has been.
    Sync(E, Option<Instant>, Caller<()>),
    /// Deliver an event, and answer before.
    Ack(E, Option<Instant>, Caller<()>),
    /// Whatever is less frequent.
    Other(Box<OtherCall<E, I>>),
}

/// What is asked of the list of handlers, or of one handler.
pub(crate) enum OtherCall<E: Event, I: Event> {
    Add(AddRequest<E, I>),
    Remove(HandlerId, TerminateArg, Caller<Option<RemovedHandler>>),
    Swap(SwapRequest<E, I>),
    Call(HandlerId, HandlerCall, Arc<dyn Unanswered>),
    Which(Caller<Vec<HandlerId>>),
    Subscribe(Arc<Subscription<E>>, Caller<HandlerId>),
    Attach(BoxStream<'static, E>, Caller<AttachRef>),
    Detach(AttachRef, Caller<bool>),
}

/// What a handler is asked.
pub(crate) struct HandlerCall {
    pub(crate) call: Box<dyn Any + Send>,
    /// What a report calls it.
    pub(crate) type_name: &'static str,
}

/// A handler that is to be added.
pub(crate) struct AddRequest<E: Event, I: Event> {
    pub(crate) handler: TakeOnce<HandlerEntry<E, I>>,
    pub(crate) owner: Option<OwnerSpec>,
    pub(crate) caller: Caller<Result<(), AddFailure>>,
}

/// The process that a handler is to be bound to.
#[derive(Clone)]
pub(crate) struct OwnerSpec {
    pub(crate) pid: Pid,
    pub(crate) process: Option<ProcessRef>,
    pub(crate) told: Option<Recipient<HandlerGone>>,
}

/// Why a handler was not added, with the handler: an `H`.
pub(crate) enum AddFailure {
    AlreadyPresent(Box<dyn Any + Send>),
    Init(Reason, Box<dyn Any + Send>),
    /// There is none, for what makes it panicked.
    Make(Reason),
}

/// A handler that has gone.
pub(crate) struct RemovedHandler {
    /// The handler: an `H`.
    pub(crate) handler: Box<dyn Any + Send>,
    /// How its terminate went.
    pub(crate) ended: Result<(), Reason>,
}

/// A handler that is to take another's place.
pub(crate) struct SwapRequest<E: Event, I: Event> {
    pub(crate) old: HandlerId,
    pub(crate) words: TerminateArg,
    /// Which handler the new one will be: the owner of the old one is told before it is made.
    pub(crate) new: HandlerId,
    pub(crate) make: TakeOnce<MakeSuccessor<E, I>>,
    pub(crate) owner: Option<OwnerSpec>,
    pub(crate) caller: Caller<Result<(), AddFailure>>,
}

/// Makes the new handler of what the old one left, an `H`.
pub(crate) type MakeSuccessor<E, I> =
    Box<dyn FnOnce(Result<Box<dyn Any + Send>, OldHandlerError>) -> HandlerEntry<E, I> + Send>;

/// What goes to a manager with a request, and comes back if the manager never gets to it.
///
/// A call that fails says nothing of its request. So both sides have this, and whoever comes first takes what is in it: the manager
/// when it begins, or the client when the call has failed. The other finds nothing, and does nothing.
pub(crate) struct TakeOnce<T>(Arc<Mutex<Option<T>>>);

impl<T> TakeOnce<T> {
    pub(crate) fn new(lent: T) -> Self {
        Self(Arc::new(Mutex::new(Some(lent))))
    }

    /// Takes it, unless the other side has.
    pub(crate) fn take(&self) -> Option<T> {
        self.0.lock().take()
    }
}

impl<T> Clone for TakeOnce<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
