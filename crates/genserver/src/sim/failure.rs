//! What is said of a run that fails.

use std::any::Any;
use std::fmt::Write as _;
use std::time::Duration;

use crate::Node;

use super::pages;
use super::quiet;
use super::recipe::Recipe;
use super::trace::Trace;
use super::waits;

/// What stands in the message of a failed test in front of what else went wrong: `supervised` writes it.
const MISHAPS: &str = "\nwhile the test ran:";

/// A message that is longer is not read.
const LINES_MAX: usize = 40;

/// So many lines of the run are shown, however long the rest of the message is.
const TRACE_MIN: usize = 16;

/// Why a run failed.
pub(super) enum Failure {
    /// The test panicked with this message.
    Panicked {
        message: String,
        /// Where, if that is known: only of a panic that was not printed.
        place: Option<String>,
    },
    /// Something does not hold that holds in every run.
    Broken(String),
    /// The test has ended, and some processes have not.
    Left(String),
    /// The test waits for something that cannot come. What the processes do.
    Stuck(String),
    /// The test has not come to an end.
    Endless(String),
    /// It was to stop here. What the processes do.
    Stopped(String),
}

impl Failure {
    pub(super) fn panicked(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let message = text.unwrap_or("a panic without a message").to_owned();
        Self::Panicked { place: quiet::place_of(&message, own(&message)), message }
    }

    pub(super) fn stuck(node: &Node) -> Self {
        Self::Stuck(processes(node))
    }

    pub(super) fn endless(node: &Node) -> Self {
        Self::Endless(processes(node))
    }

    /// Whether it is the same failure: a panic at the same place, or the same rule that does not hold.
    ///
    /// Messages are compared only if a place is not known, and without their numbers, and without what else went wrong in a run: a
    /// smaller one has less of that.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let words = |text: &str| own(text).replace(|letter: char| letter.is_ascii_digit(), "");
        match (self, other) {
            (Self::Panicked { place: Some(place), .. }, Self::Panicked { place: Some(other), .. }) => place == other,
            (Self::Panicked { message: text, .. }, Self::Panicked { message: other, .. })
            | (Self::Broken(text), Self::Broken(other)) => words(text) == words(other),
            (Self::Stuck(_), Self::Stuck(_))
            | (Self::Endless(_), Self::Endless(_))
            | (Self::Left(_), Self::Left(_)) => true,
            _ => false,
        }
    }

    pub(super) fn what(&self) -> String {
        let text = match self {
            Self::Panicked { message: text, .. } | Self::Broken(text) | Self::Left(text) => text.clone(),
            Self::Stuck(processes) => format!("the test waits for something that cannot come{processes}"),
            Self::Endless(processes) => format!("the test has not come to an end{processes}"),
            Self::Stopped(processes) => return processes.clone(),
        };
        short(&text).replace('\n', "\n  ")
    }
}

/// A message without what else went wrong.
fn own(message: &str) -> &str {
    message.split_once(MISHAPS).map_or(message, |(own, _)| own)
}

/// So many lines are shown of what else went wrong in a run.
const MISHAPS_MAX: usize = 4;

/// A message with a line for each thing that went wrong besides, and the reason: the rest is in the picture.
fn short(text: &str) -> String {
    let Some((own, mishaps)) = text.split_once(MISHAPS) else { return text.to_owned() };
    let mut lines: Vec<String> = Vec::new();
    for line in mishaps.lines().filter(|line| !line.is_empty()) {
        match (lines.last_mut(), line.trim_start().strip_prefix("reason: ")) {
            _ if line.starts_with("- ") => lines.push(line.to_owned()),
            (Some(last), Some(reason)) => {
                // Writing to a string does not fail.
                let _ = write!(last, ": {reason}");
            }
            _ => {}
        }
    }
    let more = lines.len().saturating_sub(MISHAPS_MAX);
    if more > 0 {
        lines.truncate(MISHAPS_MAX);
        lines.push(format!("- and {more} more"));
    }
    format!("{own}{MISHAPS}\n{}", lines.join("\n"))
}

/// All that is known of a failure.
pub(super) struct Report<'a> {
    pub(super) failure: &'a Failure,
    /// Which run it was; nothing for a replay.
    pub(super) number: Option<u64>,
    pub(super) steps: u64,
    pub(super) elapsed: Duration,
    /// How many choices of the schedule differ from the usual way.
    pub(super) unusual_choices: usize,
    pub(super) faults: usize,
    pub(super) recipe: &'a Recipe,
    pub(super) trace: &'a Trace,
    /// What the nearest run does that passes.
    pub(super) passes_if: Option<String>,
    /// From which step on every future that was tried fails.
    pub(super) inevitable_from: Option<u64>,
}

impl Report<'_> {
    /// The message: what broke, the smallest run, how to see it again.
    pub(super) fn text(&self) -> String {
        let Self {
            failure,
            number,
            steps,
            elapsed,
            unusual_choices,
            faults,
            recipe,
            trace,
            passes_if,
            inevitable_from,
        } = self;
        let which = number.map(|number| format!(" in run {number}")).unwrap_or_default();
        let counted = |count: &usize, one: &str, many: &str| match count {
            0 => String::new(),
            1 => format!(", {one}"),
            count => format!(", {count} {many}"),
        };
        let order = if *unusual_choices == 0 { ", in the usual order" } else { "" };
        let choices = counted(unusual_choices, "one unusual choice", "unusual choices");
        let faults = counted(faults, "one fault", "faults");
        let passes_if = passes_if.as_ref().map(|it| format!("\n{it}")).unwrap_or_default();
        let inevitable = inevitable_from.map(|step| format!("\ninevitable from step {step}")).unwrap_or_default();
        let head = format!(
            "the simulation failed{which}:\n  {}\nthe smallest run found: {steps} steps, {elapsed:?} of its time\
             {order}{choices}{faults}",
            failure.what()
        );
        let page = pages::write(trace, &format!("{head}{passes_if}{inevitable}"), recipe);
        let foot = format!("{passes_if}{inevitable}{page}\nthis run again, alone:\n  sim::replay(\"{recipe}\", ..)");
        let others = head.lines().count() + foot.lines().count() - 1;
        let trace = trace.text(LINES_MAX.saturating_sub(others).max(TRACE_MIN));
        format!("{head}{trace}{foot}")
    }
}

/// A line for each process.
pub(super) fn processes(node: &Node) -> String {
    let mut text = ":".to_owned();
    for process in node.process_list() {
        // Writing to a string does not fail.
        let _ = write!(text, "\n- {process}");
    }
    text + &waits::shown(node)
}

#[cfg(test)]
mod tests {
    //! Which failures are taken for the same when a run is made smaller.

    use super::*;

    fn panicked(message: &str) -> Failure {
        Failure::panicked(&message.to_owned())
    }

    fn panicked_at(place: &str, message: &str) -> Failure {
        Failure::Panicked { message: message.to_owned(), place: Some(place.to_owned()) }
    }

    #[test]
    fn a_failure_is_the_same_at_the_same_place_whatever_its_message_says() {
        let failure = panicked_at("a.rs:1:2", "[1, 2] are even: false");
        assert!(failure.is_like(&panicked_at("a.rs:1:2", "[] are even: true")));
        assert!(!failure.is_like(&panicked_at("a.rs:2:2", "[1, 2] are even: false")));
    }

    #[test]
    fn without_a_place_it_is_the_same_with_other_numbers_and_whatever_else_went_wrong() {
        let failure = panicked("5 is not 3\nwhile the test ran:\n- a child ended\n- another child ended");
        assert!(failure.is_like(&panicked("12 is not 3")));
        assert!(failure.is_like(&panicked_at("a.rs:1:2", "12 is not 3")));
        assert!(failure.is_like(&panicked("5 is not 3\nwhile the test ran:\n- a child ended")));
        assert!(!failure.is_like(&panicked("5 is more than 3\nwhile the test ran:\n- a child ended")));
        assert!(!failure.is_like(&Failure::Stuck(String::new())));
    }

    #[test]
    fn a_rule_is_broken_in_the_same_way_by_other_processes() {
        let broken = |text: &str| Failure::Broken(text.to_owned());
        assert!(broken("process <7> has ended twice").is_like(&broken("process <12> has ended twice")));
        assert!(!broken("process <7> has ended twice").is_like(&broken("process <7> has terminated twice")));
        let left = |text: &str| Failure::Left(text.to_owned());
        assert!(left("- <7> Account").is_like(&left("- <7> Account\n- <8> Bucket")));
        assert!(!left("").is_like(&broken("")));
    }
}
