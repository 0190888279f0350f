//! The report of a callback that blocked its thread.

use std::time::Duration;

use super::who::Who;
use crate::values::info::Callback;

/// How long a callback may block its thread before that is reported, unless the node sets another limit. A busy system takes
/// a thread off its processor for less, and printing the backtrace of a panic takes less, too.
pub(super) const LONG_SCHEDULE: Duration = Duration::from_secs(1);

/// The report of a callback that blocked its thread: OTP's `long_schedule`.
///
/// It is made when the callback returns, or reaches its next await, if it blocked for longer than a second, or than
/// [`Node::long_schedule`](crate::Node::long_schedule) sets. It is made the first time that this happens to a server, the
/// second, the fourth, the eighth and so on, so a server with many long callbacks makes few reports.
///
/// Only a callback that was timed can be reported, and most are not, because reading the clock costs more than a call: see
/// [`ServerRef::call`](crate::ServerRef::call) for which are. When the callbacks of a server have turned out to be long, all of
/// them are timed until they are short again. `init` is never timed. In virtual time, such as Tokio's paused clock, a callback
/// takes no time.
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
/// # use std::time::Duration;
/// # use genserver::{Callback, Node};
/// # #[derive(Default)]
/// # struct Hasher;
/// # struct Hash(Caller<()>);
/// # server! { Hasher, Hash, Never, Never;
/// async fn handle_call(&mut self, Hash(caller): Hash, _cx: &mut Cx<Self>) -> Outcome<Self> {
///     std::thread::sleep(Duration::from_millis(20));
///     Next::reply(caller, ())
/// }
/// # }
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use genserver::report::Report;
///
/// let node = Node::new();
/// node.long_schedule(Duration::from_millis(10));
/// let mut reports = node.reports();
/// let hasher = node.start::<Hasher>(()).name("hasher").await?;
/// hasher.call(Hash).await?;
/// // The second call of a server is the first that is timed.
/// hasher.call(Hash).await?;
/// let Some(Report::LongSchedule(report)) = reports.next().await else { unreachable!() };
/// assert_eq!(report.process.name.as_deref(), Some("hasher"));
/// assert_eq!(report.callback, Callback::Call);
/// assert!(report.blocked >= Duration::from_millis(20));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
#[doc(alias = "system_monitor")]
pub struct LongSchedule {
    /// The process.
    pub process: Who,
    /// The type of the server.
    pub server: &'static str,
    /// The callback that blocked.
    pub callback: Callback,
    /// How long it blocked its thread.
    pub blocked: Duration,
    /// How often callbacks of this server have blocked for longer than the limit.
    pub times: u64,
}
