//! The verbs of this workspace: each is one module and one row of [`VERBS`].
//!
//! `cargo xtask` prints them; `cargo xtask ci` is what the pipeline runs, and runs at home too.
//! Everything drives cargo from outside: no crate of the workspace is linked in here, so that the
//! verbs compile in seconds and work while a crate does not.

#![expect(clippy::print_stdout, reason = "a tool at a terminal talks to its user")]

// What the verbs are made of: one command line, one view of the workspace, one copy of it to plant faults in, one kind of
// complaint, one busy machine, programs of others, one of which is a server.
mod cargo;
mod finding;
mod load;
mod nats;
mod program;
mod tool;
mod tree;
mod workspace;

// The verbs, cheapest first.
mod bench;
mod browser;
mod check;
mod ci;
mod clients;
mod cluster;
mod conformance;
mod docs;
mod erlang;
mod expand;
mod fuzz;
mod house;
mod models;
mod mutants;
mod planted;
mod release;
mod sim;
mod soak;
mod test;
mod tidy;
mod watch;
mod weekly;
mod zoo;

pub use finding::{Failure, Finding, Result};

/// One thing `cargo xtask` can do.
#[derive(Debug, Clone, Copy)]
pub struct Verb {
    /// What one types after `cargo xtask`.
    pub name: &'static str,
    /// One line for the list of verbs.
    pub about: &'static str,
    /// Does it; gets the arguments after the verb.
    pub run: fn(&[String]) -> Result,
}

/// Every verb. To add one, write its module and a row here.
pub const VERBS: &[Verb] = &[
    Verb { name: "check", about: "formatting, lints, tidy, conformance", run: check::run },
    Verb {
        name: "test",
        about: "tests, doctests and examples; arguments go to the test runner alone, but for --under-load [times]",
        run: test::run,
    },
    Verb {
        name: "models",
        about: "genserver under the schedules of a model checker; arguments choose models",
        run: models::run,
    },
    Verb {
        name: "mutants",
        about: "small faults in the code, and whether a test fails for each; arguments choose a part, a sample",
        run: mutants::run,
    },
    Verb {
        name: "sim",
        about: "the scenarios of the simulator under many seeds; arguments: --runs N, --base SEED, names of tests; or --existing",
        run: sim::run,
    },
    Verb {
        name: "zoo",
        about: "how soon each search finds each bug of the zoo; arguments: --bases N, --runs N, names of bugs",
        run: zoo::run,
    },
    Verb {
        name: "planted",
        about: "known faults in our own engine, each of which a scenario must find; arguments choose some of them",
        run: planted::run,
    },
    Verb {
        name: "fuzz",
        about: "bytes that a fuzzer makes up, for all that reads bytes; arguments: names of targets, seconds",
        run: fuzz::run,
    },
    Verb { name: "soak", about: "the tests that take long; arguments choose some of them", run: soak::run },
    Verb { name: "docs", about: "the documentation, without a warning; --open shows it", run: docs::run },
    Verb {
        name: "bench",
        about: "the comparison with other libraries; --instructions counts instructions, --observer what it costs to look",
        run: bench::run,
    },
    Verb {
        name: "erlang",
        about: "the same scenarios on a real Erlang and here; arguments choose scenarios",
        run: erlang::run,
    },
    Verb {
        name: "clients",
        about: "Redis's own tests and clients against kv serve; installs them; arguments choose a part",
        run: clients::run,
    },
    Verb {
        name: "cluster",
        about: "`up`: three servers of NATS, until Ctrl-C; --quick, --kill N, --cut N: members that are killed and cut off",
        run: cluster::run,
    },
    Verb {
        name: "browser",
        about: "the observer's page in Chromium, which it installs; --screenshots makes its pictures; arguments choose tests",
        run: browser::run,
    },
    Verb {
        name: "expand",
        about: "a source file with each `#[genserver::server]` written out, as one would do it by hand",
        run: expand::run,
    },
    Verb { name: "conformance", about: "docs/conformance.md against the tests it names", run: conformance::run },
    Verb { name: "tidy", about: "the rules of docs/STYLE.md that a machine can see", run: tidy::run },
    Verb {
        name: "house",
        about: "figures of the structure, with their limits: cycles, modules, comments",
        run: house::run,
    },
    Verb {
        name: "watch",
        about: "a test program, with an end when it makes no progress: cargo's runner",
        run: watch::run,
    },
    Verb {
        name: "weekly",
        about: "what is too slow for every change; arguments choose parts: licences, advisories, soak, fuzz, sim, planted, clients, erlang, mutants",
        run: weekly::run,
    },
    Verb { name: "release", about: "whether a release could be made, and what is undecided", run: release::run },
    Verb { name: "ci", about: "every gate, cheapest first, until one fails", run: ci::run },
];

/// Runs the verb named by the first argument, or prints the verbs when there is none.
///
/// # Errors
///
/// When the verb is unknown, or with what the verb found wrong.
pub fn run(args: &[String]) -> Result {
    let Some((name, rest)) = args.split_first() else {
        println!("{}", usage());
        return Ok(());
    };
    match VERBS.iter().find(|verb| verb.name == name) {
        Some(verb) => (verb.run)(rest),
        None => Err(Failure::new(format!("there is no verb `{name}`\n\n{}", usage()))),
    }
}

/// The list of verbs, a line each.
fn usage() -> String {
    let rows = VERBS.iter().map(|verb| format!("\n  {:<12} {}", verb.name, verb.about));
    format!("usage: cargo xtask <verb> [arguments]\n{}", rows.collect::<String>())
}

#[cfg(test)]
mod tests {
    //! Facts about the table of verbs.

    use super::*;

    #[test]
    fn the_usage_names_every_verb() {
        let usage = usage();
        assert!(VERBS.iter().all(|verb| usage.contains(verb.about)));
    }

    #[test]
    fn an_unknown_verb_is_answered_with_the_list() {
        let failure = run(&["chekc".to_owned()]).expect_err("no such verb");
        assert!(failure.to_string().starts_with("there is no verb `chekc`"));
        assert!(failure.to_string().contains("check "));
    }
}
