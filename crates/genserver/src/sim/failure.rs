//! What is said of a run that fails.

use std::any::Any;
use std::fmt::Write as _;

use crate::node::Node;

use super::run::Run;
use super::seeds::Seed;

/// Why a run failed.
pub(super) enum Failure {
    Panicked(Box<dyn Any + Send>),
    /// The test waits for something that cannot come. What the processes do.
    Stuck(String),
    /// The test has not come to an end.
    Endless(String),
}

impl Failure {
    pub(super) fn stuck(node: &Node) -> Self {
        Self::Stuck(processes(node))
    }

    pub(super) fn endless(node: &Node) -> Self {
        Self::Endless(processes(node))
    }

    /// The message: what broke, how to see it again.
    pub(super) fn text(&self, seed: Seed, run_of: Option<(usize, u64)>, run: &Run) -> String {
        let which = run_of.map(|(number, of)| format!(" in run {number} of {of}")).unwrap_or_default();
        let (steps, elapsed) = (run.steps, run.elapsed);
        let what = match self {
            Self::Panicked(payload) => message(&**payload).to_owned(),
            Self::Stuck(processes) => format!("the test waits for something that cannot come{processes}"),
            Self::Endless(processes) => format!("the test has not come to an end{processes}"),
        };
        let what = what.replace('\n', "\n  ");
        format!(
            "the simulation failed{which}, after {steps} steps and {elapsed:?} of its time:\n  {what}\nthe same run again, \
             alone:\n  sim::replay(\"{seed}\", ..)"
        )
    }
}

/// What a panic said.
fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without a message")
}

/// A line for each process.
fn processes(node: &Node) -> String {
    let mut text = ":".to_owned();
    for process in node.process_list() {
        // Writing to a string does not fail.
        let _ = write!(text, "\n- {process}");
    }
    text
}
