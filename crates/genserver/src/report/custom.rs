//! The report that a library makes of its own kind of process.

use super::level::Level;
use super::who::Who;
use crate::values::reason::Reason;

/// A report that a library makes of one of its processes: a sentence with details.
///
/// It is for libraries that define their own kinds of servers. Publish it with [`Cx::report`](crate::Cx::report).
///
/// # Examples
///
/// ```
/// use genserver::report::{Level, Report, CustomReport};
/// # use genserver::{Cx, GenServer, Init, Never, Node};
/// # struct Oven;
/// # impl GenServer for Oven {
/// #     type Args = ();
/// #     type Call = Never;
/// #     type Cast = Never;
/// #     type Info = Never;
/// async fn init((): (), cx: &mut Cx<Self>) -> Init<Self> {
///     cx.report(Level::Warning, |me| {
///         let report = CustomReport::new(me, Level::Warning, "Oven", "is hot");
///         Report::Custom(report.with("degrees", "300"))
///     });
///     Init::Run(Oven)
/// }
/// # }
///
/// # genserver_doc::run! {
/// let node = Node::new();
/// let mut reports = node.reports();
/// node.start::<Oven>(()).name("oven").await?;
/// let report = reports.next().await.ok_or("the node is gone")?;
/// assert!(report.to_string().starts_with("Oven oven"));
/// assert!(report.to_string().ends_with("is hot\n  degrees: 300"));
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct CustomReport {
    /// The process.
    pub process: Who,
    /// The severity.
    pub level: Level,
    /// What kind of process it is: the first word of the sentence.
    pub kind: &'static str,
    /// What happened: the rest of the sentence.
    pub what: String,
    /// Details, each with a name.
    pub details: Vec<(&'static str, String)>,
    /// Why it happened, if there is a reason.
    pub reason: Option<Reason>,
}

impl CustomReport {
    /// Makes a report without details.
    pub fn new(process: Who, level: Level, kind: &'static str, what: impl Into<String>) -> Self {
        Self { process, level, kind, what: what.into(), details: Vec::new(), reason: None }
    }

    /// Adds a detail.
    #[must_use = "it is the report with the detail"]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.details.push((name, value.into()));
        self
    }

    /// Adds the reason.
    #[must_use = "it is the report with the reason"]
    pub fn because(mut self, reason: Reason) -> Self {
        self.reason = Some(reason);
        self
    }

    /// The detail with this name.
    pub fn detail(&self, name: &str) -> Option<&str> {
        self.details.iter().find(|(of, _)| *of == name).map(|(_, value)| &**value)
    }
}
