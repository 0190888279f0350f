//! A report of the node, as a row.

use serde::{Deserialize, Serialize};

/// A report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReportRow {
    /// Its number: reports are counted from one.
    pub number: u64,
    /// When it arrived, in milliseconds since 1970.
    pub at: u64,
    /// How bad it is.
    pub level: ReportLevel,
    /// The number of the pid that it is about.
    pub pid: u64,
    /// Its first line.
    pub title: String,
    /// The reason in it, if there is one.
    pub reason: Option<String>,
    /// All of it.
    pub text: String,
}

/// How bad a report is, worst first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReportLevel {
    /// Something broke.
    Error,
    /// Something is unusual.
    Warning,
    /// A normal event.
    #[default]
    #[serde(other)]
    Info,
}
