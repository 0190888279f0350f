//! `cargo xtask bench --instructions`: how many instructions an operation executes, and whether they have become more.
//!
//! The program in `crates/benchmarks/instructions` does an operation 4,000 times, and then 12,000 times, each time under
//! valgrind's callgrind. The difference, divided by 8,000, is the figure: what is done once falls out.
//!
//! A server learns from the clock how long its callbacks take, and under valgrind the first ones take long. In some runs it
//! therefore leaves a few calls to its own task, which costs instructions that say nothing of the operation. So a row with
//! more instructions than in the table is counted again, and the least of each length counts.

// Runs the program under callgrind and reads what that has counted.
mod callgrind;
// Finds valgrind, or says how to get it.
pub(super) mod valgrind;
// The committed table, and what has changed against it.
mod table;
// What a person reads: the table, a profile, the section of the book.
mod report;

use std::path::{Path, PathBuf};

use crate::cargo::Cargo;
use crate::{Failure, Result, workspace};

use callgrind::Count;
use table::Table;

/// How often an operation is done in the two runs. Of one length, so that the arguments take the same space on the stack.
const OPERATIONS: [u32; 2] = [4_000, 12_000];

/// How often a row is counted that has more instructions than in the table, or is to be written into it.
const COUNTS: usize = 4;

/// The package whose program does the operations.
const PACKAGE: &str = "instructions";

/// The actor that one writes by hand on Tokio.
const RAW: &str = "raw";

/// The subject that all this is about.
const OURS: &str = "genserver";

/// What an operation costs one subject.
#[derive(Debug, Clone, PartialEq)]
struct Figure {
    /// The name of the operation.
    row: String,
    /// Who does it: [`RAW`] or [`OURS`].
    subject: String,
    /// Instructions per operation.
    instructions: f64,
    /// Allocations per operation.
    allocations: f64,
    /// The instructions of each function itself, per operation, most first.
    functions: Vec<(String, f64)>,
}

/// How the program is built and run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Build {
    /// Its features, separated by commas.
    pub(super) features: &'static str,
    /// What it gets as its last argument.
    pub(super) extra: Option<&'static str>,
}

/// A row of the program's list.
#[derive(Debug, Clone)]
struct Row {
    name: String,
    subjects: Vec<String>,
    /// What must be reached.
    bar: f64,
    /// What we are here for.
    goal: f64,
}

/// What was asked for.
#[derive(Debug, Default)]
struct Options {
    /// What a row's name has to contain.
    only: String,
    /// Shows where the instructions go, instead of the table.
    profile: bool,
    /// Writes the table instead of comparing with it.
    update: bool,
    /// Valgrind may be installed.
    install: bool,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self::default();
        for arg in args {
            match arg.as_str() {
                "--instructions" => {}
                "--profile" => options.profile = true,
                "--update" => options.update = true,
                "--install" => options.install = true,
                name if !name.starts_with('-') && options.only.is_empty() => name.clone_into(&mut options.only),
                other => return Err(Failure::new(format!("unknown argument {other}\n\n{HELP}"))),
            }
        }
        if options.profile && options.only.is_empty() {
            return Err(Failure::new(format!("--profile wants the name of a row\n\n{HELP}")));
        }
        Ok(options)
    }
}

const HELP: &str = "\
cargo xtask bench --instructions [NAME]   counts the instructions of the rows whose names contain this
                  --update                writes what was counted into the table and into docs/PERFORMANCE.md
                  --install               installs valgrind if it is missing (Debian, as root)
cargo xtask bench --profile NAME          shows which functions of such rows execute them";

/// Whether the arguments of `bench` are for here.
pub(super) fn are_asked_for(args: &[String]) -> bool {
    args.iter().any(|arg| arg == "--instructions" || arg == "--profile")
}

/// Counts, prints, and compares with the table or writes it.
pub(super) fn run(args: &[String]) -> Result {
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        report::line(HELP);
        return Ok(());
    }
    let options = Options::parse(args)?;
    let old = Table::read()?;
    let (rows, figures) = count(&options, &old)?;
    if options.profile {
        report::profiles(&figures);
        return Ok(());
    }
    report::figures(&rows, &figures, &old);
    if options.update {
        let new = old.with(figures, options.only.is_empty())?;
        new.write()?;
        return report::update_book(&new);
    }
    compare(&old, &figures, options.only.is_empty())
}

/// The gate of `ci`: fails if an operation executes more instructions than the table says.
pub(crate) fn gate() -> Result {
    if let Some(reason) = valgrind::cannot_count_here() {
        report::line(&format!("instructions: not counted: {reason}"));
        return Ok(());
    }
    let table = Table::read()?;
    let (_, figures) = count(&Options::default(), &table)?;
    compare(&table, &figures, true)
}

/// Prints what has become less, and fails with what has become more.
fn compare(table: &Table, figures: &[Figure], are_all: bool) -> Result {
    let changes = table.changes(figures, are_all);
    for note in &changes.notes {
        report::line(note);
    }
    if changes.faults.is_empty() {
        return Ok(());
    }
    let here = valgrind::environment()?;
    let there = &table.counted[0];
    let elsewhere =
        (*there != here).then(|| format!("\nThe table was counted with {there}, and this machine has {here}."));
    Err(Failure::new(format!(
        "{}{}\n`cargo xtask bench --profile NAME` shows where the instructions go; if they are meant, write the table anew \
         with\n  cargo xtask bench --instructions --update",
        changes.faults.join("\n"),
        elsewhere.unwrap_or_default()
    )))
}

/// Counts every row that is wanted.
fn count(options: &Options, table: &Table) -> Result<(Vec<Row>, Vec<Figure>)> {
    let counter = Counter::new(Build::default(), options.install)?;
    let mut rows = list(&counter.program)?;
    rows.retain(|row| row.name.contains(&options.only));
    if rows.is_empty() {
        return Err(Failure::new(format!("no row contains `{}`", options.only)));
    }
    let mut figures = Vec::new();
    for row in &rows {
        for subject in &row.subjects {
            figures.push(counter.figure(&row.name, subject, |figure| options.update || table.is_exceeded_by(figure))?);
        }
    }
    Ok((rows, figures))
}

/// Counts the instructions of rows in ours, each twice: the least counts.
pub(super) fn count_ours(rows: &[&str], build: Build, install: bool) -> Result<Vec<f64>> {
    let counter = Counter::new(build, install)?;
    let count = |row: &&str| {
        let mut is_first = true;
        counter.figure(row, OURS, |_| std::mem::take(&mut is_first)).map(|figure| figure.instructions)
    };
    rows.iter().map(count).collect()
}

/// What the committed table says of rows in ours.
pub(super) fn committed(rows: &[&str]) -> Result<Vec<f64>> {
    let table = Table::read()?;
    let find = |row: &&str| table.find(row, OURS).map(|figure| figure.instructions);
    let found: Option<Vec<f64>> = rows.iter().map(find).collect();
    found.ok_or_else(|| Failure::new("the table lacks an operation that the observer is measured with"))
}

/// What the machine's processor is called.
pub(super) fn processor() -> String {
    valgrind::processor()
}

/// The program, built in one way, and what counts.
struct Counter {
    valgrind: PathBuf,
    program: PathBuf,
    extra: Option<&'static str>,
}

impl Counter {
    /// Builds the program. The features of its dependencies are its own, whatever else is built.
    fn new(build: Build, install: bool) -> Result<Self> {
        let valgrind = valgrind::find(install)?;
        let features = if build.features.is_empty() { "" } else { "--features" };
        let line = format!("build --quiet --profile bench --package {PACKAGE} {features} {}", build.features);
        Cargo::line(&line).run()?;
        // The folder of the profile `bench`, too.
        Ok(Self { valgrind, program: workspace::target().join("release").join(PACKAGE), extra: build.extra })
    }

    /// Counts a row: once, and again up to [`COUNTS`] times while `again` says so.
    fn figure(&self, row: &str, subject: &str, mut again: impl FnMut(&Figure) -> bool) -> Result<Figure> {
        let [mut few, mut many] = [self.run(row, subject, OPERATIONS[0])?, self.run(row, subject, OPERATIONS[1])?];
        let mut result = figure(row, subject, &few, &many);
        for _ in 1..COUNTS {
            if !again(&result) {
                break;
            }
            few = few.or_less(self.run(row, subject, OPERATIONS[0])?);
            many = many.or_less(self.run(row, subject, OPERATIONS[1])?);
            result = figure(row, subject, &few, &many);
        }
        Ok(result)
    }

    fn run(&self, row: &str, subject: &str, operations: u32) -> Result<Count> {
        let operations = format!("{operations:05}");
        let args = [row, subject, &operations].into_iter().chain(self.extra);
        callgrind::count(&self.valgrind, &self.program, &args.collect::<Vec<_>>())
    }
}

/// The rows that the program has: name, subjects, bar and goal, separated by tabs.
fn list(program: &Path) -> Result<Vec<Row>> {
    let output = std::process::Command::new(program).output();
    let output = output.map_err(|error| Failure::new(format!("{} did not start: {error}", program.display())))?;
    let row = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, subjects, bar, goal] = fields.as_slice() else { return None };
        let subjects = subjects.split(' ').map(str::to_owned).collect();
        Some(Row { name: (*name).to_owned(), subjects, bar: bar.parse().ok()?, goal: goal.parse().ok()? })
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let rows: Option<Vec<Row>> = text.lines().map(row).collect();
    rows.ok_or_else(|| Failure::new(format!("{} lists its rows in another form:\n{text}", program.display())))
}

fn figure(row: &str, subject: &str, few: &Count, many: &Count) -> Figure {
    let each = |few: u64, many: u64| difference(few, many) / f64::from(OPERATIONS[1] - OPERATIONS[0]);
    let function = |(name, many): (&String, &u64)| {
        let few = few.functions.get(name).copied().unwrap_or_default();
        (name.clone(), each(few, *many))
    };
    let mut functions: Vec<(String, f64)> = many.functions.iter().map(function).collect();
    functions.sort_by(|(a_name, a), (b_name, b)| b.total_cmp(a).then_with(|| a_name.cmp(b_name)));
    Figure {
        row: row.to_owned(),
        subject: subject.to_owned(),
        instructions: each(few.instructions(), many.instructions()),
        allocations: each(few.allocations, many.allocations),
        functions,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a program that runs for a second executes far less than 2^52 instructions"
)]
fn difference(few: u64, many: u64) -> f64 {
    many as f64 - few as f64
}

#[cfg(test)]
mod tests {
    //! What the verb makes of its arguments and of two runs.

    use std::collections::BTreeMap;

    use super::*;

    fn count(functions: &[(&str, u64)], allocations: u64) -> Count {
        let functions = functions.iter().map(|(name, cost)| ((*name).to_owned(), *cost)).collect::<BTreeMap<_, _>>();
        Count { functions, allocations, left_out: 0 }
    }

    #[test]
    fn a_figure_is_what_each_further_operation_adds() {
        let few = count(&[("main", 900), ("poll", 4_000)], 10);
        let many = count(&[("main", 900), ("poll", 12_000), ("reply", 16_000)], 8_010);
        let figure = figure("call", "raw", &few, &many);
        assert!((figure.instructions - 3.0).abs() < 1e-9, "{figure:?}");
        assert!((figure.allocations - 1.0).abs() < 1e-9, "{figure:?}");
        let names: Vec<&str> = figure.functions.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["reply", "poll", "main"]);
    }

    #[test]
    fn a_name_may_stand_before_or_behind_the_options() {
        let parse = |line: &str| {
            let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            Options::parse(&args).map(|options| (options.only, options.update))
        };
        assert_eq!(parse("--instructions call --update").unwrap(), ("call".to_owned(), true));
        assert_eq!(parse("--instructions").unwrap(), (String::new(), false));
        assert!(parse("--profile").is_err(), "a profile is of something");
        assert!(parse("--instructions --rounds").is_err());
    }
}
