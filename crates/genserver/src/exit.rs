//! Exit signals, as a process that traps them receives them.

use crate::pid::Pid;
use crate::reason::Reason;

/// An exit signal that was trapped: OTP's `{'EXIT', From, Reason}`.
#[doc(alias = "EXIT")]
#[derive(Clone, Debug, PartialEq)]
pub struct Exit {
    /// Who ended, or who sent the signal.
    pub from: Pid,
    /// Why.
    pub reason: Reason,
}
