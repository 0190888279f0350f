//! The tables a person reads, and the file that tools read.
#![expect(clippy::print_stdout, reason = "printing is what the program is for")]

use std::env;
use std::fs;
use std::num::NonZero;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::contenders::{BASE, OURS};
use crate::measure::Record;
use crate::subjects::World;
use crate::targets::{Aim, TARGETS, Target};

const FIRST: usize = 25;
const OTHER: usize = 12;
/// What is printed as equal is taken as equal.
const ROUNDING: f64 = 0.005;

/// On what all this was measured: a ratio of times depends on it, and a tail on what else runs there.
pub fn machine() {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let name = name.map_or(env::consts::ARCH, |(_, name)| name);
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load =
        load.split(' ').next().filter(|load| !load.is_empty()).map(|load| format!("; load before the start: {load}"));
    println!("processor: {name}, {cores} cores{}", load.unwrap_or_default());
}

/// The heading of a table whose columns are subjects.
pub fn heading(title: &str, subjects: &[&str]) {
    let cells: Vec<String> = subjects.iter().map(|subject| (*subject).to_owned()).collect();
    println!();
    row(title, &cells);
}

/// The heading of a table of times: `raw` in nanoseconds, the others as ratios to it.
pub fn times_heading(world: World, subjects: &[&str]) {
    let subjects: Vec<&str> =
        subjects.iter().map(|subject| if *subject == BASE { "raw, ns" } else { subject }).collect();
    heading(world.id(), &subjects);
}

/// A row of a table of times.
pub fn times(records: &[Record]) {
    let Some(first) = records.first() else { return };
    let cell = |record: &Record| match record.ratio {
        Some(ratio) if record.subject != BASE => number(ratio),
        _ => format!("{:.0}", record.value),
    };
    row(first.workload, &records.iter().map(cell).collect::<Vec<_>>());
}

/// A row of a table of times in which not everybody takes part.
pub fn times_of(subjects: &[&str], records: &[Record]) {
    let Some(first) = records.first() else { return };
    let cell = |subject: &&str| match records.iter().find(|record| record.subject == *subject) {
        Some(record) => match record.ratio {
            Some(ratio) if record.subject != BASE => number(ratio),
            _ => number(record.value),
        },
        None => "-".to_owned(),
    };
    row(first.workload, &subjects.iter().map(cell).collect::<Vec<_>>());
}

/// A row of plain numbers, one for each of the subjects that has one.
pub fn values(workload: &str, subjects: &[&str], records: &[Record]) {
    let value = |subject: &&str| {
        let record = records.iter().find(|record| record.workload == workload && record.subject == *subject);
        record.map_or_else(|| "-".to_owned(), |record| number(record.value))
    };
    row(workload, &subjects.iter().map(value).collect::<Vec<_>>());
}

/// How late a ticker was beside each subject's tight caller.
pub fn lateness(late: &[(String, Duration)]) {
    println!("\na 1 ms ticker on one thread, p99 of its lateness");
    for (beside, late) in late {
        println!("{beside:FIRST$}{:>OTHER$}", format!("{:.2} ms", late.as_secs_f64() * 1e3));
    }
}

/// Our own subject against what it has to reach.
pub fn targets(records: &[Record]) {
    if !records.iter().any(|record| record.subject == OURS) {
        return;
    }
    let measured = |target: &&Target| records.iter().any(|record| record.workload == target.workload);
    let targets: Vec<&Target> = TARGETS.iter().filter(measured).collect();
    if targets.is_empty() {
        return;
    }
    println!("\n{OURS} against its targets");
    let heads = World::ALL.map(|world| [world.id(), "bar", "goal", ""].map(str::to_owned));
    row("", &heads.concat());
    for target in targets {
        let cells = World::ALL.map(|world| verdict(target.workload, world, target.on(world), records));
        row(target.workload, &cells.concat());
    }
}

/// What was measured, what is wanted, and in a word how they compare.
fn verdict(workload: &str, world: World, aim: Aim, records: &[Record]) -> [String; 4] {
    let of_us =
        |record: &&Record| record.subject == OURS && record.workload == workload && record.runtime == world.id();
    let measured = records.iter().find(of_us).map(|record| match record.ratio {
        Some(ratio) if record.unit == "ns" => ratio,
        _ => record.value,
    });
    let word = match measured {
        None => "",
        Some(is) if is <= aim.goal + ROUNDING => "goal",
        Some(is) if is <= aim.bar + ROUNDING => "bar",
        Some(_) => "MISSED",
    };
    let is = measured.map_or_else(|| "-".to_owned(), number);
    [is, number(aim.bar), number(aim.goal), word.to_owned()]
}

/// Writes the records as JSON.
///
/// # Errors
///
/// Says why the file cannot be written.
pub fn write(path: &Path, records: &[Record]) -> Result<(), String> {
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| {
        let text = serde_json::to_string_pretty(records)?;
        fs::write(path, text + "\n")
    });
    written.map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    println!("\nwritten to {}", path.display());
    Ok(())
}

/// A row whose cells are of any kind.
pub fn cells(first: &str, cells: &[String]) {
    row(first, cells);
}

/// A line outside every table.
pub fn line(text: &str) {
    println!("{text}");
}

/// The median says more digits than it means: two of them are enough.
pub fn number(number: f64) -> String {
    if number >= 100.0 {
        format!("{number:.0}")
    } else if number >= 10.0 {
        format!("{number:.1}")
    } else {
        format!("{number:.2}")
    }
}

fn row(first: &str, cells: &[String]) {
    let line = cells.iter().fold(format!("{first:FIRST$}"), |line, cell| line + &format!("{cell:>OTHER$}"));
    println!("{}", line.trim_end());
}
