//! Monitors, which tell a process once that another has ended.

use std::num::NonZeroU64;

use crate::values::pid::Pid;
use crate::values::reason::Reason;

/// Identifies one monitor, and the `Down` that will come from it.
///
/// It is unique in its node, can be compared, ordered and used as a key, and tells one [`Down`] from another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MonitorRef(pub(crate) NonZeroU64);

/// The message that a monitored process has ended: OTP's `DOWN` message.
///
/// Each monitor sends exactly one, after everything that the process had sent to the watcher. When it arrives, the
/// process's name is free.
#[doc(alias = "DOWN")]
#[derive(Clone, Debug, PartialEq)]
pub struct Down {
    /// The monitor that this comes from.
    pub reference: MonitorRef,
    /// The process that ended.
    pub pid: Pid,
    /// Why it ended.
    pub reason: Reason,
}
