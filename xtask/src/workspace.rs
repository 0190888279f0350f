//! The workspace as the verbs see it: where it is, its packages, and its text files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cargo::Cargo;
use crate::{Failure, Result};

/// The folder of the root manifest.
pub(crate) fn root() -> PathBuf {
    // Cargo says it to what it runs; a binary started by hand knows where it was compiled.
    let xtask = std::env::var("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").to_owned());
    PathBuf::from(xtask).parent().expect("xtask lies inside the workspace").to_owned()
}

/// The folder that cargo builds into.
pub(crate) fn target() -> PathBuf {
    root().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// One member of the workspace, as far as the verbs care.
#[derive(Debug, Clone, Default)]
pub(crate) struct Package {
    /// Its name in the manifest.
    pub(crate) name: String,
    /// Its manifest, relative to the root.
    pub(crate) manifest: String,
    /// Its features and what each turns on.
    pub(crate) features: BTreeMap<String, Vec<String>>,
    /// Whether it has a library, which is where doctests live.
    pub(crate) has_lib: bool,
    /// Whether it has an example that is to be run.
    pub(crate) has_example: bool,
    /// Every package it names in any kind of dependency, also those of others.
    pub(crate) dependencies: Vec<String>,
}

impl Package {
    /// Whether it lies in `crates/`, and not within one that does.
    pub(crate) fn is_crate(&self) -> bool {
        self.manifest.strip_prefix("crates/").is_some_and(|path| path.split('/').count() == 2)
    }
}

/// An example with this line is compiled only: it serves, or waits for a person.
pub(crate) const COMPILE_ONLY: &str = "// xtask: compile only";

/// The members of the workspace, from `cargo metadata`.
pub(crate) fn packages() -> Result<Vec<Package>> {
    Ok(list(&metadata()?["packages"]).iter().map(package).collect())
}

/// All that `cargo metadata` says of the members.
pub(crate) fn metadata() -> Result<Value> {
    let text = Cargo::line("metadata --format-version 1 --no-deps").read()?;
    serde_json::from_str(&text).map_err(|error| Failure::new(format!("cargo metadata is not JSON: {error}")))
}

fn package(json: &Value) -> Package {
    let manifest = Path::new(text(&json["manifest_path"]));
    let features = json["features"].as_object().into_iter().flatten();
    let has = |kind: &str| list(&json["targets"]).iter().any(|it| texts(&it["kind"]).contains(&kind.into()));
    Package {
        name: text(&json["name"]).to_owned(),
        manifest: relative(manifest),
        features: features.map(|(name, on)| (name.clone(), texts(on))).collect(),
        has_lib: has("lib") || has("proc-macro"),
        has_example: list(&json["targets"]).iter().any(is_run_example),
        dependencies: list(&json["dependencies"]).iter().map(|it| text(&it["name"]).to_owned()).collect(),
    }
}

/// Whether a target is an example that ends by itself.
fn is_run_example(target: &Value) -> bool {
    let is_example = texts(&target["kind"]).contains(&"example".to_owned());
    is_example && !is_compiled_only(Path::new(text(&target["src_path"])))
}

/// Whether an example says that it serves, or waits for a person.
pub(crate) fn is_compiled_only(example: &Path) -> bool {
    let source = std::fs::read_to_string(example).unwrap_or_default();
    source.lines().any(|line| line.trim() == COMPILE_ONLY)
}

/// The elements of an array; none if it is not an array.
pub(crate) fn list(json: &Value) -> &[Value] {
    json.as_array().map_or(&[], Vec::as_slice)
}

/// A string; empty if it is not a string.
pub(crate) fn text(json: &Value) -> &str {
    json.as_str().unwrap_or_default()
}

/// The strings of an array.
pub(crate) fn texts(json: &Value) -> Vec<String> {
    list(json).iter().map(|it| text(it).to_owned()).collect()
}

/// A text file of the workspace.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// Relative to the root, with `/`.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

impl File {
    /// A file of this path and text.
    pub(crate) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// Whether its name ends in `.extension`.
    pub(crate) fn is(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|it| it == extension)
    }

    /// Its lines, counted from one.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

/// Every text file of the workspace, sorted by path.
///
/// Found by walking, not by asking git, so that a file is held to the rules before it is added.
pub(crate) fn files() -> Result<Vec<File>> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|error| unreadable(&folder, &error))?;
        for entry in entries {
            let path = entry.map_err(|error| unreadable(&folder, &error))?.path();
            if path.is_dir() {
                folders.extend(is_ours(&path).then_some(path));
            } else if path.file_name() != Some(".git".as_ref()) {
                // In a second work tree `.git` is a file, and says where the first one lies.
                found.extend(read(&path)?);
            }
        }
    }
    found.sort_by(|a: &File, b: &File| a.path.cmp(&b.path));
    Ok(found)
}

/// Whether a folder holds what people write: not what cargo builds, nor what git and editors keep.
fn is_ours(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let hidden = name.starts_with('.') && ![".cargo", ".ci", ".config", ".github"].contains(&&*name);
    !hidden && name != "target"
}

/// The file at `path`, unless it is not text.
fn read(path: &Path) -> Result<Option<File>> {
    let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    let text = String::from_utf8(bytes).ok();
    Ok(text.map(|text| File::new(relative(path), text)))
}

/// A path of the workspace, relative to its root and with `/`.
pub(crate) fn relative(path: &Path) -> String {
    let path = path.strip_prefix(root()).unwrap_or(path);
    path.to_string_lossy().replace('\\', "/")
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    //! Facts about this very workspace.

    use super::*;

    #[test]
    fn the_workspace_holds_this_file_and_this_package() {
        let here = files().unwrap().into_iter().find(|file| file.path == "xtask/src/workspace.rs");
        assert!(here.is_some_and(|file| file.is("rs") && file.lines().count() > 100));
        let xtask = packages().unwrap().into_iter().find(|package| package.name == "xtask");
        let xtask = xtask.expect("xtask is a member");
        assert!(xtask.has_lib && !xtask.is_crate());
        assert_eq!(xtask.dependencies, ["serde_json"]);
    }
}
