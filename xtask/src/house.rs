//! `cargo xtask house`: figures of the structure of the code, each with its limit.
//!
//! They say what a reader meets: how many modules a crate shows at its root, how many files import each other in a cycle,
//! and how often the engine says why. A figure beyond its limit fails the verb. Words are tidy's: rule 27 of `docs/STYLE.md`.

// Which file of a crate imports which.
mod imports;

use std::collections::BTreeSet;

use crate::workspace::{self, File};
use crate::{Failure, Result};

/// Files of the engine that lie below it, because all processes need them.
const ENGINE: &[&str] = &["/node/reply.rs", "/node/current.rs", "/node/alarm.rs", "/node/cut.rs"];

/// One figure, and how far it may go.
struct Figure {
    name: String,
    value: f64,
    limit: Limit,
    /// What it is made of, where that helps to bring it down.
    parts: Vec<String>,
}

#[derive(Clone, Copy)]
enum Limit {
    AtMost(f64),
    AtLeast(f64),
    /// It is only shown.
    None,
}

impl Figure {
    fn keeps(&self) -> bool {
        match self.limit {
            Limit::AtMost(limit) => self.value <= limit,
            Limit::AtLeast(limit) => self.value >= limit,
            Limit::None => true,
        }
    }
}

/// Prints the figures, and fails if one is beyond its limit.
pub(crate) fn run(_args: &[String]) -> Result {
    let figures = figures(&workspace::files()?);
    for figure in &figures {
        let limit = match figure.limit {
            Limit::AtMost(limit) => format!("at most {limit}"),
            Limit::AtLeast(limit) => format!("at least {limit}"),
            Limit::None => String::new(),
        };
        let verdict = if figure.keeps() { "" } else { "  BEYOND" };
        println!("{:<64} {:>9.1}  {limit}{verdict}", figure.name, figure.value);
        if !figure.keeps() {
            figure.parts.iter().for_each(|part| println!("    {part}"));
        }
    }
    let beyond: Vec<&str> =
        figures.iter().filter(|figure| !figure.keeps()).map(|figure| figure.name.as_str()).collect();
    if beyond.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("beyond the limit: {}", beyond.join("; "))))
}

fn figures(files: &[File]) -> Vec<Figure> {
    let source = |krate: &str| {
        let folder = format!("crates/{krate}/src/");
        files.iter().filter(|file| file.is("rs") && file.path.starts_with(&folder)).collect::<Vec<&File>>()
    };
    let genserver = source("genserver");
    let mut figures = vec![
        figure("genserver: modules at the root", count(root_modules(&genserver)), Limit::AtMost(16.0)),
        figure("genserver: lines", count(genserver.iter().map(|file| file.text.lines().count()).sum()), Limit::None),
        figure(
            "genserver: comments in the engine, in a hundred lines of code",
            comments(&genserver),
            Limit::AtLeast(4.0),
        ),
    ];
    for (krate, limit) in
        [("genserver", 16.0), ("genevent", 5.0), ("genserver-observer", 5.0), ("kv-core", 5.0), ("kv-server", 5.0)]
    {
        let largest = imports::largest_cycle(&source(krate));
        let name = format!("{krate}: files of the largest import cycle");
        figures.push(Figure { name, value: count(largest.len()), limit: Limit::AtMost(limit), parts: largest });
    }
    figures
}

fn figure(name: &str, value: f64, limit: Limit) -> Figure {
    Figure { name: name.to_owned(), value, limit, parts: Vec::new() }
}

#[expect(clippy::cast_precision_loss, reason = "nothing here is counted beyond a million")]
fn count(number: usize) -> f64 {
    number as f64
}

/// The modules that `lib.rs` declares.
fn root_modules(files: &[&File]) -> usize {
    let root = files.iter().find(|file| file.path.ends_with("src/lib.rs"));
    root.map_or(0, |root| {
        let is_module = |line: &str| line.ends_with(';') && (line.starts_with("mod ") || line.starts_with("pub mod "));
        // One that has two files, by a feature, is one module.
        root.text.lines().filter(|line| is_module(line)).collect::<BTreeSet<&str>>().len()
    })
}

/// How many lines of comment there are in a hundred lines of the engine's code, pages and docs not counted.
fn comments(files: &[&File]) -> f64 {
    let is_engine = |path: &str| path.contains("/process/") || ENGINE.iter().any(|file| path.ends_with(file));
    let engine = files.iter().filter(|file| is_engine(&file.path));
    let (mut comments, mut code) = (0, 0);
    for line in engine.flat_map(|file| file.text.lines()).map(str::trim_start) {
        if line.starts_with("///") || line.starts_with("//!") || line.is_empty() {
            continue;
        }
        if line.starts_with("//") { comments += 1 } else { code += 1 }
    }
    100.0 * count(comments) / count(code).max(1.0)
}

#[cfg(test)]
mod tests {
    //! Small crates with known figures.

    use super::*;

    #[test]
    fn a_figure_is_beyond_its_limit_or_is_not() {
        assert!(figure("", 3.0, Limit::AtMost(3.0)).keeps());
        assert!(!figure("", 3.1, Limit::AtMost(3.0)).keeps());
        assert!(!figure("", 2.9, Limit::AtLeast(3.0)).keeps());
        assert!(figure("", 1e9, Limit::None).keeps());
    }

    #[test]
    fn modules_of_the_root_are_counted_and_reexports_are_not() {
        let root = File::new("crates/a/src/lib.rs", "mod b;\npub mod c;\npub use b::D;\nmod e {}\n");
        assert_eq!(root_modules(&[&root]), 2);
    }

    #[test]
    fn comments_are_counted_without_docs() {
        let file =
            File::new("crates/a/src/process/b.rs", "//! A page.\n/// Docs.\nfn f() {\n    // Why.\n    g();\n}\n");
        assert!((comments(&[&file]) - 100.0 / 3.0).abs() < 1e-9);
    }
}
