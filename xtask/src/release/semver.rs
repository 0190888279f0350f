//! The public API beside that of the last release, by `cargo semver-checks`.

use std::process::Command;

use crate::cargo::Cargo;
use crate::{Failure, Result, workspace};

/// How one gets the tool.
const INSTALL: &str = "cargo install --locked cargo-semver-checks";

/// Compares these crates with the last tag. Says so if there is nothing to compare with.
pub(super) fn compare(names: &[&str]) -> Result {
    let Some(tag) = last_tag(&tags()?) else {
        println!("release: no tag `v...`, so there is no earlier API to compare with");
        return Ok(());
    };
    if !Cargo::line("semver-checks --version").works() {
        return Err(Failure::new(format!("the API was not compared with that of {tag}: run `{INSTALL}` first")));
    }
    line(&tag, names).run()
}

fn line(tag: &str, names: &[&str]) -> Cargo {
    let names: Vec<String> = names.iter().map(|name| format!("--package {name}")).collect();
    Cargo::line(&format!("semver-checks --baseline-rev {tag} {}", names.join(" ")))
}

/// The newest tag of a release, of a list with the newest first.
fn last_tag(tags: &str) -> Option<String> {
    let is_release =
        |tag: &&str| tag.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    tags.lines().find(is_release).map(str::to_owned)
}

fn tags() -> Result<String> {
    let output = Command::new("git").args(["tag", "--sort=-version:refname"]).current_dir(workspace::root()).output();
    let output = output.map_err(|error| Failure::new(format!("`git tag` did not start: {error}")))?;
    if !output.status.success() {
        return Err(Failure::new(format!("`git tag` failed: {}", String::from_utf8_lossy(&output.stderr))));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    //! Which tag it is, and what is run.

    use super::*;

    #[test]
    fn only_the_tag_of_a_release_is_compared_with() {
        assert_eq!(last_tag("v0.2.0\nv0.1.0\n").as_deref(), Some("v0.2.0"));
        assert_eq!(last_tag("version-one\nv0.1.0\n").as_deref(), Some("v0.1.0"));
        assert_eq!(last_tag(""), None);
    }

    #[test]
    fn all_crates_are_compared_at_once() {
        let expected = "cargo semver-checks --baseline-rev v0.1.0 --package a --package b";
        assert_eq!(line("v0.1.0", &["a", "b"]).to_string(), expected);
    }
}
