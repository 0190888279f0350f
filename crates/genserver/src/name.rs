//! Names of processes.

use std::fmt;

/// The name of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// In the node's own space.
    Local(String),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(name) => f.write_str(name),
        }
    }
}
