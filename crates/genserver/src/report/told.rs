//! What a library reports of a process of its own kind.

use super::{Level, Who};
use crate::values::reason::Reason;

/// What a library has to say of one of its processes: a sentence, and what belongs to it.
///
/// It is for libraries that have their own kinds of servers, and published with [`Cx::report`](crate::Cx::report).
///
/// # Examples
///
/// ```
/// use genserver::report::{Level, Report, Told};
/// # use genserver::{Cx, GenServer, Init, Never, Node};
/// # struct Oven;
/// # impl GenServer for Oven {
/// #     type Args = ();
/// #     type Call = Never;
/// #     type Cast = Never;
/// #     type Info = Never;
/// async fn init((): (), cx: &mut Cx<Self>) -> Init<Self> {
///     cx.report(Level::Warning, |me| {
///         Report::Told(Told::new(me, Level::Warning, "Oven", "is hot").with("degrees", "300"))
///     });
///     Init::Run(Oven)
/// }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = Node::new();
/// let mut reports = node.reports();
/// node.start::<Oven>(()).name("oven").await?;
/// let report = reports.next().await.ok_or("the node is gone")?;
/// assert!(report.to_string().starts_with("Oven oven"));
/// assert!(report.to_string().ends_with("is hot\n  degrees: 300"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Told {
    /// The process.
    pub process: Who,
    /// How bad it is.
    pub level: Level,
    /// What kind of process it is: the first word of the sentence.
    pub kind: &'static str,
    /// What is said of it: the rest of the sentence.
    pub what: String,
    /// What belongs to it, each with its name.
    pub details: Vec<(&'static str, String)>,
    /// Why it happened, if that has a reason.
    pub reason: Option<Reason>,
}

impl Told {
    /// This sentence.
    pub fn new(process: Who, level: Level, kind: &'static str, what: impl Into<String>) -> Self {
        Self { process, level, kind, what: what.into(), details: Vec::new(), reason: None }
    }

    /// Adds something that belongs to it.
    #[must_use = "it is the report with the detail"]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.details.push((name, value.into()));
        self
    }

    /// Adds why it happened.
    #[must_use = "it is the report with the reason"]
    pub fn because(mut self, reason: Reason) -> Self {
        self.reason = Some(reason);
        self
    }

    /// What belongs to it under this name.
    pub fn detail(&self, name: &str) -> Option<&str> {
        self.details.iter().find(|(of, _)| *of == name).map(|(_, value)| &**value)
    }
}
