//! `cargo xtask weekly`: what takes too long for every change, or depends on the world outside of the repository.
//!
//! Unlike `ci` it goes on when a part fails, for a week is long to wait for the next failure. A part that cannot be done on this
//! machine is skipped, and named at the end with what it needs.

use std::time::SystemTime;

use crate::cargo::Cargo;
use crate::program::Program;
use crate::{Failure, Result, VERBS, ci, clients, erlang, fuzz, planted, sim, soak};

/// How many drawn scripts are compared with Erlang: twenty times as many as by default.
const SCRIPTS: u64 = 40_000;

/// How many seconds each target of the fuzzer has.
const FUZZED: &str = "600";

/// How one part went.
#[derive(Debug)]
enum Outcome {
    Held,
    Failed(Failure),
    /// Not done, and what it would take.
    Skipped(String),
}

impl From<Result> for Outcome {
    fn from(result: Result) -> Self {
        result.map_or_else(Self::Failed, |()| Self::Held)
    }
}

/// One thing that is looked at every week.
struct Part {
    name: &'static str,
    work: fn() -> Outcome,
}

/// Every part, quickest first. To add one, write its function and a row here.
const PARTS: &[Part] = &[
    Part { name: "licences", work: licences },
    Part { name: "advisories", work: advisories },
    Part { name: "alone", work: || ci::test_alone().into() },
    Part { name: "soak", work: || soak::run(&[]).into() },
    Part { name: "fuzz", work: || fuzz::run(&[FUZZED.to_owned()]).into() },
    Part { name: "sim", work: many_seeds },
    Part { name: "planted", work: || planted::run(&[]).into() },
    Part { name: "clients", work: others },
    Part { name: "erlang", work: long_comparison },
    Part { name: "mutants", work: mutants },
];

/// Does every part, or those that the arguments name.
pub(crate) fn run(args: &[String]) -> Result {
    let parts = asked(args)?;
    let outcomes: Vec<_> = parts.into_iter().map(|part| (part.name, did(part))).collect();
    println!("{}", summary(&outcomes));
    let failed: Vec<&str> = outcomes.iter().filter(|(_, it)| matches!(it, Outcome::Failed(_))).map(|it| it.0).collect();
    if failed.is_empty() {
        return Ok(());
    }
    let failed = failed.join(" ");
    Err(Failure::new(format!("rerun what failed with\n  cargo xtask weekly {failed}")))
}

fn did(part: &Part) -> Outcome {
    println!("weekly: {} ...", part.name);
    (part.work)()
}

fn asked(args: &[String]) -> Result<Vec<&'static Part>> {
    if args.is_empty() {
        return Ok(PARTS.iter().collect());
    }
    let find = |name: &String| {
        let names: Vec<&str> = PARTS.iter().map(|part| part.name).collect();
        let unknown = || Failure::new(format!("there is no part `{name}`; the parts are {}", names.join(", ")));
        PARTS.iter().find(|part| part.name == name).ok_or_else(unknown)
    };
    args.iter().map(find).collect()
}

/// Seeds that no other week has: those of the day.
#[expect(clippy::disallowed_methods, reason = "the day decides which seeds are tried")]
fn many_seeds() -> Outcome {
    let day = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs() / 86_400);
    sim::run(&["--base".to_owned(), day.to_string()]).into()
}

/// A line for each part.
fn summary(outcomes: &[(&str, Outcome)]) -> String {
    let line = |(name, outcome): &(&str, Outcome)| match outcome {
        Outcome::Held => format!("weekly: {name}: ok"),
        Outcome::Failed(failure) => format!("weekly: {name}: FAILED: {failure}"),
        Outcome::Skipped(why) => format!("weekly: {name}: skipped: {why}"),
    };
    outcomes.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The licences and sources of everything that is linked in: `deny.toml` says which are allowed.
fn licences() -> Outcome {
    denied(|| Cargo::line("deny --all-features check licenses sources").run().into())
}

/// Known faults of dependencies. Their list lies on the network, and without it nothing can be said.
fn advisories() -> Outcome {
    denied(|| {
        if !Cargo::line("deny fetch db").works() {
            return Outcome::Skipped("the list of advisories could not be fetched from the network".to_owned());
        }
        Cargo::line("deny --all-features check --disable-fetch advisories").run().into()
    })
}

/// Does what needs `cargo deny`, if that is there.
fn denied(work: impl FnOnce() -> Outcome) -> Outcome {
    if Cargo::line("deny --version").works() {
        return work();
    }
    Outcome::Skipped("it needs `cargo install --locked cargo-deny`".to_owned())
}

/// What others have written, if it can be had.
fn others() -> Outcome {
    match clients::get() {
        Ok(()) => clients::run(&[]).into(),
        Err(failure) => Outcome::Skipped(failure.to_string()),
    }
}

const ERL: Program = Program { name: "erl", package: "erlang" };

/// Scripts that no week before has drawn.
fn long_comparison() -> Outcome {
    if ERL.on_the_path().is_none() {
        return Outcome::Skipped("it needs Erlang: `erl` on the PATH".to_owned());
    }
    let args = ["--scripts".to_owned(), SCRIPTS.to_string(), "--first".to_owned(), first_script(week()).to_string()];
    erlang::run(&args).into()
}

/// The seed of the first script of a week.
fn first_script(week: u64) -> u64 {
    week * SCRIPTS + 1
}

#[expect(clippy::disallowed_methods, reason = "another week draws other scripts")]
fn week() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs() / (7 * 24 * 60 * 60))
}

/// The verb of that name, once there is one.
fn mutants() -> Outcome {
    match VERBS.iter().find(|verb| verb.name == "mutants") {
        Some(verb) => (verb.run)(&[]).into(),
        None => Outcome::Skipped("there is no verb `mutants`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    //! Which parts run, and what is said of them.

    use super::*;

    #[test]
    fn the_arguments_choose_parts() {
        assert_eq!(asked(&[]).unwrap().len(), PARTS.len());
        let names = |args: &[&str]| {
            let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
            asked(&args).map(|parts| parts.iter().map(|part| part.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["soak"]).unwrap(), ["soak"]);
        let failure = names(&["saok"]).expect_err("no such part").to_string();
        assert!(failure.starts_with("there is no part `saok`; the parts are licences, "), "{failure}");
    }

    #[test]
    fn what_was_skipped_is_said() {
        let outcomes = [
            ("soak", Outcome::Held),
            ("erlang", Outcome::Skipped("it needs Erlang".to_owned())),
            ("licences", Outcome::Failed(Failure::new("`cargo deny` failed"))),
        ];
        let expected = "weekly: soak: ok\nweekly: erlang: skipped: it needs Erlang\n\
                        weekly: licences: FAILED: `cargo deny` failed";
        assert_eq!(summary(&outcomes), expected);
    }

    #[test]
    fn no_two_weeks_draw_the_same_scripts() {
        assert_eq!(first_script(1) + SCRIPTS, first_script(2));
    }
}
