//! The log between a manager and the consumers of its streams.
//!
//! 1. A manager writes an event once, whatever the number of its streams. The log keeps it until the last of those that
//!    were there has taken it or will not take it. Each consumer has a cursor: what is between the cursor and the end of
//!    the log is its buffer. That, and what the consumer took in its last batch, never exceeds its capacity, besides the
//!    one event for which the manager waits.
//! 2. A sender waits at most for the last event, because the manager has stopped waiting for the one before when it writes
//!    the next. A consumer reports how far it is with it. A stream that ends counts as done: so no sender waits for
//!    something that cannot happen.
//! 3. The manager and the consumers each wake the others only if they sleep. Events and the consumers' wakers are user
//!    code: they are woken and dropped without a lock, and panics in them are caught. An event is cloned under the lock of
//!    its own place. Besides its readers, only those take that lock who give the event up for a consumer that lags or ends.
//! 4. While the manager sleeps for a consumer that is a process, it declares that wait. So a call of that process to the
//!    manager is refused, instead of waiting for the manager that waits for it. Waking the manager ends the declaration. For a
//!    plain task it declares nothing: such a task may poll its stream beside the call, and then the call is answered.
//! 5. A consumer that is gone is noticed at the next event. Adding a stream sweeps such consumers out too, so streams that
//!    come and go without events cost at most twice as much as the live ones.

// How long the manager waits for a consumer.
mod wait;
// The streams of a manager.
mod list;
// The consumer's end of a stream.
mod consumer;
// The log: writing to it, taking from it, and waking.
mod log;
// What its lock protects.
mod state;
// How far a consumer has come.
mod cursor;
// Where the events are.
mod segment;
// Why a stream ends.
mod stream_end;
// The lock.
mod lock;
// Wakers and drops, which may panic.
mod user_code;

pub(crate) use consumer::{Canceller, Polled, Subscription};
pub(crate) use cursor::Terms;
pub(crate) use list::Subscriptions;
pub(crate) use segment::{CloneEvent, clone_event};
pub(crate) use state::Goal;
pub(crate) use stream_end::StreamEnd;
pub(crate) use wait::{SLOW_AFTER, WaitLimit};
