//! `cargo xtask sim`: the scenarios of the simulator under more seeds than the tests have time for.
//!
//! They are the test programs called `simulation`, compiled with optimisation. If no names choose among them, it is also compared
//! whether a recipe is the same run without optimisation. `--existing` does something else: it runs the tests that were written for
//! Tokio under the simulator.

// The tests that were not written for the simulator.
mod existing;

use crate::cargo::Cargo;
use crate::{Failure, Result};

const HELP: &str =
    "usage: cargo xtask sim [--runs N] [--base SEED] [names of tests]\n   or: cargo xtask sim --existing";

/// How many seeds each scenario is run under, unless somebody says: some minutes for all of them.
const RUNS: u64 = 20_000;

/// What a person may ask for.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    runs: u64,
    base: u64,
    names: Vec<String>,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self { runs: RUNS, base: 0, names: Vec::new() };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let slot = match arg.as_str() {
                "--runs" => &mut options.runs,
                "--base" => &mut options.base,
                _ if arg.starts_with('-') => return Err(Failure::new(format!("there is no option `{arg}`\n\n{HELP}"))),
                _ => {
                    options.names.push(arg.clone());
                    continue;
                }
            };
            let number = args.next().and_then(|text| text.parse().ok());
            *slot = number.ok_or_else(|| Failure::new(format!("{arg} wants a number\n\n{HELP}")))?;
        }
        Ok(options)
    }
}

/// The programs that have scenarios.
const PROGRAMS: &str = "--package genserver --package genevent --package kv-core --package genserver-cluster --package kv-cluster --package zoo --all-features --test simulation";

/// Runs every scenario, or those whose names contain the arguments.
pub(crate) fn run(args: &[String]) -> Result {
    if args == ["--existing"] {
        return existing::run();
    }
    let options = Options::parse(args)?;
    let line = Cargo::line(&format!("test --release {PROGRAMS} --")).args(&options.names);
    let line = line.env("GENSERVER_SIM_RUNS", &options.runs.to_string());
    line.env("GENSERVER_SIM_BASE", &options.base.to_string()).watched().run()?;
    if options.names.is_empty() { compare_builds() } else { Ok(()) }
}

/// Compares the digests that the same runs have with optimisation and without.
fn compare_builds() -> Result {
    // The first is built already. Of the second, only the program that prints them is.
    let [with, without] =
        [format!("--release {PROGRAMS}"), "--package genserver --all-features --test simulation".to_owned()];
    let digests = |build: &str| {
        let line = Cargo::line(&format!("test {build} -- --exact digests::prints_them --ignored --nocapture"));
        Ok::<_, Failure>(digests(&line.read()?))
    };
    let (with, without) = (digests(&with)?, digests(&without)?);
    if with.is_empty() || with != without {
        return Err(Failure::new(format!(
            "the same recipes are not the same runs with optimisation and without:\n{with:#?}\n{without:#?}"
        )));
    }
    println!("{} digests are the same with optimisation and without", with.len());
    Ok(())
}

/// The digests among the lines of a test program.
fn digests(printed: &str) -> Vec<String> {
    printed.lines().filter(|line| line.starts_with("digest ")).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    //! What a person may type.

    use super::*;

    fn parse(line: &str) -> Result<Options> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&args)
    }

    #[test]
    fn runs_base_and_names_may_be_given() {
        assert_eq!(parse("").unwrap(), Options { runs: RUNS, base: 0, names: Vec::new() });
        let options = Options { runs: 7, base: 3, names: vec!["store".to_owned()] };
        assert_eq!(parse("--runs 7 store --base 3").unwrap(), options);
    }

    #[test]
    fn digests_are_found_among_what_a_test_program_prints() {
        let printed = "running 1 test\n\ndigest 1f of 3 steps\ndigest 2e of 4 steps\nok\n";
        assert_eq!(digests(printed), ["digest 1f of 3 steps", "digest 2e of 4 steps"]);
    }

    #[test]
    fn another_option_and_a_missing_number_are_refused() {
        for line in ["--seed 1", "--runs", "--runs many"] {
            assert!(parse(line).unwrap_err().to_string().contains("usage: cargo xtask sim"));
        }
    }
}
