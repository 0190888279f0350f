//! The committed table: what an operation executed when it was last looked at, and what has changed since.

use std::fmt::Write as _;

use super::{Figure, RAW, callgrind, valgrind};
use crate::{Failure, Result, workspace};

/// Where the table is.
const PATH: &str = "crates/benchmarks/instructions/table.txt";

const HEAD: &str = "\
# Instructions and allocations per operation, and the functions that execute at least two in a hundred of the instructions.
# `cargo xtask ci` compares with it; `cargo xtask bench --instructions --update` writes it.
";

/// What goes before the line that says with what and when it was counted.
const COUNTED: &str = "counted with ";

/// More instructions than in the table fail by more than this part of them; as many fewer are worth a note.
const TOLERANCE: f64 = 0.03;

/// As many more allocations are an allocation, and not a buffer that has grown.
const ALLOCATIONS: f64 = 0.01;

/// A function is written down if it executes this part of its operation's instructions.
const WORTH_A_LINE: f64 = 0.02;

/// Why the hand-written actor may have become another.
const NOT_OURS: &str = "Tokio, the compiler or the system's libraries are others";

/// The committed table.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Table {
    /// The libraries and tools it was counted with, the day, and the processor.
    pub(super) counted: [String; 3],
    /// Its rows.
    pub(super) figures: Vec<Figure>,
}

/// How figures differ from the table.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// What may not be.
    pub(super) faults: Vec<String>,
    /// What a person may want to know.
    pub(super) notes: Vec<String>,
}

impl Table {
    /// The committed one; an empty one if there is none yet.
    pub(super) fn read() -> Result<Self> {
        let text = std::fs::read_to_string(workspace::root().join(PATH)).unwrap_or_default();
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self> {
        let mut table = Self::default();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            table
                .add(line)
                .ok_or_else(|| Failure::new(format!("{PATH}:{}: not a line of the table: {line}", index + 1)))?;
        }
        Ok(table)
    }

    fn add(&mut self, line: &str) -> Option<()> {
        if let Some(function) = line.strip_prefix(' ') {
            let (cost, name) = function.trim_start().split_once(' ')?;
            self.figures.last_mut()?.functions.push((name.to_owned(), cost.parse().ok()?));
            return Some(());
        }
        let fields: Vec<String> = line.split(" | ").map(str::to_owned).collect();
        match fields.as_slice() {
            [with, day, processor] => {
                self.counted = [with.strip_prefix(COUNTED)?.to_owned(), day.clone(), processor.clone()];
            }
            [row, subject, instructions, allocations] => self.figures.push(Figure {
                row: row.clone(),
                subject: subject.clone(),
                instructions: instructions.parse().ok()?,
                allocations: allocations.parse().ok()?,
                functions: Vec::new(),
            }),
            _ => return None,
        }
        Some(())
    }

    /// Puts it where it is committed.
    pub(super) fn write(&self) -> Result {
        let written = std::fs::write(workspace::root().join(PATH), self.text());
        written.map_err(|error| Failure::new(format!("{PATH} cannot be written: {error}")))
    }

    fn text(&self) -> String {
        let mut text = format!("{HEAD}{COUNTED}{}\n", self.counted.join(" | "));
        for figure in &self.figures {
            let Figure { row, subject, instructions, allocations, .. } = figure;
            let _ = writeln!(text, "\n{row} | {subject} | {instructions:.0} | {allocations:.2}");
            for (name, cost) in &figure.functions {
                let _ = writeln!(text, "{cost:6.0} {name}");
            }
        }
        text
    }

    /// The table with these figures in place of its own of the same rows, in the order of `rows` if they are all there are.
    pub(super) fn with(mut self, figures: Vec<Figure>, is_all: bool) -> Result<Self> {
        self.counted = [valgrind::environment()?, valgrind::today()?, valgrind::processor()];
        if is_all {
            self.figures.clear();
        }
        for figure in figures.into_iter().map(Figure::brief) {
            let place = self.figures.iter_mut().find(|old| old.is_of(&figure));
            match place {
                Some(old) => *old = figure,
                None => self.figures.push(figure),
            }
        }
        Ok(self)
    }

    /// The figure of the same row and subject.
    pub(super) fn find(&self, row: &str, subject: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.row == row && figure.subject == subject)
    }

    /// Whether the figure is of a row of this table, and has more instructions than may be.
    pub(super) fn is_exceeded_by(&self, figure: &Figure) -> bool {
        self.find(&figure.row, &figure.subject).is_some_and(|old| figure.exceeds(old))
    }

    /// How the figures differ from these. If they `are_all`, a row that nobody counted is a fault too.
    pub(super) fn changes(&self, figures: &[Figure], are_all: bool) -> Changes {
        let mut changes = Changes::default();
        for figure in figures {
            let name = figure.name();
            match self.find(&figure.row, &figure.subject) {
                None => changes.faults.push(format!("{name} is not in {PATH}")),
                Some(old) => figure.compare(old, &mut changes),
            }
        }
        let forgotten = self.figures.iter().filter(|old| are_all && !figures.iter().any(|figure| figure.is_of(old)));
        changes.faults.extend(forgotten.map(|old| format!("{} is in {PATH}, and in no program", old.name())));
        changes
    }
}

impl Figure {
    fn is_of(&self, other: &Self) -> bool {
        self.row == other.row && self.subject == other.subject
    }

    /// As people call it.
    pub(super) fn name(&self) -> String {
        format!("`{}` of {}", self.row, self.subject)
    }

    /// With its largest functions only, and all of a library as one: inside of it nobody here changes anything.
    fn brief(mut self) -> Self {
        let mut functions: Vec<(String, f64)> = Vec::new();
        for (name, cost) in self.functions {
            let name = callgrind::library(&name).map_or(name.clone(), str::to_owned);
            match functions.iter_mut().find(|(it, _)| *it == name) {
                Some((_, sum)) => *sum += cost,
                None => functions.push((name, cost)),
            }
        }
        functions.retain(|(_, cost)| *cost >= WORTH_A_LINE * self.instructions);
        functions.sort_by(|(a_name, a), (b_name, b)| b.total_cmp(a).then_with(|| a_name.cmp(b_name)));
        self.functions = functions;
        self
    }

    /// Whether it has more instructions than may be.
    fn exceeds(&self, old: &Self) -> bool {
        self.instructions > old.instructions * (1.0 + TOLERANCE)
    }

    fn compare(&self, old: &Self, changes: &mut Changes) {
        let name = self.name();
        let (is, was) = (self.instructions, old.instructions);
        let percent = (is / was - 1.0) * 100.0;
        if self.subject == RAW {
            if percent.abs() > TOLERANCE * 100.0 {
                changes
                    .notes
                    .push(format!("{name} executes {is:.0} instructions, and {was:.0} in the table: {NOT_OURS}"));
            }
            return;
        }
        if self.exceeds(old) {
            let grown = self.grown_most(old).map(|grown| format!("; {grown}")).unwrap_or_default();
            let line = format!(
                "{name} executes {is:.0} instructions, {percent:.1} % more than the {was:.0} of the table{grown}"
            );
            changes.faults.push(line);
        } else if is < was * (1.0 - TOLERANCE) {
            let line =
                format!("{name} executes {is:.0} instructions, {:.1} % fewer than the {was:.0} of the table", -percent);
            changes.notes.push(line);
        }
        if self.allocations > old.allocations + ALLOCATIONS {
            let (is, was) = (self.allocations, old.allocations);
            changes.faults.push(format!("{name} allocates {is:.2} times, and {was:.2} times in the table"));
        }
    }

    /// Which functions have grown most, in a few words: two of them, because the first one is often the allocator.
    fn grown_most(&self, old: &Self) -> Option<String> {
        // What is not in the table executed at most this much.
        let unseen = WORTH_A_LINE * old.instructions;
        let was = |name: &str| old.functions.iter().find(|(it, _)| it == name).map(|(_, was)| *was);
        let mut grown = self.clone().brief().functions;
        grown.retain(|(name, is)| *is > was(name).unwrap_or(unseen));
        let growth = |(name, is): &(String, f64)| is - was(name).unwrap_or(unseen);
        grown.sort_by(|a, b| growth(b).total_cmp(&growth(a)));
        let in_words = grown.iter().take(2).map(|(name, is)| {
            let was = was(name).map_or_else(|| format!("less than {unseen:.0}"), |was| format!("{was:.0}"));
            format!("`{name}` from {was} to {is:.0}")
        });
        let in_words: Vec<String> = in_words.collect();
        (!in_words.is_empty()).then(|| format!("most grew {}", in_words.join(", then ")))
    }
}

#[cfg(test)]
mod tests {
    //! What is a change worth telling, and what the table looks like.

    use super::super::OURS;
    use super::*;

    fn figure(instructions: f64, allocations: f64, functions: &[(&str, f64)]) -> Figure {
        let functions = functions.iter().map(|(name, cost)| ((*name).to_owned(), *cost)).collect();
        Figure { row: "call".to_owned(), subject: OURS.to_owned(), instructions, allocations, functions }
    }

    fn table(figure: Figure) -> Table {
        let counted = ["glibc 2.36, valgrind 3.19.0", "2026-01-31", "a processor"].map(str::to_owned);
        Table { counted, figures: vec![figure] }
    }

    #[test]
    fn what_is_written_is_read() {
        let table = table(figure(1_000.0, 0.5, &[("<a::B as c::D>::poll", 300.0), ("libc.so.6", 20.0)]));
        assert_eq!(Table::parse(&table.text()).unwrap(), table);
        let failure = Table::parse("call | genserver | many | 0").unwrap_err().to_string();
        assert!(failure.contains(":1: not a line of the table"), "{failure}");
    }

    #[test]
    fn a_row_is_exceeded_by_more_than_three_in_a_hundred_and_one_that_it_has_not_is_not() {
        let table = table(figure(1_000.0, 0.0, &[]));
        assert!(table.is_exceeded_by(&figure(1_031.0, 0.0, &[])));
        assert!(!table.is_exceeded_by(&figure(1_029.0, 0.0, &[])));
        assert!(!table.is_exceeded_by(&Figure { row: "cast".to_owned(), ..figure(2_000.0, 0.0, &[]) }));
    }

    #[test]
    fn three_in_a_hundred_are_not_a_change() {
        let table = table(figure(1_000.0, 0.0, &[]));
        for same in [971.0, 1_000.0, 1_029.0] {
            assert_eq!(table.changes(&[figure(same, 0.005, &[])], true), Changes::default());
        }
    }

    #[test]
    fn more_instructions_are_a_fault_that_names_the_function() {
        let table = table(figure(1_000.0, 0.0, &[("poll", 600.0), ("libc.so.6", 300.0)]));
        let now = figure(1_041.0, 0.0, &[("poll", 610.0), ("libc.so.6 malloc", 200.0), ("libc.so.6 free", 140.0)]);
        let expected = "`call` of genserver executes 1041 instructions, 4.1 % more than the 1000 of the table; \
                        most grew `libc.so.6` from 300 to 340, then `poll` from 600 to 610";
        assert_eq!(table.changes(&[now], true).faults, [expected]);
        let now = figure(1_041.0, 0.0, &[("poll", 600.0), ("new", 55.0)]);
        let faults = table.changes(&[now], true).faults;
        assert!(faults[0].ends_with("most grew `new` from less than 20 to 55"), "{faults:?}");
    }

    #[test]
    fn fewer_instructions_are_a_note() {
        let table = table(figure(1_000.0, 0.0, &[]));
        let changes = table.changes(&[figure(900.0, 0.0, &[])], true);
        assert_eq!(
            changes.notes,
            ["`call` of genserver executes 900 instructions, 10.0 % fewer than the 1000 of the table"]
        );
        assert!(changes.faults.is_empty());
    }

    #[test]
    fn what_the_hand_written_actor_executes_is_not_a_fault() {
        let raw = |instructions| Figure { subject: RAW.to_owned(), ..figure(instructions, 1.0, &[]) };
        let changes = table(raw(1_000.0)).changes(&[raw(1_100.0)], true);
        assert_eq!(
            changes.notes,
            [format!("`call` of raw executes 1100 instructions, and 1000 in the table: {NOT_OURS}")]
        );
        assert!(changes.faults.is_empty());
    }

    #[test]
    fn an_allocation_is_a_fault() {
        let table = table(figure(1_000.0, 0.0, &[]));
        let faults = table.changes(&[figure(1_000.0, 1.0, &[])], true).faults;
        assert_eq!(faults, ["`call` of genserver allocates 1.00 times, and 0.00 times in the table"]);
    }

    #[test]
    fn a_row_stands_in_the_table_and_in_the_program() {
        let faults = Table::default().changes(&[figure(1.0, 0.0, &[])], true).faults;
        assert_eq!(faults, ["`call` of genserver is not in crates/benchmarks/instructions/table.txt"]);
        let table = table(figure(1.0, 0.0, &[]));
        assert_eq!(table.changes(&[], true).faults.len(), 1);
        assert!(table.changes(&[], false).faults.is_empty(), "the others were not asked for");
    }
}
