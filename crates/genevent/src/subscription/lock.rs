//! The lock of the log, and of each place for an event in it.

use spin::Yield;
use spin::mutex::SpinMutex;

/// A value behind a lock that is held for a few instructions.
///
/// A lock that puts threads to sleep would need as many instructions again to look for sleepers on release. A thread that finds
/// this one taken yields.
pub(super) type Locked<T> = SpinMutex<T, Yield>;
