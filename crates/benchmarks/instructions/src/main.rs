//! Does one operation so many times and prints nothing: `cargo xtask bench --instructions` counts what that executes.
//!
//! `instructions ROW SUBJECT OPERATIONS` runs a row, `instructions` alone lists the rows: the name, the subjects, the bar and the goal.
#![expect(clippy::print_stdout, reason = "the list of rows is what the program prints")]

// The rows of the table.
mod rows;
// The left column: the actor that one writes by hand on Tokio.
mod raw;
// The right column: this workspace's servers, started and called as any user does.
mod ours;
// The same column once more: one server by hand and by the macro.
mod clients;

use std::env;
use std::process::ExitCode;

use rows::ROWS;
use tokio::runtime::Builder;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [row, subject, operations] = arguments.as_slice() else {
        list();
        return ExitCode::SUCCESS;
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

fn list() {
    for row in &ROWS {
        let subjects: Vec<&str> = row.subjects().map(|(subject, _)| subject).collect();
        println!("{}\t{}\t{}\t{}", row.name, subjects.join(" "), row.bar, row.goal);
    }
}
