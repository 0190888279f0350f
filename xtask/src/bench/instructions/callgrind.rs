//! What callgrind has counted: the instructions that each function executed itself, and how often memory was asked for.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::Command;

use crate::{Failure, Result};

/// The functions that hand out memory; a call of one is an allocation.
const ALLOCATORS: &[&str] = &["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc", "memalign"];

/// What it executes differs from run to run, because it waits for the clock. It is done once, so it would fall out of a figure
/// otherwise: the recorder of Prometheus compares two clocks until they agree.
const LEFT_OUT: &str = "instructions::recorder::install";

/// What a run executed.
#[derive(Debug, Default)]
pub(super) struct Count {
    /// By function, without what it called. What stands in libraries of the system has their names before it.
    pub(super) functions: BTreeMap<String, u64>,
    /// How often an allocator was called.
    pub(super) allocations: u64,
    /// The instructions of [`LEFT_OUT`] and of everything that it called.
    pub(super) left_out: u64,
}

impl Count {
    /// All of it but what is left out.
    pub(super) fn instructions(&self) -> u64 {
        self.functions.values().sum::<u64>() - self.left_out
    }

    /// The one of the two that has fewer instructions.
    pub(super) fn or_less(self, other: Self) -> Self {
        if other.instructions() < self.instructions() { other } else { self }
    }
}

/// Runs the program under callgrind.
///
/// What a person has set must not change the figure, nor where the program lies: its arguments are in its memory, and where
/// an allocation finds space depends on them. So it is started by its name alone, without an environment, and valgrind reads
/// no file with options.
pub(super) fn count(valgrind: &Path, program: &Path, args: &[&str]) -> Result<Count> {
    let failure =
        |what: &str| Failure::new(format!("{} {} under callgrind: {what}", program.display(), args.join(" ")));
    let (Some(folder), Some(name)) = (program.parent(), program.file_name()) else {
        return Err(failure("it has no folder"));
    };
    let out = folder.join(format!("callgrind.{}", std::process::id()));
    let mut command = Command::new(valgrind);
    command
        .args(["--command-line-only=yes", "--tool=callgrind"])
        .arg(format!("--callgrind-out-file={}", out.display()));
    command.arg(Path::new(".").join(name)).args(args).env_clear().current_dir(folder);
    let output = command.output().map_err(|error| failure(&format!("did not start: {error}")))?;
    if !output.status.success() {
        return Err(failure(&format!("{}\n{}", output.status, String::from_utf8_lossy(&output.stderr))));
    }
    let text = std::fs::read_to_string(&out).map_err(|error| failure(&format!("left nothing to read: {error}")))?;
    // A file that stays is overwritten by the next run.
    let _ = std::fs::remove_file(&out);
    Ok(read(&text, &name.to_string_lossy()))
}

/// Reads callgrind's file: a line that names the function, and lines with a position and a cost.
fn read(text: &str, program: &str) -> Count {
    let mut count = Count::default();
    let (mut objects, mut names) = (Names::default(), Names::default());
    let (mut object, mut function, mut callee) = (String::new(), String::new(), String::new());
    let mut is_of_callee = false;
    for line in text.lines() {
        match line.split_once('=') {
            Some(("ob", name)) => object = objects.resolve(name),
            Some(("fn", name)) => function = full_name(&object, names.resolve(name), program),
            Some(("cob", name)) => drop(objects.resolve(name)),
            Some(("cfn", name)) => callee = names.resolve(name),
            Some(("calls", calls)) => {
                // What follows is the cost of what is called, which stands with that function itself.
                is_of_callee = true;
                if ALLOCATORS.contains(&callee.as_str()) {
                    count.allocations += first_number(calls);
                }
            }
            _ if !line.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c)) => {}
            _ => {
                let cost = line.split(' ').nth(1).map(first_number).unwrap_or_default();
                if std::mem::take(&mut is_of_callee) {
                    count.left_out += if callee == LEFT_OUT { cost } else { 0 };
                    continue;
                }
                *count.functions.entry(function.clone()).or_default() += cost;
            }
        }
    }
    count
}

/// A name is written once, as `(7) name`, and then as `(7)`.
#[derive(Default)]
struct Names(HashMap<String, String>);

impl Names {
    fn resolve(&mut self, written: &str) -> String {
        let Some((number, name)) = written.split_once(')') else { return written.to_owned() };
        let name = name.trim();
        if !name.is_empty() {
            self.0.insert(number.to_owned(), name.to_owned());
        }
        self.0.get(number).cloned().unwrap_or_default()
    }
}

/// A function of the program by its name alone, one of a library with the library's.
fn full_name(object: &str, function: String, program: &str) -> String {
    let file = Path::new(object).file_name().unwrap_or_default().to_string_lossy();
    if file == program { function } else { format!("{file} {function}") }
}

/// Whether it stands in a library of the system.
pub(super) fn library(function: &str) -> Option<&str> {
    let (library, _) = function.split_once(' ')?;
    (library.contains(".so") || library.is_empty()).then_some(library)
}

fn first_number(text: &str) -> u64 {
    text.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    //! A file of callgrind's in small.

    use super::*;

    const FILE: &str = "\
# callgrind format
events: Ir
summary: 31

ob=(1) /target/release/instructions
fl=(1) ???
fn=(1) main
0 5
cob=(2) /usr/lib/libc.so.6
cfi=(2) malloc.c
cfn=(2) malloc
calls=3 120
0 18
fi=(3) other.rs
+4 2

ob=(2)
fl=(2)
fn=(2)
120 12
* 6
";

    #[test]
    fn each_function_has_its_own_cost() {
        let count = read(FILE, "instructions");
        let expected = [("libc.so.6 malloc".to_owned(), 18), ("main".to_owned(), 7)];
        assert_eq!(count.functions.iter().map(|(name, cost)| (name.clone(), *cost)).collect::<Vec<_>>(), expected);
        assert_eq!(count.instructions(), 25);
    }

    #[test]
    fn the_run_with_fewer_instructions_is_kept() {
        let count = |cost| Count { functions: [("main".to_owned(), cost)].into(), allocations: cost, left_out: 0 };
        assert_eq!(count(2).or_less(count(1)).allocations, 1);
        assert_eq!(count(1).or_less(count(2)).allocations, 1);
    }

    #[test]
    fn what_the_installation_of_a_recorder_calls_is_left_out() {
        let file = FILE.replace("cfn=(2) malloc", &format!("cfn=(2) {LEFT_OUT}"));
        assert_eq!(read(&file, "instructions").instructions(), 7);
    }

    #[test]
    fn calls_of_an_allocator_are_counted() {
        assert_eq!(read(FILE, "instructions").allocations, 3);
    }

    #[test]
    fn the_library_of_a_function_is_known() {
        assert_eq!(library("libc.so.6 malloc"), Some("libc.so.6"));
        assert_eq!(library("<a::B as c::D>::poll"), None);
    }
}
