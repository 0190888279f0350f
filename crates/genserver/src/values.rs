//! Plain data that the rest of the crate uses: pids, reasons, signals, what is seen of a process.

// The identity of a process.
pub(crate) mod pid;
// Why a process ended.
pub(crate) mod reason;
// Where the last panic of a thread came from.
pub(crate) mod panic_place;
// A value as text, even if its `Display` panics.
pub(crate) mod shown;
// Exit signals.
pub(crate) mod exit;
// Monitors and the message that a process has ended.
pub(crate) mod monitor;
// What can be seen of a process from outside.
pub(crate) mod info;
// What happens to a message that finds the mailbox full.
pub(crate) mod overflow;
// How pids and reasons serialise.
#[cfg(feature = "serde")]
mod serialize;
