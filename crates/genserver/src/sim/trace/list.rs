//! A run as a list: for each step who went on, and which processes it ran inside itself.

use std::time::Duration;

use crate::node::record::Event;

use super::{Step, Trace};

/// The lines of a run, or the last of them.
pub(super) fn lines(trace: &Trace, lines_max: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut elapsed = Duration::ZERO;
    for step in &trace.steps {
        for event in &step.events {
            if let Event::Fault { pid, text: Some(text) } = event {
                lines.push(format!("{:>15}  {} {text}", "", trace.titles.of(*pid)));
            }
        }
        let clock = if step.elapsed > elapsed { format!("{:?}", step.elapsed) } else { String::new() };
        elapsed = step.elapsed;
        let notes = trace.notes(step).map(|notes| format!("  {notes}")).unwrap_or_default();
        lines.push(format!("{:>6} {clock:>8}  {}{notes}", step.number, names(trace, step)));
    }
    let left_out = (lines.len() + 1).saturating_sub(lines_max.max(1));
    if lines.len() > lines_max {
        lines.drain(..left_out);
        lines.insert(0, format!("{:>15}  ({left_out} lines before)", ""));
    }
    lines
}

/// Who went on in a step.
pub(super) fn names(trace: &Trace, step: &Step) -> String {
    let mut names: Vec<String> = Vec::new();
    for event in &step.events {
        let Event::Entered { pid, depth } = event else { continue };
        let name = trace.titles.of(*pid);
        // One that goes on after another ran inside it is not named twice.
        if names.last() != Some(&name) || *depth == 0 {
            names.push(name);
        }
    }
    let point =
        |event: &Event| if let Event::Point { name, .. } = event { Some(format!(" at {name:?}")) } else { None };
    let points: String = step.events.iter().filter_map(point).collect();
    if names.is_empty() { "(no process)".to_owned() } else { format!("{}{points}", names.join(" > ")) }
}
