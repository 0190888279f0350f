//! The supervision tree: which process started which with a link, as far as it can be shown.

use std::collections::BTreeSet;

use super::reports::Reports;
use super::sample::{Row, Sample};
use crate::data::{Kind, TreeNode, Trouble};

/// How many children of one process are shown.
const CHILDREN_SHOWN: usize = 10;

/// How many processes are shown.
const SHOWN: usize = 500;

/// The tree, from the top down. A process with children comes before one without.
pub(super) fn grow(sample: &Sample, reports: &Reports, troubles: &[Trouble]) -> Vec<TreeNode> {
    let troubled = troubles.iter().map(|trouble| trouble.pid).collect();
    // By parent, with those that have none first.
    let mut by_parent: Vec<(u64, &Row)> = sample.rows.iter().map(|row| (parent_of(row, sample), row)).collect();
    by_parent.sort_by_key(|(parent, row)| (*parent, row.kind != Kind::Supervisor, row.info.pid.number()));
    let mut tree = Tree { by_parent, reports, troubled, nodes: Vec::new() };
    tree.add_children(0, 0);
    tree.nodes
}

/// The number of the parent; 0, which no process has, if there is none or it has ended.
fn parent_of(row: &Row, sample: &Sample) -> u64 {
    let parent = row.info.parent.and_then(|parent| sample.find(parent.number()).filter(|row| row.info.pid == parent));
    parent.map_or(0, |row| row.info.pid.number())
}

struct Tree<'a> {
    by_parent: Vec<(u64, &'a Row)>,
    reports: &'a Reports,
    troubled: BTreeSet<u64>,
    nodes: Vec<TreeNode>,
}

impl<'a> Tree<'a> {
    fn children(&self, parent: u64) -> (usize, usize) {
        let first = self.by_parent.partition_point(|(of, _)| *of < parent);
        let end = self.by_parent.partition_point(|(of, _)| *of <= parent);
        (first, end)
    }

    /// Adds the children of a process, each with its own. It ends: a parent is older than its children.
    fn add_children(&mut self, parent: u64, depth: usize) {
        let (first, end) = self.children(parent);
        for place in first..end.min(first + CHILDREN_SHOWN) {
            if self.nodes.len() == SHOWN {
                return;
            }
            let row: &'a Row = self.by_parent[place].1;
            self.add(row, depth);
        }
    }

    fn add(&mut self, row: &Row, depth: usize) {
        let pid = row.info.pid.number();
        let (first, end) = self.children(pid);
        let children = end - first;
        let restarts =
            if row.kind == Kind::Supervisor { self.reports.restarts_by(row.info.pid) } else { row.info.restarts };
        self.nodes.push(TreeNode {
            pid,
            depth,
            title: row.short_title(),
            kind: row.kind,
            children,
            hidden: children.saturating_sub(CHILDREN_SHOWN),
            restarts,
            troubled: self.troubled.contains(&pid),
        });
        // Deeper levels are not shown, so the stack is bounded.
        if depth < 40 {
            self.add_children(pid, depth + 1);
        }
    }
}
