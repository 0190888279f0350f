//! What is asked for at the command line.

const HELP: &str = "usage: cargo xtask zoo [--bases N] [--runs N] [names of bugs]";

/// How much is measured.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// Each search is begun from so many bases, which have no seed in common.
    pub(crate) bases: u64,
    /// A bug that is not found in so many runs is not found.
    pub(crate) runs: u64,
    /// Only these bugs, or all if none is named.
    pub(crate) names: Vec<String>,
}

impl Options {
    pub(crate) fn parse(args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { bases: 20, runs: 10_000, names: Vec::new() };
        let mut args = args;
        while let Some(arg) = args.next() {
            let slot = match arg.as_str() {
                "--bases" => &mut options.bases,
                "--runs" => &mut options.runs,
                _ if zoo::BUGS.iter().any(|bug| bug.name == arg) => {
                    options.names.push(arg);
                    continue;
                }
                _ => return Err(format!("there is no option and no bug `{arg}`\n\n{HELP}")),
            };
            let number = args.next().and_then(|text| text.parse().ok()).filter(|number| *number > 0);
            *slot = number.ok_or_else(|| format!("{arg} wants a number\n\n{HELP}"))?;
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    //! What a person may type.

    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn bases_runs_and_names_may_be_given() {
        assert_eq!(parse(""), Ok(Options { bases: 20, runs: 10_000, names: Vec::new() }));
        let options = Options { bases: 3, runs: 7, names: vec!["oversold".to_owned()] };
        assert_eq!(parse("--runs 7 oversold --bases 3"), Ok(options));
    }

    #[test]
    fn another_option_an_unknown_bug_and_a_missing_number_are_refused() {
        for line in ["--seed 1", "lion", "--runs", "--runs many", "--bases 0"] {
            assert!(parse(line).unwrap_err().contains("usage: cargo xtask zoo"));
        }
    }
}
