//! `cargo xtask release`: whether a release could be made of this tree, and what has to be decided before.
//!
//! It publishes nothing. The packages are made without being compiled, so it takes a second, and needs no network.

// What each manifest says, and lacks.
mod manifest;
// The comparison of the public API with that of the last release.
mod semver;

use serde_json::Value;

use crate::cargo::Cargo;
use crate::workspace::{self, File};
use crate::{Failure, Finding, Result};
use manifest::Manifest;

/// The crates that others are to use, each after those that it stands on: the order in which they are published.
const PUBLISHED: &[&str] = &[
    "genserver-macros",
    "genserver",
    "genevent",
    "genserver-cluster",
    "genserver-observer",
    "kv-core",
    "kv-cluster",
    "kv-server",
    "kv-cli",
];

/// What each package holds, whatever else is in it.
const PACKED: &[&str] = &["Cargo.toml", "README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"];

/// Checks everything, then says what is undecided. Fails if a release cannot be made, for whichever of the two reasons.
pub(crate) fn run(args: &[String]) -> Result {
    if !args.is_empty() {
        return Err(Failure::new("`cargo xtask release` takes no arguments: it looks at every published crate"));
    }
    let manifests = manifests(&workspace::metadata()?)?;
    let mut findings: Vec<Finding> = manifests.iter().flat_map(Manifest::lacks).collect();
    for manifest in &manifests {
        findings.extend(unpacked(manifest, &package("--list", &[manifest.name.as_str()]).read()?));
        let path = format!("crates/{}/CHANGELOG.md", manifest.name);
        let text = read(&path)?;
        findings.extend(changelog(&File::new(path, text), &manifest.version));
    }
    Failure::from_findings("release", &findings)?;

    package("--no-verify --exclude-lockfile", PUBLISHED).run()?;
    semver::compare(PUBLISHED)?;

    let undecided = undecided(&manifests);
    if undecided.is_empty() {
        println!("release: {} can be published, in this order: {}", manifests[0].version, PUBLISHED.join(", "));
        return Ok(());
    }
    Err(Failure::new(format!("release: nothing is wrong, but first decide:\n{}", undecided.join("\n"))))
}

/// Makes packages of these crates. What is not committed yet is packed too, so that one can look before a commit.
fn package(flags: &str, names: &[&str]) -> Cargo {
    let names: Vec<String> = names.iter().map(|name| format!("--package {name}")).collect();
    Cargo::line(&format!("package --offline --allow-dirty {flags} {}", names.join(" ")))
}

fn manifests(metadata: &Value) -> Result<Vec<Manifest>> {
    let packages = metadata["packages"].as_array().map_or(&[][..], Vec::as_slice);
    let find = |name: &&str| {
        let json = packages.iter().find(|json| json["name"] == **name);
        json.map(Manifest::new).ok_or_else(|| Failure::new(format!("there is no crate `{name}` to publish")))
    };
    PUBLISHED.iter().map(find).collect()
}

fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(workspace::root().join(path))
        .map_err(|error| Failure::new(format!("cannot read {path}: {error}")))
}

/// What the package of a crate leaves out, by the list of what it holds.
fn unpacked(manifest: &Manifest, list: &str) -> Vec<Finding> {
    let missing = PACKED.iter().filter(|file| !list.lines().any(|line| line == **file));
    let message = |file: &&str| format!("`{file}` is not in the package; put it, or a link to it, beside the manifest");
    missing.map(|file| Finding::new(&manifest.path, 1, message(file))).collect()
}

/// A release that tells nobody what has changed.
fn changelog(file: &File, version: &str) -> Vec<Finding> {
    let is_told = |line: &str| line.starts_with("## Unreleased") || line.starts_with(&format!("## {version}"));
    if file.lines().any(|(_, line)| is_told(line)) {
        return Vec::new();
    }
    let message = format!("there is no section `## Unreleased` or `## {version}`; say what has changed for a user");
    vec![Finding::new(&file.path, 1, message)]
}

/// What no machine can decide, a line each.
fn undecided(manifests: &[Manifest]) -> Vec<String> {
    let names = |wanted: fn(&Manifest) -> bool| {
        let names: Vec<&str> = manifests.iter().filter(|it| wanted(it)).map(|it| it.name.as_str()).collect();
        names.join(", ")
    };
    let held = names(|it| !it.is_publishable);
    let homeless = names(|it| it.repository.is_none());
    let held = (!held.is_empty()).then(|| {
        format!("- whether these names are free on the registry, and who owns them; then set `publish`: {held}")
    });
    let homeless = (!homeless.is_empty())
        .then(|| format!("- where the code is to be found; then set `repository` in the root manifest: {homeless}"));
    held.into_iter().chain(homeless).collect()
}

#[cfg(test)]
mod tests {
    //! Facts about packages, and about this workspace.

    use super::*;

    #[test]
    fn every_published_crate_is_here_and_lacks_nothing() {
        let manifests = manifests(&workspace::metadata().unwrap()).unwrap();
        let findings: Vec<Finding> = manifests.iter().flat_map(Manifest::lacks).collect();
        assert_eq!(findings, [], "see `cargo xtask release`");
    }

    #[test]
    fn a_package_without_its_licence_is_found() {
        let manifest = Manifest::default();
        let whole = "CHANGELOG.md\nCargo.toml\nLICENSE-APACHE\nLICENSE-MIT\nREADME.md\nsrc/lib.rs\n";
        assert_eq!(unpacked(&manifest, whole), []);
        let found = unpacked(&manifest, &whole.replace("LICENSE-MIT\n", ""));
        assert!(found.len() == 1 && found[0].message.starts_with("`LICENSE-MIT` is not in the package"), "{found:?}");
    }

    #[test]
    fn a_changelog_has_the_version_or_what_is_not_released() {
        let told = |text: &str| changelog(&File::new("CHANGELOG.md", text), "1.2.3").is_empty();
        assert!(told("# C\n\n## Unreleased\n") && told("# C\n\n## 1.2.3, in May\n"));
        assert!(!told("# C\n\n## 1.2.2\n"));
    }

    #[test]
    fn what_is_undecided_names_the_crates() {
        let mut decided = Manifest::default();
        decided.is_publishable = true;
        decided.repository = Some("r".to_owned());
        assert!(undecided(std::slice::from_ref(&decided)).is_empty());
        let mut held = decided.clone();
        held.name = "a".to_owned();
        held.is_publishable = false;
        assert!(undecided(&[held, decided])[0].ends_with("then set `publish`: a"));
    }
}
