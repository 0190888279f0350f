//! `cargo xtask cluster --kill 100`, `--cut 20` and `--quick`: a cluster of real programs in which something goes wrong again and
//! again, while clients write and read.
//!
//! They are the ignored tests of `crates/genserver-cluster/tests/machines`, whose page says what is checked.

use std::process::Command;

use crate::cargo::Cargo;
use crate::program::Program;
use crate::{Failure, Result, test};

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

/// What is asked for.
#[derive(Debug, PartialEq)]
pub(super) struct Asked {
    trouble: Trouble,
    /// What goes into the environment.
    settings: Vec<(&'static str, u64)>,
}

/// Reads `--kill 100 --ttl 15 --seed 1`.
pub(super) fn asked(args: &[String]) -> Option<Asked> {
    let (first, rest) = args.split_first()?;
    let (trouble, mut rest) = match (&**first, rest.split_first()) {
        ("--quick", _) => return rest.is_empty().then_some(Asked { trouble: Trouble::Quick, settings: Vec::new() }),
        ("--kill", Some((count, rest))) => (Trouble::Kill(count.parse().ok()?), rest),
        ("--cut", Some((count, rest))) => (Trouble::Cut(count.parse().ok()?), rest),
        _ => return None,
    };
    let mut settings = Vec::new();
    while let [name, value, more @ ..] = rest {
        let name = match &**name {
            "--ttl" => "CLUSTER_RUN_TIME_TO_LIVE",
            "--seed" => "CLUSTER_RUN_SEED",
            _ => return None,
        };
        settings.push((name, value.parse().ok()?));
        rest = more;
    }
    rest.is_empty().then_some(Asked { trouble, settings })
}

impl Asked {
    /// Runs it, compiled for these packages and features.
    pub(super) fn run(&self, selection: &[String]) -> Result {
        let (name, count) = match self.trouble {
            Trouble::Quick => ("run::a_killed_node_costs_nothing_that_was_answered", None),
            Trouble::Kill(count) => ("run::nothing_is_lost_and_no_owner_is_another_whatever_is_killed", Some(count)),
            Trouble::Cut(count) => {
                can_cut()?;
                ("run::nothing_is_lost_and_no_owner_is_another_whatever_is_cut_off", Some(count))
            }
        };
        let mut line = Cargo::line("test")
            .args(selection)
            .args(&test::words(&format!("--test machines -- --ignored --exact {name} --nocapture")));
        // A run says something again and again.
        line = line.watched();
        if let Some(count) = count {
            line = line.env("CLUSTER_RUN_COUNT", &count.to_string());
        }
        for (name, value) in &self.settings {
            line = line.env(name, &value.to_string());
        }
        line.run()
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
        assert_eq!(asked_for("--quick"), Some(Asked { trouble: Trouble::Quick, settings: Vec::new() }));
        assert_eq!(asked_for("--kill 100"), Some(Asked { trouble: Trouble::Kill(100), settings: Vec::new() }));
        let settings = vec![("CLUSTER_RUN_TIME_TO_LIVE", 6), ("CLUSTER_RUN_SEED", 2)];
        assert_eq!(asked_for("--cut 20 --ttl 6 --seed 2"), Some(Asked { trouble: Trouble::Cut(20), settings }));
    }

    #[test]
    fn anything_else_is_nothing() {
        for line in ["", "--kill", "--kill many", "--quick 3", "--cut 20 --ttl", "--cut 20 --at once", "up"] {
            assert_eq!(asked_for(line), None, "{line}");
        }
    }
}
