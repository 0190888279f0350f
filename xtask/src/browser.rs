//! `cargo xtask browser`: the page of the observer in a real browser, its tests and its pictures.

use crate::cargo::Cargo;
use crate::program::{self, Program};
use crate::{Failure, Result};

const CHROMIUM: Program = Program { name: "chromium", package: "chromium" };
const DRIVER: Program = Program { name: "chromedriver", package: "chromium-driver" };

/// Where the pictures of the book are.
const PICTURES: &str = "docs/images";

/// Runs the tests, or those whose names contain the arguments; with `--screenshots` makes the pictures.
pub(crate) fn run(args: &[String]) -> Result {
    CHROMIUM.find()?;
    DRIVER.find()?;
    if args == ["--screenshots"] {
        return Cargo::line(&format!("run --quiet --package observer-browser --example screenshots -- {PICTURES}"))
            .run();
    }
    if let Some(flag) = args.iter().find(|arg| arg.starts_with("--")) {
        return Err(Failure::new(format!("`{flag}` is not an option of `browser`; it takes --screenshots, or names")));
    }
    // Each test has a browser of its own, so there are two at a time.
    Cargo::line("test --package observer-browser --test page --").args(args).args(&ignored()).watched().run()
}

fn ignored() -> [String; 2] {
    ["--ignored", "--test-threads=2"].map(str::to_owned)
}

/// In CI: the tests if there is a browser, or a pipeline that may install one. Says so if they are skipped.
pub(crate) fn run_in_ci() -> Result {
    let is_there = [CHROMIUM, DRIVER].iter().all(|program| program.on_the_path().is_some());
    if is_there || program::is_pipeline() {
        return run(&[]);
    }
    println!("ci: skipped: the tests of the observer's page: there is no chromium with its chromedriver");
    Ok(())
}

#[cfg(test)]
mod tests {
    //! What it does not take.

    use super::*;

    #[test]
    fn an_unknown_option_is_answered_with_those_there_are() {
        let is_there = [CHROMIUM, DRIVER].iter().all(|program| program.on_the_path().is_some());
        // Without them, it would install them first.
        if is_there {
            let failure = run(&["--screenshot".to_owned()]).expect_err("no such option").to_string();
            assert!(failure.ends_with("it takes --screenshots, or names"), "{failure}");
        }
    }
}
