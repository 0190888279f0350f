//! Exit signals: sent by hand, or by the end of a linked process.

use crate::values::pid::Pid;
use crate::values::reason::Reason;

/// An exit signal that was trapped: OTP's `{'EXIT', From, Reason}`.
///
/// The function passed to [`Cx::trap_exits`](crate::Cx::trap_exits) is given one.
///
/// # Examples
///
/// ```
/// # use genserver_doc::quiet::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use genserver::{Probe, Reason};
///
/// let mut probe = Probe::<()>::new();
/// probe.trap_exits(true);
/// let server = probe.start_link::<Quiet>(()).await?;
/// server.kill();
///
/// let exit = probe.expect_exit(&server).await;
/// assert_eq!(exit.from, server.pid());
/// assert_eq!(exit.reason, Reason::Killed);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "EXIT")]
#[derive(Clone, Debug, PartialEq)]
pub struct Exit {
    /// The process that ended or sent the signal; [`Pid::NOBODY`] for plain code.
    pub from: Pid,
    /// Why it ended, or the reason that was sent.
    pub reason: Reason,
}
