//! How bad what a report tells is.

/// The severity of a report, worst first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Level {
    /// Something broke.
    Error,
    /// Something is unusual.
    Warning,
    /// A normal event that is worth knowing.
    Info,
    /// A normal event.
    Debug,
}
