//! The numbers on top of the page, and all that the stream sends at first.

use serde::{Deserialize, Serialize};

use super::tree::TreeNode;
use super::trouble::Trouble;

/// The numbers on top of the page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tiles {
    /// When they were sampled, in milliseconds since 1970.
    pub at: u64,
    /// How many processes there are.
    pub processes: usize,
    /// How many of them are at the top of the tree, in the list or not: no living process has started them with a link.
    pub top: usize,
    /// How many messages are handled in a second.
    pub rate: f64,
    /// How many messages wait in all mailboxes.
    pub queued: usize,
    /// How many messages were refused or dropped so far by the processes that live.
    pub refused: u64,
    /// How many children were restarted in the last minute, as far as the reports that are kept tell.
    pub restarts: u64,
    /// How many calls were refused since the observer was made, because they would have closed a cycle.
    pub cycles: u64,
    /// How many reports were lost because they came faster than the observer could keep them.
    pub reports_dropped: u64,
    /// How long it took to look at all processes, in milliseconds.
    pub sampling_ms: f64,
    /// How many streams are open.
    pub streams: usize,
}

/// All that is seen at once: the answer of `/api/summary`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// The numbers on top.
    pub tiles: Tiles,
    /// What is stuck, slow or broken, worst first.
    pub troubles: Vec<Trouble>,
    /// The supervision tree.
    pub tree: Vec<TreeNode>,
}
