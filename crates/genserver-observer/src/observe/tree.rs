//! The supervision tree: which process started which with a link, as far as it can be shown.

use std::collections::BTreeSet;

use super::reports::Reports;
use super::sample::{Row, Sample};
use crate::data::{Kind, TreeNode, Trouble};

/// How many children of one process are shown.
const CHILDREN_SHOWN: usize = 10;

/// How many are shown if they are supervisors, which have children themselves.
const SUPERVISORS_SHOWN: usize = 50;

/// How many processes are shown.
const SHOWN: usize = 500;

/// How deep a process may be to be shown, so that the stack is bounded.
const DEPTH_MAX: usize = 40;

/// The tree, from the top down. Supervisors come first among the children of a process. Then the order is that of their names,
/// which a restart does not change. Also returns how many processes are at the top.
pub(super) fn grow(sample: &Sample, reports: &Reports, troubles: &[Trouble]) -> (Vec<TreeNode>, usize) {
    let troubled = troubles.iter().map(|trouble| trouble.pid).collect();
    // By parent, with those that have none first.
    let mut by_parent: Vec<(u64, &Row)> = sample.rows.iter().map(|row| (parent_of(row, sample), row)).collect();
    by_parent.sort_by_key(|(parent, _)| *parent);
    let mut tree = Tree { by_parent, reports, troubled, nodes: Vec::new() };
    let (top, _hidden) = tree.add_children(0, 0);
    (tree.nodes, top)
}

/// The number of the parent; 0, which no process has, if there is none or it has ended.
pub(super) fn parent_of(row: &Row, sample: &Sample) -> u64 {
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
    /// The children of a process: those that may be shown, and the number of all.
    fn children(&mut self, parent: u64) -> (Vec<&'a Row>, usize) {
        let first = self.by_parent.partition_point(|(of, _)| *of < parent);
        let end = self.by_parent.partition_point(|(of, _)| *of <= parent);
        let all = &mut self.by_parent[first..end];
        let supervisors = all.iter().filter(|(_, row)| row.kind == Kind::Supervisor).count();
        let shown = supervisors.clamp(CHILDREN_SHOWN, SUPERVISORS_SHOWN).min(all.len());
        // Those that are not shown need no order: there may be a hundred thousand of them.
        if shown < all.len() {
            all.select_nth_unstable_by_key(shown, |&(_, row)| order(row));
        }
        all[..shown].sort_unstable_by_key(|&(_, row)| order(row));
        (all[..shown].iter().map(|(_, row)| *row).collect(), all.len())
    }

    /// Adds the children of a process, each with its own. Returns how many it has, and how many of those were not added. It
    /// ends: a parent is older than its children.
    fn add_children(&mut self, parent: u64, depth: usize) -> (usize, usize) {
        let (mut added, (shown, count)) = (0, self.children(parent));
        for row in shown {
            if self.nodes.len() == SHOWN || depth == DEPTH_MAX {
                break;
            }
            self.add(row, depth);
            added += 1;
        }
        (count, count - added)
    }

    fn add(&mut self, row: &Row, depth: usize) {
        let (pid, kind, title) = (row.info.pid.number(), row.kind, row.short_title());
        let named = row.info.name.is_some() || row.info.label.is_some();
        let is_supervisor = kind == Kind::Supervisor;
        let restarts = if is_supervisor { self.reports.restarts_by(row.info.pid) } else { row.info.restarts };
        let troubled = self.troubled.contains(&pid);
        let place = self.nodes.len();
        self.nodes.push(TreeNode { pid, depth, title, named, kind, children: 0, hidden: 0, restarts, troubled });
        let (children, hidden) = self.add_children(pid, depth + 1);
        let node = &mut self.nodes[place];
        (node.children, node.hidden) = (children, hidden);
    }
}

/// What the children of a process are sorted by.
fn order(row: &Row) -> (bool, bool, Option<&str>, u64) {
    let title = row.info.name.as_deref().or(row.info.label.as_deref());
    (row.kind != Kind::Supervisor, title.is_none(), title, row.info.pid.number())
}
