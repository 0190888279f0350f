//! The `[dependencies]` that pages show to copy: each names the version of this workspace.

use super::examples::of_a_page;
use crate::Finding;
use crate::workspace::File;

/// The versions in the snippets of all pages.
pub(super) fn name_this_version(files: &[File]) -> Vec<Finding> {
    let Some(version) = files.iter().find(|file| file.path == "Cargo.toml").and_then(workspace_version) else {
        return Vec::new();
    };
    let pages = files.iter().filter(|file| file.is("md") || file.is("rs"));
    pages.flat_map(|file| in_page(file, &version)).collect()
}

fn in_page(file: &File, version: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut is_snippet = false;
    for (number, text) in file.lines() {
        let line = if file.is("rs") { of_a_page(text).unwrap_or_default() } else { text };
        if let Some(language) = line.trim_start().strip_prefix("```") {
            is_snippet = language == "toml";
            continue;
        }
        let shown = if is_snippet { ours(line) } else { None };
        if let Some(shown) = shown.filter(|shown| !is_part_of(shown, version)) {
            let message = format!("version {shown} is not that of the workspace; write {version}, or its beginning");
            findings.push(Finding::new(&file.path, number, message));
        }
    }
    findings
}

/// The version that a line of a snippet asks of one of our crates.
fn ours(line: &str) -> Option<&str> {
    let (name, value) = line.split_once('=')?;
    if !["genserver", "genevent", "kv-core", "kv-server"].contains(&name.trim()) {
        return None;
    }
    let value = value.split_once("version").map_or(value, |(_, value)| value);
    value.split('"').nth(1)
}

/// Whether `shown` is `version`, or a beginning of it: `0.1` of `0.1.3`.
fn is_part_of(shown: &str, version: &str) -> bool {
    version.strip_prefix(shown).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// What `[workspace.package]` says.
fn workspace_version(manifest: &File) -> Option<String> {
    let mut lines = manifest.text.lines().skip_while(|line| *line != "[workspace.package]");
    let line = lines.find(|line| line.starts_with("version"))?;
    line.split('"').nth(1).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    //! Snippets of this version and of another.

    use super::*;

    #[track_caller]
    fn check(path: &str, text: &str, expected: &[&str]) {
        let manifest = File::new("Cargo.toml", "[workspace]\n\n[workspace.package]\nversion = \"0.2.0\"\n");
        let found: Vec<String> =
            name_this_version(&[manifest, File::new(path, text)]).iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_snippet_names_the_version_of_the_workspace() {
        let expected = ["a.md:2: version 0.1 is not that of the workspace; write 0.2.0, or its beginning"];
        check("a.md", "```toml\ngenserver = \"0.1\"\n```\n", &expected);
        let expected = ["a.rs:3: version 1 is not that of the workspace; write 0.2.0, or its beginning"];
        check(
            "a.rs",
            "//! ```toml\n//! tokio = \"1\"\n//! kv-core = { features = [], version = \"1\" }\n//! ```\n",
            &expected,
        );
        check("a.md", "```toml\ngenserver = \"0.2\"\ngenevent = { version = \"0.2.0\" }\n```\n", &[]);
    }

    #[test]
    fn other_text_may_name_any_version() {
        check("a.md", "genserver = \"0.1\"\n```text\ngenserver = \"0.1\"\n```\n", &[]);
        check("a.rs", "let genserver = \"0.1\";\n", &[]);
    }
}
