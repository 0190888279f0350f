//! The plain data of the crate. It names nothing else of it.

// What can be an event.
mod event;
// The ids of handlers.
mod id;
// How an event was sent.
mod mode;
// What happens to a slow consumer.
mod lag;
// Why a handler left.
mod gone;
// The errors of what is done with a handler, ...
mod error;
// ... and that of sending an event.
mod notify;

pub use error::{
    AddHandlerError, CallHandlerError, MakeHandler, OldHandlerError, RemoveHandlerError, ReturnedHandler,
    SwapHandlerError,
};
pub use event::Event;
pub use gone::{GoneReason, HandlerGone, TerminateArg, TerminateReason};
pub use id::{HandlerId, HandlerRef, InstanceId};
pub use lag::LagPolicy;
pub use mode::NotifyMode;
pub use notify::{NotifyAnswer, NotifyError};
