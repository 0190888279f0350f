//! `cargo xtask cluster --kill 100`, `--cut 20` and `--quick`: a cluster of real programs in which something goes wrong again and
//! again, while clients write and read.
//!
//! They are the ignored tests of `crates/genserver-cluster/tests/machines`, whose page says what is checked. After `--buckets` it is
//! programs of `kv serve --cluster`, and the tests of that name of `crates/kv-cluster`.

use std::process::Command;

use crate::cargo::Cargo;
use crate::program::Program;
use crate::{Failure, Result, test, workspace};

const IP: Program = Program { name: "ip", package: "iproute2" };

/// What may go wrong, and how often.
#[derive(Debug, PartialEq)]
pub(super) enum Trouble {
    /// One server of NATS, and one node is killed.
    Quick,
    /// Three servers. Nodes and servers are killed.
    Kill(u32),
    /// Three machines with a server and a node each. Their cables are pulled.
    Cut(u32),
}

/// Whose programs they are.
#[derive(Debug, PartialEq)]
pub(super) enum Programs {
    /// Members of a cluster, with servers of a test.
    Members,
    /// Programs `kv`, with buckets.
    Buckets,
}

/// What is asked for.
#[derive(Debug, PartialEq)]
pub(super) struct Asked {
    programs: Programs,
    trouble: Trouble,
    /// What goes into the environment.
    settings: Vec<(&'static str, u64)>,
}

/// Reads `--kill 100 --ttl 15 --seed 1`, or that after `--buckets`.
pub(super) fn asked(args: &[String]) -> Option<Asked> {
    let (programs, args) = match args {
        [first, rest @ ..] if first == "--buckets" => (Programs::Buckets, rest),
        _ => (Programs::Members, args),
    };
    let (first, rest) = args.split_first()?;
    let (trouble, mut rest) = match (&**first, rest.split_first()) {
        ("--quick", _) => (Trouble::Quick, rest),
        ("--kill", Some((count, rest))) => (Trouble::Kill(count.parse().ok()?), rest),
        ("--cut", Some((count, rest))) => (Trouble::Cut(count.parse().ok()?), rest),
        _ => return None,
    };
    let mut settings = Vec::new();
    while let [name, value, more @ ..] = rest {
        let name = match &**name {
            // Its own are part of it.
            _ if trouble == Trouble::Quick => return None,
            "--ttl" => "CLUSTER_RUN_TIME_TO_LIVE",
            "--seed" => "CLUSTER_RUN_SEED",
            _ => return None,
        };
        settings.push((name, value.parse().ok()?));
        rest = more;
    }
    rest.is_empty().then_some(Asked { programs, trouble, settings })
}

impl Asked {
    /// Runs it, compiled for these packages and features, or for those that it needs.
    pub(super) fn run(&self, selection: Option<&[String]>) -> Result {
        if matches!(self.trouble, Trouble::Cut(_)) {
            can_cut()?;
        }
        let alone = |package: &str| test::words(&format!("--package {package} --all-features"));
        let selected = |package: &str| selection.map_or_else(|| alone(package), <[String]>::to_vec);
        let mut line = match self.programs {
            // Cargo takes the test of that name of each package that it is told of.
            Programs::Members => Cargo::line("test --test machines").args(&selected("genserver-cluster")),
            Programs::Buckets => {
                Cargo::line("build --bin kv").args(&selected("kv-cli")).run()?;
                let program = workspace::target().join("debug").join("kv");
                let line = Cargo::line("test --test machines").args(&selected("kv-cluster"));
                line.env("KV_PROGRAM", &program.to_string_lossy())
            }
        };
        // A run says something again and again.
        line = line.args(&test::words(&format!("-- --ignored --exact {} --nocapture", self.test()))).watched();
        if let Trouble::Kill(count) | Trouble::Cut(count) = self.trouble {
            line = line.env("CLUSTER_RUN_COUNT", &count.to_string());
        }
        for (name, value) in &self.settings {
            line = line.env(name, &value.to_string());
        }
        line.run()
    }

    /// The test, of which the other package has none.
    fn test(&self) -> &'static str {
        match (&self.programs, &self.trouble) {
            (Programs::Members, Trouble::Quick) => "run::a_killed_node_costs_nothing_that_was_answered",
            (Programs::Members, Trouble::Kill(_)) => "run::nothing_is_lost_and_no_owner_is_another_whatever_is_killed",
            (Programs::Members, Trouble::Cut(_)) => "run::nothing_is_lost_and_no_owner_is_another_whatever_is_cut_off",
            (Programs::Buckets, Trouble::Quick) => "run::a_killed_program_costs_no_put_that_was_answered",
            (Programs::Buckets, Trouble::Kill(_)) => "run::no_put_is_lost_whatever_is_killed",
            (Programs::Buckets, Trouble::Cut(_)) => "run::no_put_is_lost_whatever_is_cut_off",
        }
    }
}

/// Whether this machine can make machines of its own. If not, says what it takes.
fn can_cut() -> Result {
    let advice = "`--cut` needs Linux, root and `ip` of the package iproute2: run it as root, in a container with \
                  `--cap-add NET_ADMIN --cap-add SYS_ADMIN`, or use `--kill`, which needs none of that";
    if !cfg!(target_os = "linux") {
        return Err(Failure::new(format!("this system has no network namespaces; {advice}")));
    }
    let Some(ip) = IP.on_the_path() else {
        return Err(Failure::new(format!("there is no `ip`; {advice}")));
    };
    let tried = format!("gsc{}-t", std::process::id());
    for verb in ["add", "delete"] {
        let output = Command::new(&ip).args(["netns", verb, &tried]).output();
        let output = output.map_err(|error| Failure::new(format!("`ip` did not start: {error}; {advice}")))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(Failure::new(format!("`ip netns {verb}` says: {said}; {advice}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    //! What arguments mean.

    use super::*;

    fn asked_for(line: &str) -> Option<Asked> {
        asked(&test::words(line))
    }

    #[test]
    fn a_run_says_what_goes_wrong_and_how_often() {
        let of = |programs, trouble| Some(Asked { programs, trouble, settings: Vec::new() });
        assert_eq!(asked_for("--quick"), of(Programs::Members, Trouble::Quick));
        assert_eq!(asked_for("--kill 100"), of(Programs::Members, Trouble::Kill(100)));
        assert_eq!(asked_for("--buckets --quick"), of(Programs::Buckets, Trouble::Quick));
        let settings = vec![("CLUSTER_RUN_TIME_TO_LIVE", 6), ("CLUSTER_RUN_SEED", 2)];
        let expected = Asked { programs: Programs::Buckets, trouble: Trouble::Cut(20), settings };
        assert_eq!(asked_for("--buckets --cut 20 --ttl 6 --seed 2"), Some(expected));
    }

    #[test]
    fn anything_else_is_nothing() {
        for line in [
            "",
            "--buckets",
            "--kill",
            "--kill many",
            "--quick 3",
            "--quick --ttl 3",
            "--cut 20 --ttl",
            "--cut 20 --at once",
            "up",
        ] {
            assert_eq!(asked_for(line), None, "{line}");
        }
    }
}
