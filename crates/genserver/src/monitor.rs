//! Monitors: being told once when a process ends.

use crate::pid::Pid;
use crate::reason::Reason;

/// One monitor, and the `Down` that will come from it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MonitorRef(pub(crate) u64);

/// The news that a monitored process has ended: OTP's `DOWN` message.
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
