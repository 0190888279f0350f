//! Monitors, which tell a process once that another has ended.

use std::num::NonZeroU64;

use crate::values::pid::Pid;
use crate::values::reason::Reason;

/// Identifies one monitor, and the `Down` that will come from it.
///
/// It is unique in its node, can be compared, ordered and used as a key, and tells one [`Down`] from another.
///
/// # Examples
///
/// ```
/// # use genserver_doc::quiet::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use genserver::Probe;
/// use std::collections::BTreeMap;
///
/// let mut probe = Probe::<()>::new();
/// let server = genserver::start::<Quiet>(()).await?;
/// let mut watched = BTreeMap::from([(probe.monitor(&server), "the quiet one")]);
/// server.stop().await?;
///
/// let Some(genserver::Letter::Down(down)) = probe.try_recv() else { unreachable!() };
/// assert_eq!(watched.remove(&down.reference), Some("the quiet one"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MonitorRef(pub(crate) NonZeroU64);

/// The message that a monitored process has ended: OTP's `DOWN` message.
///
/// Each monitor sends exactly one, after everything that the process had sent to the watcher. When it arrives, the
/// process's name is free.
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
/// let server = genserver::start::<Quiet>(()).await?;
/// let reference = probe.monitor(&server);
/// server.kill();
///
/// let down = probe.expect_down(reference).await;
/// assert_eq!((down.pid, down.reason), (server.pid(), Reason::Killed));
/// # Ok(())
/// # }
/// ```
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
