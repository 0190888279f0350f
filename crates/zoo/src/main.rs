//! Measures how soon each search finds each bug of the zoo, and how small it makes the failure: `cargo xtask zoo` runs it.

// What is asked for.
mod options;
// How one search does with one bug.
mod measure;
// What is printed.
mod table;

use std::io::{Write as _, stdout};
use std::process::ExitCode;

use zoo::BUGS;

use measure::{SEARCHES, measured};
use options::Options;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            // Nobody to tell if this fails.
            let _ = writeln!(std::io::stderr(), "{message}");
            return ExitCode::FAILURE;
        }
    };
    // Each failing run panics, and its message is read from what the check returns.
    std::panic::set_hook(Box::new(|_| ()));
    let rows = BUGS.iter().filter(|bug| options.names.is_empty() || options.names.iter().any(|name| name == bug.name));
    let mut text = table::head();
    for bug in rows {
        let cells: Vec<_> = SEARCHES.iter().map(|(_, search)| measured(bug, *search, &options)).collect();
        let row = table::row(bug, &cells);
        let _ = write!(std::io::stderr(), "{row}");
        text.push_str(&row);
    }
    match write!(stdout(), "{text}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
