//! The arguments of `cargo xtask mutants`.

use super::part::{PARTS, Part};
use crate::{Failure, Result};

pub(super) const HELP: &str = "\
cargo xtask mutants [PART]           plants faults in this part: process, supervisor, genevent or streams; without one, in all
                    --shard K/N      tests every N-th mutant only, from the K-th on, counted from 0
                    --changed        tests only mutants in lines that differ from main";

/// What was asked for.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) parts: Vec<&'static Part>,
    /// Which of several equal samples.
    pub(super) shard: Option<String>,
    /// Only what differs from `main`.
    pub(super) changed: bool,
}

impl Options {
    pub(super) fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self { parts: Vec::new(), shard: None, changed: false };
        let mut args = args.iter().map(String::as_str);
        while let Some(arg) = args.next() {
            match arg {
                "--changed" => options.changed = true,
                "--shard" => options.shard = Some(shard(args.next().unwrap_or_default())?),
                name => options.parts.push(Part::named(name).ok_or_else(|| unknown(name))?),
            }
        }
        if options.parts.is_empty() {
            options.parts = PARTS.iter().collect();
        }
        Ok(options)
    }
}

fn shard(text: &str) -> Result<String> {
    let numbers = text.split_once('/').and_then(|(k, n)| Some((k.parse::<u32>().ok()?, n.parse::<u32>().ok()?)));
    match numbers {
        Some((k, n)) if k < n => Ok(text.to_owned()),
        _ => Err(Failure::new(format!("`--shard {text}` is not a sample; write it like `--shard 0/8`\n\n{HELP}"))),
    }
}

fn unknown(arg: &str) -> Failure {
    Failure::new(format!("`{arg}` is neither a part nor an option\n\n{HELP}"))
}

#[cfg(test)]
mod tests {
    //! Command lines, and what they ask for.

    use super::*;

    fn parse(line: &str) -> Result<Options> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[track_caller]
    fn check(line: &str, parts: &[&str], shard: Option<&str>, changed: bool) {
        let options = parse(line).expect("it is understood");
        assert_eq!(options.parts.iter().map(|part| part.name).collect::<Vec<_>>(), parts);
        assert_eq!((options.shard.as_deref(), options.changed), (shard, changed));
    }

    #[test]
    fn without_a_part_all_are_meant() {
        check("", &["process", "supervisor", "genevent", "streams"], None, false);
        check("--changed", &["process", "supervisor", "genevent", "streams"], None, true);
        check("supervisor --shard 3/8", &["supervisor"], Some("3/8"), false);
    }

    #[test]
    fn what_is_not_understood_is_answered_with_the_help() {
        for line in ["superviser", "--shard", "--shard 8/8", "--shard 1", "--shard a/b"] {
            let failure = parse(line).expect_err("it is not understood").to_string();
            assert!(failure.ends_with(HELP), "{failure}");
        }
    }
}
