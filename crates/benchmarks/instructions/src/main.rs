//! Does one operation so many times and prints nothing: `cargo xtask bench --instructions` counts what that executes.
//!
//! `instructions ROW SUBJECT OPERATIONS` runs a row, `instructions` alone lists the rows: the name, the subjects, the bar and the goal.
//! With `recorder` as a fourth argument, and the feature `metrics`, what the servers count is recorded.
#![expect(clippy::print_stdout, reason = "the list of rows is what the program prints")]

// The rows of the table.
mod rows;
// The left column: the actor that one writes by hand on Tokio.
mod raw;
// The right column: this workspace's servers, started and called as any user does.
mod ours;
// The same column once more: one server by hand and by the macro.
mod clients;
// A recorder for what the servers count.
#[cfg(feature = "metrics")]
mod recorder;

use std::env;
use std::process::ExitCode;

use rows::ROWS;
use tokio::runtime::Builder;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (row, subject, operations) = match arguments.as_slice() {
        [row, subject, operations] => (row, subject, operations),
        [row, subject, operations, recorder] if recorder == "recorder" => {
            install_recorder();
            (row, subject, operations)
        }
        _ => {
            list();
            return ExitCode::SUCCESS;
        }
    };
    let work = rows::find(row, subject).zip(operations.parse().ok());
    let Some((work, operations)) = work else {
        println!("there is no row `{row}` of `{subject}`, or `{operations}` is not a number");
        return ExitCode::FAILURE;
    };
    let runtime = Builder::new_current_thread().enable_all().build().expect("the runtime starts");
    // A task of the runtime, as the callers in a program are.
    runtime.block_on(runtime.spawn(work(operations))).expect("a row does not panic");
    ExitCode::SUCCESS
}

/// Installs a recorder for what the servers count.
#[cfg(feature = "metrics")]
fn install_recorder() {
    recorder::install();
}

#[cfg(not(feature = "metrics"))]
fn install_recorder() {
    panic!("this program was built without the feature `metrics`");
}

fn list() {
    for row in &ROWS {
        let subjects: Vec<&str> = row.subjects().map(|(subject, _)| subject).collect();
        println!("{}\t{}\t{}\t{}", row.name, subjects.join(" "), row.bar, row.goal);
    }
}
