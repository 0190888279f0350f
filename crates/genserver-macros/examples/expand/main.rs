//! Prints a source file with every `#[genserver::server]` in it replaced by what it stands for: `cargo xtask expand FILE`.
// xtask: compile only

// The macro itself: a crate of macros exports nothing else that could be called.
#[path = "../../src"]
mod source {
    pub(crate) mod server;
}
// How the expansion is printed.
mod print;

use std::error::Error;
use std::io::Write as _;

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("which file? `expand FILE`")?;
    let source = std::fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
    let expanded = print::expanded(&source).map_err(|error| format!("{file}: {error}"))?;
    std::io::stdout().write_all(expanded.as_bytes())?;
    Ok(())
}
