//! `cargo xtask bench --observer`: what it costs to look at a program, with the bar for each figure.
//!
//! Instructions of the path of a message, with what counts and traces it switched off and on: counted as those of the table are,
//! by the same program, which is built once for each. And the processor time of an open page on many processes, which the example
//! `cost` of `genserver-observer` measures.
#![expect(clippy::print_stdout, reason = "a tool at a terminal talks to its user")]

use super::instructions::{self, Build};
use crate::cargo::Cargo;
use crate::{Failure, Result};

/// Calls and casts, which the bars are for.
const MESSAGES: &[&str] = &["call", "call, queued, 16 clients", "cast, batches of 128"];

/// What else a reader may want to know. An event is counted twice, by its server and as an event; a start and an end each tell the
/// recorder how many processes live.
const OTHERS: &[&str] = &["notify", "start + call + stop"];

/// A way to build and run the program.
struct Variant {
    name: &'static str,
    build: Build,
    /// How many times the instructions that it is compared with it may execute: those without any feature, mostly.
    bar: Option<f64>,
}

/// Nothing switched on, beside the committed table. The bar is that of `ci`.
const OFF: Variant = Variant { name: "no feature", build: Build { features: "", extra: None }, bar: Some(1.03) };

const VARIANTS: &[Variant] = &[
    Variant { name: "metrics, no recorder", build: Build { features: "metrics", extra: None }, bar: Some(1.03) },
    Variant {
        name: "metrics, Prometheus",
        build: Build { features: "metrics", extra: Some("recorder") },
        bar: Some(1.15),
    },
    Variant { name: "tracing, no subscriber", build: Build { features: "tracing", extra: None }, bar: None },
];

/// How many processes the page is opened on, and the percent of one core that it may take.
const PROCESSES: &str = "10000";
const PAGE_BAR: f64 = 2.0;

/// The line of the example `cost` that the bar is for.
const PAGE: &str = "an open page: stream and table";

const HELP: &str = "\
cargo xtask bench --observer              what counters, traces and an open page cost, with the bar for each
                  --install               installs valgrind if it is missing (Debian, as root)";

/// Measures, prints, and fails if a bar is missed.
pub(super) fn run(args: &[String]) -> Result {
    let install = args == ["--install"];
    if !install && !args.is_empty() {
        return Err(Failure::new(HELP));
    }
    let mut missed = messages(install)?;
    missed.extend(page()?);
    if missed.is_empty() { Ok(()) } else { Err(Failure::new(missed.join("\n"))) }
}

/// Counts instructions. Returns the bars that are missed.
fn messages(install: bool) -> Result<Vec<String>> {
    let rows: Vec<&str> = MESSAGES.iter().chain(OTHERS).copied().collect();
    println!("instructions per operation, on one thread; {}", instructions::processor());
    let table = instructions::committed(&rows)?;
    let off = instructions::count_ours(&rows, OFF.build, install)?;
    let mut missed = OFF.missed(&table, &off);
    let mut columns = vec![("the table", table), (OFF.name, off.clone())];
    for variant in VARIANTS {
        let counted = instructions::count_ours(&rows, variant.build, install)?;
        missed.extend(variant.missed(&off, &counted));
        columns.push((variant.name, counted));
    }
    let heads: Vec<String> = columns.iter().map(|(name, _)| format!("{name:>24}")).collect();
    println!("{:26}{}", "", heads.concat());
    for (index, row) in rows.iter().enumerate() {
        let cells: Vec<String> = columns.iter().map(|(_, counted)| cell(counted[index], off[index])).collect();
        println!("{row:26}{}", cells.concat());
    }
    for variant in VARIANTS {
        if let Some(bar) = variant.bar {
            println!("bar: {}: {bar:.2} for calls and casts", variant.name);
        }
    }
    Ok(missed)
}

impl Variant {
    /// What of it is above its bar.
    fn missed(&self, base: &[f64], counted: &[f64]) -> Vec<String> {
        let Some(bar) = self.bar else { return Vec::new() };
        let ratios = MESSAGES.iter().zip(counted.iter().zip(base).map(|(counted, base)| counted / base));
        let missed = ratios.filter(|(_, ratio)| *ratio > bar);
        missed.map(|(row, ratio)| format!("`{row}`, {}: {ratio:.3} times, and the bar is {bar}", self.name)).collect()
    }
}

/// A figure, and how many times that without any feature it is.
fn cell(counted: f64, off: f64) -> String {
    format!("{:>24}", format!("{counted:.0} ({:.2})", counted / off))
}

/// Measures an open page. Returns the bar, if it is missed.
fn page() -> Result<Option<String>> {
    let line = format!("run --quiet --release --package genserver-observer --example cost -- {PROCESSES}");
    let printed = Cargo::line(&line).read()?;
    print!("\n{printed}");
    let percent = percent(&printed).ok_or_else(|| Failure::new(format!("`{PAGE}` is missing in:\n{printed}")))?;
    println!("bar: {PAGE_BAR} for the open page");
    let missed = percent > PAGE_BAR;
    Ok(missed.then(|| format!("an open page takes {percent} % of one core, and the bar is {PAGE_BAR}")))
}

/// What the example has measured for the page.
fn percent(printed: &str) -> Option<f64> {
    printed.lines().find_map(|line| line.trim().strip_prefix(PAGE)?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    //! What the verb makes of its figures.

    use super::*;

    #[test]
    fn only_what_is_above_its_bar_is_missed() {
        let variant = Variant { name: "on", build: Build::default(), bar: Some(1.03) };
        let off = [100.0, 100.0, 100.0, 100.0, 100.0];
        assert_eq!(variant.missed(&off, &[103.0, 90.0, 100.0, 200.0, 300.0]), [""; 0]);
        let missed = variant.missed(&off, &[104.0, 90.0, 100.0, 100.0, 100.0]);
        assert_eq!(missed, ["`call`, on: 1.040 times, and the bar is 1.03"]);
    }

    #[test]
    fn the_percent_of_the_page_is_found_in_what_the_example_prints() {
        let source = include_str!("../../../crates/genserver-observer/examples/cost.rs");
        assert!(source.contains(PAGE), "the example has another word for it");
        let printed = format!("10000 processes, percent of one core:\n  nobody looks   0.00\n  {PAGE}      1.25\n");
        assert_eq!(percent(&printed), Some(1.25));
        assert_eq!(percent("nothing"), None);
    }
}
