//! `cargo xtask planted`: known faults of an engine, planted in ours one at a time, each of which a scenario must find.
//!
//! It is done in a copy of the workspace under `target`. A fault whose place is not found any more, one that does not compile, and one
//! that its scenario does not find make the verb fail. Where the simulator has to find it by itself, the scenario has to fail with its
//! words.

// The faults.
mod faults;

use std::fs;
use std::path::{Path, PathBuf};

use crate::cargo::Cargo;
use crate::{Failure, Result, tree, workspace};

use faults::{FAULTS, Fault};

/// Plants every fault, or those that are named.
pub(crate) fn run(args: &[String]) -> Result {
    let faults = asked(args)?;
    tree::copy(&root(), &workspace::files()?)?;
    // A scenario that fails anyway would find every fault.
    for fault in &faults {
        if fault.failure_text()?.is_some() {
            return Err(fault.failure("fails without it"));
        }
    }
    let mut missed = Vec::new();
    for fault in &faults {
        let is_found = fault.is_found()?;
        println!("planted: {:<24} {}", fault.name, if is_found { "found" } else { "MISSED" });
        if !is_found {
            missed.push(fault.failure("does not find it").to_string());
        }
    }
    if missed.is_empty() { Ok(()) } else { Err(Failure::new(missed.join("\n"))) }
}

/// Where the copy lies.
fn root() -> PathBuf {
    workspace::target().join("planted/tree")
}

fn asked(args: &[String]) -> Result<Vec<&'static Fault>> {
    if args.is_empty() {
        return Ok(FAULTS.iter().collect());
    }
    let find = |name: &String| {
        let names: Vec<&str> = FAULTS.iter().map(|fault| fault.name).collect();
        let unknown = || Failure::new(format!("there is no fault `{name}`; the faults are {}", names.join(", ")));
        FAULTS.iter().find(|fault| fault.name == name).ok_or_else(unknown)
    };
    args.iter().map(find).collect()
}

impl Fault {
    /// Plants it, runs its scenario, and takes it out again. Returns whether the scenario fails as it has to.
    fn is_found(&self) -> Result<bool> {
        let path = root().join(self.file);
        let sound = read(&path)?;
        tree::write(&path, &self.planted(&sound)?)?;
        let compiles = self.tests("--no-run").works();
        let text = if compiles { self.failure_text() } else { Ok(None) };
        tree::write(&path, &sound)?;
        if !compiles {
            return Err(self.failure("is not compiled with it"));
        }
        Ok(text?.is_some_and(|text| text.contains(self.says)))
    }

    /// The text of its file with the fault in it.
    fn planted(&self, sound: &str) -> Result<String> {
        self.edits.iter().try_fold(sound.to_owned(), |text, (from, to)| {
            if text.matches(from).count() == 1 {
                return Ok(text.replacen(from, to, 1));
            }
            let Self { name, file, .. } = self;
            Err(Failure::new(format!("planted: `{name}` wants this text once in {file}; write its edit anew\n{from}")))
        })
    }

    /// What the scenario says if it fails.
    fn failure_text(&self) -> Result<Option<String>> {
        self.tests(&format!("-- --exact {}", self.scenario)).failure_text()
    }

    fn tests(&self, rest: &str) -> Cargo {
        let manifest = root().join("Cargo.toml");
        let line = format!("test --package {} --all-features --test simulation --manifest-path", self.package);
        let rest: Vec<String> = rest.split_whitespace().map(str::to_owned).collect();
        let line = Cargo::line(&line).args(&[manifest.to_string_lossy().into_owned()]).args(&rest);
        // Its own place, so that it and the workspace do not compile each other's files anew.
        let target = workspace::target().join("planted/build");
        line.env("CARGO_TARGET_DIR", &target.to_string_lossy()).env("RUST_BACKTRACE", "0").watched()
    }

    fn failure(&self, what: &str) -> Failure {
        let Self { name, scenario, package, .. } = self;
        Failure::new(format!("planted: `{name}`: the scenario `{scenario}` of {package} {what}"))
    }
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    //! Each fault still has its place.

    use super::*;

    #[test]
    fn each_fault_can_be_planted_and_names_a_scenario_that_is_there() {
        for fault in FAULTS {
            let sound = read(&workspace::root().join(fault.file)).unwrap();
            assert_ne!(fault.planted(&sound).unwrap(), sound, "{}", fault.name);
            let function = fault.scenario.rsplit("::").next().unwrap();
            let files = workspace::files().unwrap();
            let tests = format!("crates/{}/tests/", fault.package);
            let is_there = |text: &str| text.contains(&format!("fn {function}("));
            assert!(files.iter().any(|file| file.path.starts_with(&tests) && is_there(&file.text)), "{function}");
        }
    }

    #[test]
    fn the_arguments_choose_faults() {
        assert_eq!(asked(&[]).unwrap().len(), FAULTS.len());
        let failure = asked(&["lion".to_owned()]).expect_err("no such fault").to_string();
        assert!(failure.starts_with("there is no fault `lion`; the faults are "), "{failure}");
    }
}
