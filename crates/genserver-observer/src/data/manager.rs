//! An event manager and its handlers.

use serde::{Deserialize, Serialize};

use super::process::ProcessRow;

/// An event manager: an element of the answer of `/api/managers`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ManagerRow {
    /// Its process.
    pub row: ProcessRow,
    /// Its handlers, newest first, if it has answered in time.
    pub handlers: Vec<HandlerRow>,
    /// Why it has not answered, and for how long.
    pub unanswered: Option<String>,
}

/// A handler.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HandlerRow {
    /// Its id.
    pub id: String,
    /// Its state, as it shows it.
    pub state: String,
}
