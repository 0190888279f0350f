//! The calls that a manager takes.
//!
//! A call does not know its handler's type: the handler is already in a slot, and whatever depends on the type is a
//! function that the client passed.

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use futures::stream::BoxStream;
use genserver::{AttachRef, Caller, Pid, ProcessRef, Reason, Recipient, Subject};
use parking_lot::Mutex;

use crate::handler::{HandlerEntry, Unanswered};
use crate::subscription::{CloneEvent, Subscription, Terms};
use crate::values::{Event, HandlerGone, HandlerId, NotifyAnswer, OldHandlerError, TerminateArg};

/// The kinds of calls.
pub(crate) enum CallKind<E: Event, I: Event> {
    /// Deliver an event, then answer.
    Sync(E, Option<Instant>, Caller<NotifyAnswer>),
    /// Answer, then deliver an event. While a handler refuses events, as `Sync`.
    Ack(E, Option<Instant>, Caller<NotifyAnswer>),
    /// Any call that is less frequent, boxed.
    Other(Box<OtherCall<E, I>>),
}

/// A call about the list of handlers, or to one handler.
pub(crate) enum OtherCall<E: Event, I: Event> {
    Add(AddRequest<E, I>),
    Remove(HandlerId, TerminateArg, Caller<Removal>),
    Swap(SwapRequest<E, I>),
    Call(HandlerId, HandlerCall, Arc<dyn Unanswered>),
    Which(Caller<Vec<HandlerId>>),
    Subscribe(Terms, CloneEvent<E>, Caller<(HandlerId, Subscription<E>)>),
    Attach(BoxStream<'static, E>, Caller<AttachRef>),
    Detach(AttachRef, Caller<bool>),
}

/// A question to a handler.
pub(crate) struct HandlerCall {
    pub(crate) call: Box<dyn Any + Send>,
    /// Its type, for reports.
    pub(crate) type_name: &'static str,
}

/// A handler to be added.
pub(crate) struct AddRequest<E: Event, I: Event> {
    pub(crate) handler: TakeOnce<HandlerEntry<E, I>>,
    pub(crate) owner: Option<OwnerSpec>,
    pub(crate) caller: Caller<Addition>,
}

/// The process that a handler is to be bound to.
#[derive(Clone)]
pub(crate) struct OwnerSpec {
    pub(crate) pid: Pid,
    pub(crate) process: Option<ProcessRef>,
    pub(crate) told: Option<Recipient<HandlerGone>>,
}

/// The answer to a handler that is added or swapped in. An error names the manager that answers, because the client may know
/// only its name.
pub(crate) type Addition = Result<(), (Subject, AddFailure)>;

/// Why a handler was not added, with the handler: an `H`.
pub(crate) enum AddFailure {
    AlreadyPresent(Box<dyn Any + Send>),
    Init(Reason, Box<dyn Any + Send>),
    /// The function that makes the handler panicked, so there is no handler.
    Make(Reason),
}

/// The answer to a handler that is removed: the handler, an `H`. An error names the manager, too.
pub(crate) type Removal = Result<Box<dyn Any + Send>, (Subject, RemoveFailure)>;

/// Why a handler was not removed in order.
pub(crate) enum RemoveFailure {
    NotFound,
    /// Its terminate failed. The handler is an `H`.
    Terminate(Reason, Box<dyn Any + Send>),
}

/// A handler that was removed.
pub(crate) struct RemovedHandler {
    /// The handler: an `H`.
    pub(crate) handler: Box<dyn Any + Send>,
    /// The outcome of its terminate.
    pub(crate) ended: Result<(), Reason>,
}

/// A handler to be swapped in.
pub(crate) struct SwapRequest<E: Event, I: Event> {
    pub(crate) old: HandlerId,
    pub(crate) arg: TerminateArg,
    /// The id of the new handler: the old one's owner is told before the new one is made.
    pub(crate) new: HandlerId,
    pub(crate) make: TakeOnce<MakeSuccessor<E, I>>,
    pub(crate) owner: Option<OwnerSpec>,
    pub(crate) caller: Caller<Addition>,
}

/// Makes the new handler from the old one, an `H`.
pub(crate) type MakeSuccessor<E, I> =
    Box<dyn FnOnce(Result<Box<dyn Any + Send>, OldHandlerError>) -> HandlerEntry<E, I> + Send>;

/// A value that is sent with a call, and taken back if the manager never gets to it.
///
/// A failed call does not return its request. So both sides share this, and the first one takes the value: the manager when
/// it begins, or the client when the call has failed. The other side finds nothing.
pub(crate) struct TakeOnce<T>(Arc<Mutex<Option<T>>>);

impl<T> TakeOnce<T> {
    pub(crate) fn new(lent: T) -> Self {
        Self(Arc::new(Mutex::new(Some(lent))))
    }

    /// Takes the value, unless the other side has.
    pub(crate) fn take(&self) -> Option<T> {
        self.0.lock().take()
    }
}

impl<T> Clone for TakeOnce<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
