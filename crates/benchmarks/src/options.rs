//! The command line, and where results and scratch files go.

use std::env;
use std::path::PathBuf;

/// What `--help` prints.
pub const HELP: &str = "\
Compares actor libraries; every number is a ratio to a hand-written Tokio actor of the same run.

  --server           measures the key-value server over sockets instead: raw is a Tokio line-echo server
  --tail             measures how long the slowest calls and casts take instead, beside the mean
  --instructions     counts instructions instead, and knows other options: try it with --help
  --quick            fewer and shorter rounds, for development
  --only SUBSTRING   only the workloads whose name contains this
  --subjects A,B     only these subjects, and raw, which the others are compared with
  --rounds N         how many interleaved rounds
  --json PATH        where to write the results (default: bench/results.json beside the build)";

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The server over sockets, and nothing else.
    pub server: bool,
    /// The slowest calls and casts, and nothing else.
    pub tail: bool,
    /// Fewer and shorter rounds.
    pub quick: bool,
    /// What a workload's name has to contain.
    pub only: String,
    /// The subjects to measure; none means all.
    pub subjects: Vec<String>,
    /// How many rounds; none means the default.
    rounds: Option<usize>,
    /// Where the results go.
    pub json: PathBuf,
}

impl Options {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    ///
    /// Says which argument is wrong, or gives the help that was asked for.
    pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = arguments;
        let mut options = Self {
            server: false,
            tail: false,
            quick: false,
            only: String::new(),
            subjects: Vec::new(),
            rounds: None,
            json: scratch().join("results.json"),
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} wants a value"));
            match argument.as_str() {
                "--server" => options.server = true,
                "--tail" => options.tail = true,
                "--quick" => options.quick = true,
                "--only" => options.only = value()?,
                "--subjects" => options.subjects = value()?.split(',').map(str::to_owned).collect(),
                "--rounds" => options.rounds = Some(positive(&value()?)?),
                "--json" => options.json = value()?.into(),
                "--help" | "-h" => return Err(HELP.to_owned()),
                _ => return Err(format!("unknown argument {argument}\n\n{HELP}")),
            }
        }
        Ok(options)
    }

    /// How many rounds every workload gets.
    pub fn rounds(&self) -> usize {
        self.rounds.unwrap_or(if self.quick { 5 } else { 15 })
    }

    /// Whether that row of the tables is wanted.
    pub fn wants(&self, workload: &str) -> bool {
        workload.contains(&self.only)
    }

    /// Whether that column of the tables is wanted.
    pub fn compares(&self, subject: &str) -> bool {
        self.subjects.is_empty() || self.subjects.iter().any(|wanted| wanted == subject)
    }
}

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("{text} is not a number of rounds")),
    }
}

/// The folder for results and scratch files: `bench`, beside the folder this program was built into.
pub fn scratch() -> PathBuf {
    let program = env::current_exe().unwrap_or_default();
    program.ancestors().nth(2).map_or_else(|| PathBuf::from("bench"), |target| target.join("bench"))
}
