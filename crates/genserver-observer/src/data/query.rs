//! What is asked of the table: the query of `/api/processes`.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

use super::process::Kind;

/// How many rows a page has if the query does not say.
pub const PAGE_DEFAULT: usize = 50;

/// How many rows a page has at most.
pub const PAGE_MAX: usize = 500;

/// Which rows of the table, in which order. [`Display`](fmt::Display) prints it as the query of an address.
///
/// # Examples
///
/// ```
/// use genserver_observer::data::{ProcessQuery, Sort};
///
/// let query = ProcessQuery { search: "a b&c".to_owned(), sort: Sort::Mailbox, descending: true, ..Default::default() };
/// assert_eq!(query.to_string(), "search=a%20b%26c&sort=mailbox&descending=true&offset=0&limit=50");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct ProcessQuery {
    /// Only processes with this text in their name, label, type, state or pid, in upper or lower case.
    pub search: String,
    /// What they are sorted by. Equal ones are in the order of their pids.
    pub sort: Sort,
    /// Whether the largest comes first.
    pub descending: bool,
    /// How many rows are skipped.
    pub offset: usize,
    /// How many rows are returned at most.
    pub limit: usize,
    /// Only processes that this one has started with a link; 0 for those that no living process has.
    pub parent: Option<u64>,
    /// Only processes of this kind.
    pub kind: Option<Kind>,
    /// Only processes with a name.
    pub named: bool,
}

impl Default for ProcessQuery {
    fn default() -> Self {
        Self {
            search: String::new(),
            sort: Sort::default(),
            descending: false,
            offset: 0,
            limit: PAGE_DEFAULT,
            parent: None,
            kind: None,
            named: false,
        }
    }
}

impl fmt::Display for ProcessQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { search, sort, descending, offset, limit, parent, kind, named } = self;
        f.write_str("search=")?;
        for byte in search.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => f.write_char(byte.into())?,
                _ => write!(f, "%{byte:02X}")?,
            }
        }
        write!(f, "&sort={sort}&descending={descending}&offset={offset}&limit={limit}")?;
        if let Some(parent) = parent {
            write!(f, "&parent={parent}")?;
        }
        if let Some(kind) = kind {
            f.write_str("&kind=")?;
            kind.serialize(&mut *f)?;
        }
        if *named { f.write_str("&named=true") } else { Ok(()) }
    }
}

/// What the table is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Sort {
    /// The pid, which is the order of the starts.
    #[default]
    Pid,
    /// The name or the label.
    Name,
    /// The type of the server.
    Server,
    /// What it is doing.
    State,
    /// For how long it has been in its callback.
    Busy,
    /// How many messages wait.
    Mailbox,
    /// How many messages it handles in a second.
    Rate,
    /// How many messages it has handled.
    Handled,
    /// How many messages were refused or dropped.
    Refused,
    /// How often it was restarted.
    Restarts,
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}
