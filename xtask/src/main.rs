//! The `cargo xtask` binary: hands its arguments to the library and decides the exit code.

#![expect(clippy::print_stderr, reason = "a tool at a terminal says what went wrong")]

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match xtask::run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
