//! Where the page of a failing run is written: in the directory that the environment names.
//!
//! Not without being asked: a test that fails leaves no files behind, and a library does not know where those of a build are.

use std::path::{Path, PathBuf};
use std::{env, fs, io, thread};

use super::recipe::Recipe;
use super::trace::Trace;

/// Writes the page, if one is wanted. Returns a line about it, which begins with a line break.
pub(super) fn write(trace: &Trace, message: &str, recipe: &Recipe) -> String {
    let Some(directory) = env::var_os("GENSERVER_SIM_HTML").filter(|directory| !directory.is_empty()) else {
        return String::new();
    };
    match write_to(Path::new(&directory), trace, message, recipe) {
        Ok(path) => format!("\nthe whole run, as a page:\n  {}", path.display()),
        Err(error) => format!("\nthe page of this run could not be written to {}: {error}", directory.display()),
    }
}

fn write_to(directory: &Path, trace: &Trace, message: &str, recipe: &Recipe) -> io::Result<PathBuf> {
    fs::create_dir_all(directory)?;
    // The name of the test, where the harness has given the thread one.
    let test = thread::current().name().unwrap_or("test").replace("::", "-");
    let path = fs::canonicalize(directory)?.join(format!("{test}-{:016x}.html", recipe.seed.0));
    let recipe = recipe.to_string();
    fs::write(&path, trace.page(message, &recipe))?;
    Ok(path)
}
