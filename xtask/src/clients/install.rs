//! Getting what others have written: the programs of Redis and Tcl, and the source package that Redis's test suite comes with.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::folder;
use crate::{Failure, Result, tree};

/// The version of Redis that everything is compared with: its tests have these names, and its replies are these.
const REDIS: &str = "7.0.15";

/// A program, and the package of Debian that has it.
#[derive(Clone, Copy)]
pub(super) struct Program {
    name: &'static str,
    package: &'static str,
}

pub(super) const TCLSH: Program = Program { name: "tclsh", package: "tcl" };
const DPKG_SOURCE: Program = Program { name: "dpkg-source", package: "dpkg-dev" };

impl Program {
    /// Where it is on the path, after it was installed if it was not there.
    pub(super) fn find(self) -> Result<PathBuf> {
        if let Some(found) = self.on_the_path() {
            return Ok(found);
        }
        let Self { name, package } = self;
        let advice = format!("`{name}` is missing; install the package `{package}`: sudo apt-get install {package}");
        println!("clients: installing {package}, for `{name}`");
        apt_get(&[], &["update", "--quiet=2"], &advice)?;
        apt_get(&[], &["install", "--quiet=2", "--yes", "--no-install-recommends", package], &advice)?;
        self.on_the_path().ok_or_else(|| Failure::new(advice))
    }

    fn on_the_path(self) -> Option<PathBuf> {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join(self.name)).find(|file| file.is_file())
    }
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
    apt_get(&options, &["update", "--quiet=2"], &advice)?;
    apt_get(&options, &["source", "--quiet=2", "redis"], &advice)?;
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

fn apt_get(options: &[String], args: &[&str], advice: &str) -> Result {
    let mut command = Command::new("apt-get");
    command.args(options.iter().flat_map(|option| ["-o", option])).args(args);
    command.env("DEBIAN_FRONTEND", "noninteractive").current_dir(working(options)).stdin(Stdio::null());
    let line = format!("apt-get {}", args.join(" "));
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::new(format!("`{line}` ended with {status}; {advice}"))),
        Err(error) => Err(Failure::new(format!("`{line}` did not start: {error}; {advice}"))),
    }
}

/// A source package is unpacked where apt runs.
fn working(options: &[String]) -> PathBuf {
    if options.is_empty() { ".".into() } else { folder().join("source") }
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
