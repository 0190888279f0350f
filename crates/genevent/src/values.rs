//! The plain data of the crate, which names nothing else of it.

// What can be an event.
mod event;
// Which handler is meant.
mod id;
// How an event was sent.
mod mode;
// What happens to a consumer that is too slow.
mod lag;
// Why a handler goes.
mod gone;
// Why something could not be done.
mod error;

pub use error::{
    AddHandlerError, CallHandlerError, MakeHandler, OldHandlerError, RemoveHandlerError, ReturnedHandler,
    SwapHandlerError,
};
pub use event::Event;
pub use gone::{GoneReason, HandlerGone, TerminateArg, TerminateReason};
pub use id::{HandlerId, HandlerRef, InstanceId};
pub use lag::LagPolicy;
pub use mode::NotifyMode;
