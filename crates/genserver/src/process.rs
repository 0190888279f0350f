//! The engine: queues a server's messages, polls its callbacks, and tells others of its end. And processes without a server.

// Processes that wait for one another in a cycle.
pub(crate) mod deadlock;
// The slots of a call that may run its server.
pub(crate) mod call_slots;
// What a thread keeps of its calls and callbacks for the next ones.
pub(crate) mod cache;
// Drops that hardly ever happen.
pub(crate) mod cold;

// The one lock of a server and what lies behind it: run states, queue, body.
pub(crate) mod mail;
// What arrives at a server.
pub(crate) mod envelope;
// Its state and its callback, which the thread that runs it takes out of the lock.
pub(crate) mod body;
// Callbacks as futures.
pub(crate) mod work;
// What a simulation lets go wrong in them.
#[cfg(feature = "sim")]
mod fault;
// A queue that costs an idle server one pointer.
pub(crate) mod queue;
// Sending: into the queue, or straight into the handler.
mod send;
// What becomes of a message that is sent.
mod sent;
// Messages and signals in the record of a simulation.
pub(crate) mod noted;
// How many messages were handled.
pub(crate) mod handled;
// What it adds to the counters of its type.
mod metered;
// What a message carries besides itself.
#[cfg(any(feature = "metrics", feature = "tracing"))]
mod carried;
// Waiting for space in a full mailbox.
mod wait_queue;
// One of the senders that wait.
mod queued_sender;
// Pointers to what is off the fast path, so that only one crate compiles it.
pub(crate) mod vtable;
// What becomes of what does not wait.
mod overflow;
// Polling: one callback after the other, and what each asks for.
pub(crate) mod poll;
// What the clock does with a server that has nothing to do.
mod idle;
// The task that runs a server which nobody runs inline.
pub(crate) mod task;
// How long callbacks block, and who may run a server because of that.
pub(crate) mod pace;
// Turns, counted and timed for that.
mod turn;
// The starter of a server, and what it hears.
pub(crate) mod starter;
// What a server reports of itself.
mod report;
// What a server does, as it is shown.
mod status;
// Requests of `sys`, ...
pub(crate) mod inspect;
// ... and the server as they find it.
pub(crate) mod inspected;
// Signals from other processes: exits, links, monitors.
mod signal;
// The end, in its order.
mod death;
// Processes without a server.
pub(crate) mod plain;
// What others tie to a process of either kind, ...
mod tied;
// ... and where it is kept: links, monitors and waiters.
pub(crate) mod ties;
// Who waits for an answer or an end, and until when.
mod waiters;

pub(crate) use death::drop_caught;
pub(crate) use envelope::{Envelope, Lazy, Signal};
pub(crate) use mail::Process;
pub(crate) use sent::{Refused, Sent};
pub(crate) use wait_queue::SpaceWait;
pub(crate) use work::{Outgoing, outgoing};
