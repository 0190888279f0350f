//! What is said of a run that fails.

use std::any::Any;
use std::fmt::Write as _;
use std::time::Duration;

use crate::Node;

use super::recipe::Recipe;

/// What stands in the message of a failed test in front of what else went wrong: `supervised` writes it.
const MISHAPS: &str = "\nwhile the test ran:";

/// Why a run failed.
pub(super) enum Failure {
    /// The test panicked with this message.
    Panicked(String),
    /// The test waits for something that cannot come. What the processes do.
    Stuck(String),
    /// The test has not come to an end.
    Endless(String),
}

impl Failure {
    pub(super) fn panicked(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self::Panicked(text.unwrap_or("a panic without a message").to_owned())
    }

    pub(super) fn stuck(node: &Node) -> Self {
        Self::Stuck(processes(node))
    }

    pub(super) fn endless(node: &Node) -> Self {
        Self::Endless(processes(node))
    }

    /// Whether it is the same failure, but for its numbers, and for what else went wrong in its run: a smaller run has less of that.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let own = |text: &str| {
            let own = text.split_once(MISHAPS).map_or(text, |(own, _)| own);
            own.replace(|letter: char| letter.is_ascii_digit(), "")
        };
        match (self, other) {
            (Self::Panicked(text), Self::Panicked(other)) => own(text) == own(other),
            (Self::Stuck(_), Self::Stuck(_)) | (Self::Endless(_), Self::Endless(_)) => true,
            _ => false,
        }
    }

    fn what(&self) -> String {
        let text = match self {
            Self::Panicked(text) => text.clone(),
            Self::Stuck(processes) => format!("the test waits for something that cannot come{processes}"),
            Self::Endless(processes) => format!("the test has not come to an end{processes}"),
        };
        text.replace('\n', "\n  ")
    }
}

/// All that is known of a failure.
pub(super) struct Report<'a> {
    pub(super) failure: &'a Failure,
    /// Which run it was, of how many; nothing for a replay.
    pub(super) run_of: Option<(usize, u64)>,
    pub(super) steps: u64,
    pub(super) elapsed: Duration,
    /// How many choices differ from the usual way.
    pub(super) choices: usize,
    pub(super) recipe: &'a Recipe,
    pub(super) trace: String,
}

impl Report<'_> {
    /// The message: what broke, the smallest run, how to see it again.
    pub(super) fn text(&self) -> String {
        let Self { failure, run_of, steps, elapsed, choices, recipe, trace } = self;
        let which = run_of.map(|(number, of)| format!(" in run {number} of {of}")).unwrap_or_default();
        let choices = match choices {
            0 => "in the usual order".to_owned(),
            1 => "one unusual choice".to_owned(),
            choices => format!("{choices} unusual choices"),
        };
        format!(
            "the simulation failed{which}:\n  {}\nthe smallest run found: {steps} steps, {elapsed:?} of its time, \
             {choices}{trace}\nthis run again, alone:\n  sim::replay(\"{recipe}\", ..)",
            failure.what()
        )
    }
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

#[cfg(test)]
mod tests {
    //! Which failures are taken for the same when a run is made smaller.

    use super::*;

    fn panicked(text: &str) -> Failure {
        Failure::panicked(&text.to_owned())
    }

    #[test]
    fn a_failure_is_the_same_with_other_numbers_and_whatever_else_went_wrong() {
        let failure = panicked("5 is not 3\nwhile the test ran:\n- a child ended\n- another child ended");
        assert!(failure.is_like(&panicked("12 is not 3")));
        assert!(failure.is_like(&panicked("5 is not 3\nwhile the test ran:\n- a child ended")));
        assert!(!failure.is_like(&panicked("5 is more than 3\nwhile the test ran:\n- a child ended")));
        assert!(!failure.is_like(&Failure::Stuck(String::new())));
    }
}
