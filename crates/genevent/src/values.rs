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
mod leaving;
// Why something could not be done.
mod error;

pub use error::{
    AddHandlerError, CallHandlerError, MakeHandler, NothingLeft, RemoveHandlerError, Returned, SwapHandlerError,
};
pub use event::Event;
pub use id::{HandlerId, HandlerRef, Id};
pub use lag::Lag;
pub use leaving::{Gone, HandlerGone, Leaving, Words};
pub use mode::Mode;
