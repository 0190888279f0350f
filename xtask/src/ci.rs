//! `cargo xtask ci`: every gate, cheapest first, with its time; the first that fails ends it.
//!
//! The pipeline runs this and nothing else, so whatever it finds can be found at home. To add a
//! gate, add it to [`gates`] where its cost puts it.

use std::time::Instant;

use crate::bench::instructions;
use crate::cargo::{self, Cargo};
use crate::workspace::{self, Package};
use crate::{Failure, Result, browser, check, clients, cluster, conformance, docs, house, models, nats, test, tidy};

/// Features that choose a runtime: with each of them the tests run, and not only compile.
const RUNTIMES: &[&str] = &["tokio", "smol"];

/// One thing that must hold.
struct Gate {
    /// What it is called in the report.
    name: String,
    /// How to run it alone.
    rerun: String,
    work: Box<dyn Fn() -> Result + Send + Sync>,
}

impl Gate {
    fn verb(name: &str, work: fn(&[String]) -> Result) -> Self {
        let rerun = format!("cargo xtask {name}");
        Self { name: name.to_owned(), rerun, work: Box::new(move || work(&[])) }
    }

    /// The table of instructions. It is what compiles with optimisation.
    fn instructions() -> Self {
        let rerun = "cargo xtask bench --instructions".to_owned();
        Self { name: "instructions".to_owned(), rerun, work: Box::new(instructions::gate) }
    }

    /// The page of the observer. It holds also if there is no browser, and it is skipped.
    fn browser() -> Self {
        let rerun = "cargo xtask browser".to_owned();
        Self { name: "browser".to_owned(), rerun, work: Box::new(browser::run_in_ci) }
    }

    /// What some tests compare with. It holds also if that is not there, and they are skipped.
    fn redis() -> Self {
        let work = || {
            clients::prepare_ci();
            Ok(())
        };
        Self { name: "redis".to_owned(), rerun: "cargo xtask clients".to_owned(), work: Box::new(work) }
    }

    /// The server that the tests of the cluster start. It holds also if that cannot be had, and they are skipped.
    fn nats() -> Self {
        let work = || {
            nats::prepare_ci();
            Ok(())
        };
        Self { name: "nats".to_owned(), rerun: "cargo xtask cluster up".to_owned(), work: Box::new(work) }
    }

    /// Members of a cluster, of which one is killed. Without a server it is skipped, and holds.
    fn cluster(whole: Vec<String>) -> Self {
        let work = move || cluster::run_in_ci(&test::selection_in_ci(&whole));
        let rerun = "cargo xtask cluster --quick".to_owned();
        Self { name: "cluster".to_owned(), rerun, work: Box::new(work) }
    }

    fn cargo(name: impl Into<String>, line: Cargo) -> Self {
        let rerun = line.to_string();
        Self { name: name.into(), rerun, work: Box::new(move || line.run()) }
    }
}

/// Passes every gate, or stops at the first that does not hold.
pub(crate) fn run(args: &[String]) -> Result {
    let once = match args {
        [] => std::env::var_os("CI").is_some(),
        [flag] if flag == "--once" => true,
        _ => {
            return Err(Failure::new(
                "`cargo xtask ci` takes nothing but `--once`, which says that this tree is compiled just once",
            ));
        }
    };
    if once {
        // The compiler spends a third of its time on what only the next compilation or a debugger uses.
        cargo::compile_once();
    }
    let packages = workspace::packages()?;
    let (gates, last) = (gates(&packages), last());
    let total = gates.len() + last.len();
    gates.iter().zip(1..).try_for_each(|(gate, number)| pass(gate, number, total))?;
    pass_at_once(&last, gates.len() + 1, total)?;
    println!("ci: all {total} gates hold");
    Ok(())
}

/// Passes all of them at the same time, and fails with the first that does not hold.
fn pass_at_once(gates: &[Gate], first: usize, total: usize) -> Result {
    std::thread::scope(|scope| {
        let pass = |(gate, number)| scope.spawn(move || pass(gate, number, total));
        let passing: Vec<_> = gates.iter().zip(first..).map(pass).collect();
        let passed = passing.into_iter().map(|it| it.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        passed.collect::<Vec<_>>().into_iter().collect()
    })
}

#[expect(clippy::disallowed_methods, reason = "tells a person how long they waited")]
fn pass(gate: &Gate, number: usize, total: usize) -> Result {
    let started = Instant::now();
    let outcome = (gate.work)();
    let seconds = started.elapsed().as_secs_f64();
    let verdict = if outcome.is_ok() { "ok" } else { "FAILED" };
    println!("ci: [{number:>2}/{total}] {:<64} {verdict:<6} {seconds:>6.1} s", gate.name);
    outcome.map_err(|failure| {
        Failure::new(format!("{failure}\n\nthe gate `{}` failed; rerun it with\n  {}", gate.name, gate.rerun))
    })
}

/// All gates but the last: what reads, then what compiles, then what runs.
fn gates(packages: &[Package]) -> Vec<Gate> {
    let crates: Vec<&Package> = packages.iter().filter(|package| package.is_crate()).collect();
    let mut gates = vec![
        Gate::cargo("fmt", check::fmt()),
        Gate::verb("tidy", tidy::run),
        Gate::verb("conformance", conformance::run),
        Gate::verb("house", house::run),
        Gate::cargo("clippy", check::clippy()),
        Gate::verb("docs", docs::run),
    ];
    gates.extend(crates.iter().filter_map(|package| without_tokio(package)));
    gates.extend(crates.iter().flat_map(|package| checks(package)));
    gates.push(Gate::redis());
    gates.push(Gate::nats());
    let whole: Vec<String> = crates.iter().filter(|package| is_whole(package)).map(|it| it.name.clone()).collect();
    gates.push(Gate::cluster(whole.clone()));
    gates.push(together(whole));
    gates.extend(crates.iter().flat_map(|package| tests(package)));
    gates
}

/// The last gates, each of which compiles with a profile of its own and leaves a processor idle for most of its time.
fn last() -> Vec<Gate> {
    vec![Gate::browser(), Gate::instructions(), Gate::verb("models", models::run)]
}

/// A crate that can do without Tokio does not bring it along either.
fn without_tokio(package: &Package) -> Option<Gate> {
    package.features.contains_key("tokio").then_some(())?;
    let name = &package.name;
    let line = Cargo::line(&format!("tree --package {name} --no-default-features --edges normal --prefix none"));
    let rerun = line.to_string();
    let work = move || {
        let tree = line.read()?;
        let brought = tree.lines().any(|line| line.starts_with("tokio v"));
        let advice = "make the dependency that brings it optional, behind the feature `tokio`";
        if brought { Err(Failure::new(format!("tokio is in the tree; {advice}"))) } else { Ok(()) }
    };
    Some(Gate { name: format!("{name} without tokio"), rerun, work: Box::new(work) })
}

/// The crate alone, compiled with each feature that is not tested alone.
fn checks(package: &Package) -> Vec<Gate> {
    if package.name == "benchmarks" {
        return vec![check_gate(package, "")];
    }
    // A feature that is the whole default is tried with it.
    let is_tried = |feature: &str| default_features(package) == [feature] || is_tested_alone(package, feature);
    let alone = |feature: &&str| !is_tried(feature);
    single_features(package).filter(alone).map(|feature| check_gate(package, &only(feature))).collect()
}

/// All crates with all features, but those that are tested alone with all of theirs.
fn together(whole: Vec<String>) -> Gate {
    let work = move || test::run_in_ci(&whole);
    Gate { name: "test".to_owned(), rerun: "cargo xtask test".to_owned(), work: Box::new(work) }
}

/// Whether its tests are all there is to run, and it has no feature that is off unless somebody turns it on.
fn is_whole(package: &Package) -> bool {
    let default = default_features(package);
    let has_all = package.features.keys().all(|it| it == "default" || default.contains(it));
    has_all && !package.has_example && package.name != "benchmarks"
}

/// The crate that all others stand on.
const CORE: &str = "genserver";

/// The crate alone. Its tests run as it comes if they do not run with those of all others, and those of the core in any case: most
/// programs have it with no more. With each further runtime they run, too. The rest is compiled here, and tested once a week.
fn tests(package: &Package) -> Vec<Gate> {
    if package.name == "benchmarks" {
        return Vec::new();
    }
    let is_tested = is_whole(package) || package.name == CORE;
    let mut gates = vec![if is_tested { test_gate(package, "") } else { check_gate(package, "") }];
    if package.has_lib && is_whole(package) {
        let name = &package.name;
        let line = test::doctests(&format!("--package {name} --all-features"));
        gates.push(Gate::cargo(format!("doctest {name}"), line));
    }
    let default = default_features(package);
    if !default.is_empty() {
        gates.push(check_gate(package, "--no-default-features"));
    }
    let others = single_features(package).filter(|feature| is_tested_alone(package, feature));
    gates.extend(others.map(|feature| test_gate(package, &only(feature))));
    gates
}

/// Runs the tests of each crate alone, as it comes and with nothing, also of those that `ci` only compiles so.
pub(crate) fn test_alone() -> Result {
    for package in workspace::packages()?.iter().filter(|package| package.is_crate() && package.name != "benchmarks") {
        let default = (!default_features(package).is_empty()).then_some("--no-default-features");
        for features in [Some(""), default].into_iter().flatten() {
            (test_gate(package, features).work)()?;
        }
    }
    Ok(())
}

/// A runtime is, unless it is part of the default and so was tested with that.
fn is_tested_alone(package: &Package, feature: &str) -> bool {
    RUNTIMES.contains(&feature) && !default_features(package).iter().any(|default| default == feature)
}

fn test_gate(package: &Package, features: &str) -> Gate {
    let selection = selection(package, features);
    Gate::cargo(format!("test {selection}"), test::tests(&format!("--package {selection}")))
}

fn check_gate(package: &Package, features: &str) -> Gate {
    let selection = selection(package, features);
    Gate::cargo(format!("check {selection}"), Cargo::line(&format!("check --all-targets --package {selection}")))
}

fn selection(package: &Package, features: &str) -> String {
    format!("{} {features}", package.name).trim_end().to_owned()
}

fn only(feature: &str) -> String {
    format!("--no-default-features --features {feature}")
}

/// What is on unless somebody turns it off.
fn default_features(package: &Package) -> &[String] {
    package.features.get("default").map_or(&[], Vec::as_slice)
}

/// The features a user can turn on one by one; one with a leading underscore is our own business.
fn single_features(package: &Package) -> impl Iterator<Item = &str> {
    let names = package.features.keys().map(String::as_str);
    names.filter(|name| *name != "default" && !name.starts_with('_'))
}

#[cfg(test)]
mod tests {
    //! Which gates a crate gets.

    use super::*;

    fn package(name: &str, features: &[(&str, &[&str])]) -> Package {
        let owned = |on: &[&str]| on.iter().map(|&it| it.to_owned()).collect();
        Package {
            name: name.to_owned(),
            manifest: format!("crates/{name}/Cargo.toml"),
            features: features.iter().map(|(name, on)| ((*name).to_owned(), owned(on))).collect(),
            has_lib: true,
            ..Package::default()
        }
    }

    fn names(package: Package) -> Vec<String> {
        gates(&[package]).into_iter().skip(6).map(|gate| gate.name).collect()
    }

    #[test]
    fn a_crate_is_tried_alone_with_every_feature() {
        let features: &[(&str, &[&str])] =
            &[("_hidden", &[]), ("default", &["tokio"]), ("serde", &[]), ("smol", &[]), ("tokio", &[])];
        let expected = [
            "a without tokio",
            "check a --no-default-features --features serde",
            "redis",
            "nats",
            "cluster",
            "test",
            "check a",
            "check a --no-default-features",
            "test a --no-default-features --features smol",
        ];
        assert_eq!(names(package("a", features)), expected);
        let of_the_core = names(package(CORE, features));
        assert!(of_the_core.contains(&"test genserver".to_owned()), "{of_the_core:?}");
    }

    #[test]
    fn a_feature_that_is_the_whole_default_is_not_tried_twice() {
        let features: &[(&str, &[&str])] = &[("default", &["net"]), ("net", &[])];
        assert_eq!(
            names(package("a", features)),
            ["redis", "nats", "cluster", "test", "test a", "doctest a", "check a --no-default-features"]
        );
    }

    #[test]
    fn a_crate_without_further_features_is_whole_as_it_comes() {
        assert!(is_whole(&package("a", &[])));
        assert!(is_whole(&package("a", &[("default", &["net"]), ("net", &[])])));
        assert!(!is_whole(&package("a", &[("default", &["tokio"]), ("smol", &[]), ("tokio", &[])])));
        assert!(!is_whole(&Package { has_example: true, ..package("a", &[]) }), "somebody must run it");
    }

    #[test]
    fn the_benchmarks_are_only_compiled() {
        assert_eq!(
            names(package("benchmarks", &[("erl", &[])])),
            ["check benchmarks", "redis", "nats", "cluster", "test"]
        );
    }

    #[test]
    fn a_failing_gate_says_how_to_run_it_again() {
        let gate = Gate::verb("tidy", |_| Err(Failure::new("a.rs:1: no")));
        let failure = pass_at_once(&[Gate::verb("fmt", |_| Ok(())), gate], 1, 2).expect_err("a gate fails");
        assert_eq!(failure.to_string(), "a.rs:1: no\n\nthe gate `tidy` failed; rerun it with\n  cargo xtask tidy");
    }
}
