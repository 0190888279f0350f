//! Who did what in a run: a line for each step.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::node::current;
use crate::{Node, Pid, ProcessInfo};

use super::world::World;

/// A longer run is shown by its end.
const LINES_MAX: usize = 40;

/// The steps of a run, if they are written down.
pub(super) struct Trace {
    is_on: bool,
    lines: Vec<String>,
    /// What each process is called. One that has ended is called as it was.
    titles: BTreeMap<Pid, String>,
    elapsed: Duration,
}

impl Trace {
    pub(super) fn off() -> Self {
        Self { is_on: false, lines: Vec::new(), titles: BTreeMap::new(), elapsed: Duration::ZERO }
    }

    pub(super) fn on() -> Self {
        Self { is_on: true, ..Self::off() }
    }

    /// A step begins.
    pub(super) fn begin(&self) {
        if self.is_on {
            current::record_entries();
        }
    }

    /// It has ended, by these choices, the first of which is at this place in the recipe.
    pub(super) fn end(&mut self, step: u64, world: &World, node: &Node, first: usize) {
        if !self.is_on {
            return;
        }
        for process in node.process_list() {
            self.titles.entry(process.pid).or_insert_with(|| title(&process));
        }
        self.end_early(step, world, first);
    }

    /// The last step has ended in a panic.
    pub(super) fn end_early(&mut self, step: u64, world: &World, first: usize) {
        if !self.is_on {
            return;
        }
        let entered = current::take_entries();
        // The test goes on first, in a process of its own.
        if self.lines.is_empty()
            && let Some((test, _)) = entered.first()
        {
            self.titles.insert(*test, "the test".to_owned());
        }
        let mut names: Vec<String> = Vec::new();
        for (pid, depth) in &entered {
            // One that came and went within this step has no title.
            let name = self.titles.get(pid).cloned().unwrap_or_else(|| format!("process {pid}"));
            // One that goes on after another ran inside it is not named twice.
            if names.last() != Some(&name) || *depth == 0 {
                names.push(name);
            }
        }
        if names.is_empty() {
            names.push("(no process)".to_owned());
        }
        let elapsed = world.elapsed();
        let clock = if elapsed > self.elapsed { format!("{elapsed:?}") } else { String::new() };
        self.elapsed = elapsed;
        let mut line = format!("{step:>6} {clock:>8}  {}", names.join(" > "));
        for (place, choice) in world.made_since(first).iter().enumerate().filter(|(_, choice)| **choice != 0) {
            // Writing to a string does not fail.
            let _ = write!(line, "  <- /{}.{choice}", first + place);
        }
        self.lines.push(line);
    }

    /// A process was killed.
    pub(super) fn kill(&mut self, victim: &ProcessInfo) {
        if self.is_on {
            self.lines.push(format!("{:>15}  {} is killed", "", title(victim)));
        }
    }

    /// The lines, or the last of them.
    pub(super) fn text(&self) -> String {
        let left_out = self.lines.len().saturating_sub(LINES_MAX);
        let mut text = String::new();
        if left_out > 0 {
            // Writing to a string does not fail.
            let _ = write!(text, "\n{:>15}  ({left_out} lines before)", "");
        }
        for line in &self.lines[left_out..] {
            let _ = write!(text, "\n{line}");
        }
        text
    }
}

/// The name or label of a process, or the type of its server without the path; and its pid.
fn title(process: &ProcessInfo) -> String {
    let short = process.server.split('<').next().and_then(|path| path.rsplit("::").next()).unwrap_or(process.server);
    // A process that is held by plain code, or that runs a function.
    let short = if short == "Probe" { "process" } else { short };
    let name = process.name.as_deref().or(process.label.as_deref()).unwrap_or(short);
    format!("{name} {}", process.pid)
}
