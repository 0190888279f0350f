//! The report of a call that would have closed a cycle.

use super::who::Who;

/// The report of a call that was refused because its processes would have waited for one another: see
/// [`CallError::Cycle`](crate::CallError::Cycle).
///
/// The caller gets the error and may go on, so this is often the only trace of a deadlock that the program was designed into.
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
/// # use genserver::{Named, Node};
/// # #[derive(Default)]
/// # struct Selfish;
/// # struct Ask(Caller<bool>);
/// # server! { Selfish, Ask, Never, Never;
/// async fn handle_call(&mut self, Ask(caller): Ask, _cx: &mut Cx<Self>) -> Outcome<Self> {
///     let answer = Named::<Other>::new("other").call(Ask).await;
///     Next::reply(caller, answer.is_err())
/// }
/// # }
/// # #[derive(Default)]
/// # struct Other;
/// # server! { Other, Ask, Never, Never;
/// # async fn handle_call(&mut self, Ask(caller): Ask, _cx: &mut Cx<Self>) -> Outcome<Self> {
/// #     let answer = Named::<Selfish>::new("selfish").call(Ask).await;
/// #     Next::reply(caller, answer.is_err())
/// # }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use genserver::report::Report;
///
/// let mut reports = Node::program().reports();
/// let selfish = genserver::start::<Selfish>(()).name("selfish").await?;
/// genserver::start::<Other>(()).name("other").await?;
/// selfish.call(Ask).await?;
/// let Some(Report::CycleRefused(report)) = reports.next().await else { unreachable!() };
/// let names: Vec<_> = report.cycle.iter().filter_map(|who| who.name.as_deref()).collect();
/// assert_eq!(names, ["selfish", "other"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct CycleRefused {
    /// The process whose call was refused.
    pub process: Who,
    /// The cycle: this process, the one that it called, and so on. The last waits for the first.
    pub cycle: Vec<Who>,
}
