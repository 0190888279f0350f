//! Monitors: being told once when a process ends.

use crate::pid::Pid;
use crate::reason::Reason;

/// One monitor, and the `Down` that will come from it.
///
/// It is unique in its node, can be compared, ordered and used as a key, and is what tells one [`Down`] from another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MonitorRef(pub(crate) u64);

/// The news that a monitored process has ended: OTP's `DOWN` message.
///
/// Exactly one comes from each monitor, behind everything that the process had sent to the watcher. When it arrives, the
/// process's name is free.
#[doc(alias = "DOWN")]
#[derive(Clone, Debug, PartialEq)]
pub struct Down {
    /// Which monitor this comes from.
    pub reference: MonitorRef,
    /// The process that ended.
    pub pid: Pid,
    /// Why it ended.
    pub reason: Reason,
}
