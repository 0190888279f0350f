//! Exit signals: sent by hand, or by the end of a linked process.

use crate::values::pid::Pid;
use crate::values::reason::Reason;

/// An exit signal that was trapped: OTP's `{'EXIT', From, Reason}`.
///
/// The function passed to [`Cx::trap_exits`](crate::Cx::trap_exits) is given one.
#[doc(alias = "EXIT")]
#[derive(Clone, Debug, PartialEq)]
pub struct Exit {
    /// The process that ended or sent the signal; [`Pid::NOBODY`] for plain code.
    pub from: Pid,
    /// Why it ended, or the reason that was sent.
    pub reason: Reason,
}
