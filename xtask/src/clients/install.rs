//! Getting what others have written: the programs of Redis and Tcl, and the source package that Redis's test suite comes with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::folder;
use crate::program::{self, Program};
use crate::{Failure, Result, tree};

/// The version of Redis that ours is compared with: its tests have these names, and its replies are these.
const REDIS: &str = "7.0.15";

pub(super) const REDIS_CLI: Program = Program { name: "redis-cli", package: "redis-tools" };
pub(super) const REDIS_BENCHMARK: Program = Program { name: "redis-benchmark", package: "redis-tools" };
pub(super) const NODE: Program = Program { name: "node", package: "nodejs" };
const NPM: Program = Program { name: "npm", package: "npm" };
const PYTHON: Program = Program { name: "python3", package: "python3-venv" };
/// The server by another name, in a package that starts no service: it is the program that it is called as.
const REDIS_CHECK: Program = Program { name: "redis-check-rdb", package: "redis-tools" };
pub(super) const TCLSH: Program = Program { name: "tclsh", package: "tcl" };
const DPKG_SOURCE: Program = Program { name: "dpkg-source", package: "dpkg-dev" };

/// The program `redis-server`, by its own name or by the other.
pub(super) fn redis_server() -> Result<PathBuf> {
    Program { name: "redis-server", ..REDIS_CHECK }.on_the_path().map_or_else(|| REDIS_CHECK.find(), Ok)
}

/// All that the tests of `kv-server` need to compare with Redis.
pub(super) fn redis() -> Result {
    redis_server().and_then(|_| REDIS_CLI.find()).and_then(|_| REDIS_BENCHMARK.find()).map(|_| ())
}

/// Whether all of that is there.
pub(super) fn has_redis() -> bool {
    let server = [REDIS_CHECK, Program { name: "redis-server", ..REDIS_CHECK }];
    let is_there = |program: &Program| program.on_the_path().is_some();
    server.iter().any(is_there) && [REDIS_CLI, REDIS_BENCHMARK].iter().all(is_there)
}

/// A Python of our own, with these packages.
pub(super) fn python(packages: &[&str]) -> Result<PathBuf> {
    let home = folder().join("python");
    let python = home.join("bin/python");
    once(&home, packages, || {
        let advice = "install Python with `venv` and `pip`; Debian has it as the package python3-venv";
        program::run(Command::new(PYTHON.find()?).args(["-m", "venv", "--clear"]).arg(&home), advice)?;
        program::run(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(packages), advice)
    })?;
    Ok(python)
}

/// A folder in which Node finds these packages.
pub(super) fn node_modules(packages: &[&str]) -> Result<PathBuf> {
    let home = folder().join("node");
    once(&home, packages, || {
        let advice = "install Node.js with `npm`; Debian has them as the packages nodejs and npm";
        let mut install = Command::new(NPM.find()?);
        install.args(["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]).arg(&home);
        program::run(install.args(packages), advice)
    })?;
    Ok(home)
}

/// Installs packages into a folder, unless it has these already.
fn once(home: &Path, packages: &[&str], install: impl FnOnce() -> Result) -> Result {
    let installed = home.join("installed.txt");
    let wanted = packages.join("\n");
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    println!("clients: installing {}", packages.join(" "));
    install()?;
    tree::write(&installed, &wanted)
}

/// The folder of Redis's sources, with its test suite. They are those of Debian's source package `redis`, unpacked once.
///
/// The system's list of sources has only binary packages in it, as a rule. So this has a list of its own, of the same places, and leaves
/// the system's alone.
pub(super) fn redis_sources() -> Result<PathBuf> {
    let home = folder().join("source");
    let unpacked = home.join(format!("redis-{REDIS}"));
    if unpacked.join("tests/test_helper.tcl").is_file() {
        return Ok(unpacked);
    }
    DPKG_SOURCE.find()?;
    println!("clients: getting the source package of Redis {REDIS}");
    let advice = format!("unpack the sources of Redis {REDIS} as {}", unpacked.display());
    let sources = home.join("sources.list");
    tree::write(&sources, &source_list(&targets(&advice)?))?;
    let lists = home.join("lists");
    // apt makes no folders.
    tree::write(&lists.join("partial/.keep"), "")?;
    let options = [
        format!("Dir::Etc::SourceList={}", sources.display()),
        "Dir::Etc::SourceParts=-".to_owned(),
        format!("Dir::State::Lists={}", lists.display()),
    ];
    for args in [&["update", "--quiet=2"][..], &["source", "--quiet=2", "redis"]] {
        let mut apt_get = Command::new("apt-get");
        apt_get.args(options.iter().flat_map(|option| ["-o", option])).args(args);
        // A source package is unpacked where apt runs.
        program::run(apt_get.current_dir(&home), &advice)?;
    }
    if unpacked.join("tests/test_helper.tcl").is_file() {
        return Ok(unpacked);
    }
    Err(Failure::new(format!("the source package `redis` of this system is not of version {REDIS}; {advice}")))
}

/// What apt reads of the system's own distribution, as lines of a list of sources.
fn targets(advice: &str) -> Result<String> {
    let format = "$(CREATED_BY) $(ORIGIN) deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)";
    let output = Command::new("apt-get").args(["indextargets", "--format", format]).output();
    let output = output.map_err(|error| Failure::new(format!("`apt-get` did not start: {error}; {advice}")))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The places of the distribution's packages; those of others have no sources of Redis.
fn source_list(targets: &str) -> String {
    let package = |line: &str| {
        let places = ["Debian", "Ubuntu"].iter().find_map(|it| line.strip_prefix(&format!("Packages {it} ")));
        places.map(|place| format!("{place}\n"))
    };
    let mut lines: Vec<String> = targets.lines().filter_map(package).collect();
    lines.sort();
    lines.dedup();
    lines.concat()
}

/// Says who may do what with a file.
pub(super) fn change_mode(file: &Path, mode: &str) -> Result {
    program::run(Command::new("chmod").arg(mode).arg(file), "change its mode by hand")
}

#[cfg(test)]
mod tests {
    //! What is read of the system.

    use super::*;

    #[test]
    fn sources_are_looked_for_where_the_packages_of_the_distribution_are() {
        let targets = "DEP-11 Debian deb-src mirror stable main\nPackages Debian deb-src mirror stable main\n\
                       Packages Debian deb-src mirror stable main\nPackages Others deb-src other stable main\n";
        assert_eq!(source_list(targets), "deb-src mirror stable main\n");
    }
}
