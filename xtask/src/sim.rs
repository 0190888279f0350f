//! `cargo xtask sim`: the scenarios of the simulator under more seeds than the tests have time for.
//!
//! They are the test programs called `simulation`, compiled with optimisation.

use crate::cargo::Cargo;
use crate::{Failure, Result};

const HELP: &str = "usage: cargo xtask sim [--runs N] [--base SEED] [names of tests]";

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

/// Runs every scenario, or those whose names contain the arguments.
pub(crate) fn run(args: &[String]) -> Result {
    let options = Options::parse(args)?;
    let packages = "--package genserver --package genevent --package kv-core --all-features --test simulation";
    let line = Cargo::line(&format!("test --release {packages} --")).args(&options.names);
    let line = line.env("GENSERVER_SIM_RUNS", &options.runs.to_string());
    line.env("GENSERVER_SIM_BASE", &options.base.to_string()).watched().run()
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
    fn another_option_and_a_missing_number_are_refused() {
        for line in ["--seed 1", "--runs", "--runs many"] {
            assert!(parse(line).unwrap_err().to_string().contains("usage: cargo xtask sim"));
        }
    }
}
