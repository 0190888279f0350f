//! The command line of the comparison.

use std::env;
use std::path::PathBuf;

/// What `--help` prints.
pub const HELP: &str = "\
Runs the same scenarios and drawn scripts on OTP and on these crates, and compares what each process saw.

  WORDS          only the scenarios whose names contain them, and no drawn scripts
  --scripts N    how many scripts are drawn (default: 2000)
  --first N      the seed of the first (default: 1)
  --show         prints what OTP does in each scenario, too
  --record       writes what OTP does into crates/otp-comparison/record";

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What the name of a scenario has to contain.
    pub words: Option<String>,
    /// How many scripts are drawn.
    pub scripts: u64,
    /// The seed of the first.
    pub first: u64,
    /// Whether every trace is printed.
    pub shows: bool,
    /// Whether the record is written anew.
    pub records: bool,
}

impl Options {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    ///
    /// Says which argument is wrong, or gives the help that was asked for.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut words: Vec<String> = Vec::new();
        let mut options = Self { words: None, scripts: 2000, first: 1, shows: false, records: false };
        while let Some(argument) = arguments.next() {
            let mut number = || {
                let value = arguments.next().unwrap_or_default();
                value.parse().map_err(|error| format!("{argument} wants a number, not `{value}`: {error}"))
            };
            match argument.as_str() {
                "--scripts" => options.scripts = number()?,
                "--first" => options.first = number()?,
                "--show" => options.shows = true,
                "--record" => options.records = true,
                "--help" | "-h" => return Err(HELP.to_owned()),
                unknown if unknown.starts_with('-') => return Err(format!("unknown argument {unknown}\n\n{HELP}")),
                _ => words.push(argument),
            }
        }
        options.words = (!words.is_empty()).then(|| words.join(" "));
        if options.words.is_some() {
            options.scripts = 0;
        }
        Ok(options)
    }
}

/// A folder of this run for what Erlang compiles and reads: beside the folder that this program was built into.
pub fn scratch() -> PathBuf {
    let program = env::current_exe().unwrap_or_default();
    let folder = format!("erlang-{}", std::process::id());
    program.ancestors().nth(2).map_or_else(|| PathBuf::from(&folder), |target| target.join(&folder))
}

#[cfg(test)]
mod tests {
    //! How the arguments are read.

    use super::*;

    #[test]
    fn words_choose_scenarios_and_leave_the_drawn_scripts_out() {
        let options = Options::parse(["a", "call"].map(str::to_owned).into_iter()).expect("they are arguments");
        assert_eq!((options.words.as_deref(), options.scripts), (Some("a call"), 0));
    }

    #[test]
    fn what_is_not_an_argument_is_refused() {
        let refused = |argument: &str| Options::parse(std::iter::once(argument.to_owned())).expect_err("it is none");
        assert!(refused("--scrpts").starts_with("unknown argument --scrpts"));
        assert_eq!(refused("--scripts"), "--scripts wants a number, not ``: cannot parse integer from empty string");
    }
}
