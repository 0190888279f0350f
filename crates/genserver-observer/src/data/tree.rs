//! The supervision tree, as a list from the top down.

use serde::{Deserialize, Serialize};

use super::process::Kind;

/// One process in the tree. The list has each one before those that it has started. Supervisors come first among the children of
/// a process, and names before pids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TreeNode {
    /// The number of its pid.
    pub pid: u64,
    /// How many processes are above it.
    pub depth: usize,
    /// Its name or its label; if it has none, the type of its server without its path.
    pub title: String,
    /// Whether the title is its own name or label, and not one that many may have.
    pub named: bool,
    /// What kind of process it is.
    pub kind: Kind,
    /// How many children it has, shown or not.
    pub children: usize,
    /// How many of them are not in the list, because there are many. Those at the top have no parent that could say so: see
    /// [`Tiles::top`](super::Tiles::top).
    pub hidden: usize,
    /// How often its supervisor has restarted it; of a supervisor, how often it has restarted its children.
    pub restarts: u64,
    /// Whether there is a trouble about it.
    pub troubled: bool,
}
