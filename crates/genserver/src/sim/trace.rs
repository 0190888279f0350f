//! The steps of a run, written down to be shown.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::Node;
use crate::node::record::{Event, Level};

use super::choices::{Place, Unusual};
use super::world::World;

// What is shown of the steps, ...
mod rows;
// ... under which names, ...
mod titles;
// ... as a sequence diagram, ...
mod diagram;
// ... or, if there are too many processes for that, as a list; ...
mod list;
// ... and, with all that was left out, as a page for a browser.
mod page;

use rows::{Row, rows};
use titles::Titles;

/// The steps of a run, if they are written down.
pub(super) struct Trace {
    is_on: bool,
    steps: Vec<Step>,
    titles: Titles,
    /// What the owner of the trace says of a step.
    marks: BTreeMap<u64, String>,
    /// How many choices there were before the step that comes next, and the faults in front of it.
    place: Place,
}

/// One step.
struct Step {
    number: u64,
    /// What time it is.
    elapsed: Duration,
    events: Vec<Event>,
    choices: Vec<Unusual>,
}

impl Trace {
    pub(super) fn off() -> Self {
        Self {
            is_on: false,
            steps: Vec::new(),
            titles: Titles::default(),
            marks: BTreeMap::new(),
            place: Place::default(),
        }
    }

    pub(super) fn on() -> Self {
        Self { is_on: true, ..Self::off() }
    }

    /// What it has to be told of each step.
    pub(super) fn level(&self) -> Level {
        if self.is_on { Level::Texts } else { Level::Off }
    }

    /// A step has ended with these events, which are taken if they are to be shown.
    pub(super) fn end(&mut self, number: u64, world: &World, node: &Node, events: &mut Vec<Event>) {
        if !self.is_on {
            return;
        }
        let events = std::mem::take(events);
        self.titles.learn(self.steps.is_empty(), &events, node);
        let first = std::mem::replace(&mut self.place, world.place());
        self.steps.push(Step { number, elapsed: world.elapsed(), events, choices: world.unusual_since(first) });
    }

    /// Says something of a step, where that is shown.
    pub(super) fn mark(&mut self, step: u64, text: impl Into<String>) {
        let mark = self.marks.entry(step).or_default();
        if !mark.is_empty() {
            mark.push_str(", ");
        }
        mark.push_str(&text.into());
    }

    /// The run in so many lines or fewer, each of which begins with a line break: its end, if it is longer.
    pub(super) fn text(&self, lines_max: usize) -> String {
        let lines = diagram::lines(self, lines_max).unwrap_or_else(|| list::lines(self, lines_max));
        lines.iter().fold(String::new(), |text, line| text + "\n" + line)
    }

    /// The whole run, as a page for a browser under what is said of it.
    pub(super) fn page(&self, message: &str, recipe: &str) -> String {
        page::page(self, message, recipe)
    }

    fn rows(&self) -> Vec<Row> {
        rows(&self.steps, &self.titles)
    }

    /// What is to be said of a step: its unusual choices, and what it is marked with.
    fn notes(&self, step: &Step) -> Option<String> {
        let choices = step.choices.iter().map(ToString::to_string);
        let notes: Vec<String> = choices.chain(self.marks.get(&step.number).cloned()).collect();
        (!notes.is_empty()).then(|| format!("<- {}", notes.join(", ")))
    }
}
