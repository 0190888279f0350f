//! The modules of genserver that are written on nothing but what it exports.

use super::each_line;
use crate::Finding;
use crate::workspace::File;

/// What genserver builds on itself. None of it may know more of the crate than a stranger does.
const MODULES: &[&str] = &["agent", "registry", "supervised", "supervisor", "task"];

/// Where each of them is compiled in a crate of a stranger's.
const COMPILED_IN: &str = "crates/genserver/tests/on_the_public_api.rs";

/// Nothing in them is for the rest of the crate alone, or a stranger could not have written it.
pub(super) fn hides_nothing(file: &File) -> Vec<Finding> {
    if !MODULES.iter().any(|module| belongs_to(file, module)) {
        return Vec::new();
    }
    each_line(file, |line| {
        let advice = "use `pub(super)` inside the module, or export what others need";
        line.contains("pub(crate)")
            .then(|| format!("`pub(crate)` is not allowed in what is built on the public API; {advice}"))
    })
}

/// Each of them is compiled apart.
pub(super) fn is_compiled_apart(files: &[File]) -> Vec<Finding> {
    let compiled = files.iter().find(|file| file.path == COMPILED_IN);
    let is_compiled = |module: &str| {
        let line = format!("mod {module};");
        compiled.is_some_and(|file| file.lines().any(|(_, text)| text.ends_with(&line)))
    };
    let there = MODULES.iter().filter_map(|module| {
        let path = format!("crates/genserver/src/{module}.rs");
        files.iter().find(|file| file.path == path).map(|file| (module, file))
    });
    let missing = there.filter(|(module, _)| !is_compiled(module));
    let finding = |(module, file): (&&str, &File)| {
        Finding::new(
            &file.path,
            1,
            format!("`{module}` is not compiled in {COMPILED_IN}; add `pub mod {module};` there"),
        )
    };
    missing.map(finding).collect()
}

fn belongs_to(file: &File, module: &str) -> bool {
    let Some(path) = file.path.strip_prefix("crates/genserver/src/") else { return false };
    path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    //! A module that hides something, and one that is forgotten.

    use super::super::tests::check;
    use super::*;

    #[test]
    fn what_stands_on_the_public_api_hides_nothing() {
        let expected =
            ["crates/genserver/src/task/body.rs:2: `pub(crate)` is not allowed in what is built on the public API; \
                         use `pub(super)` inside the module, or export what others need"];
        check(hides_nothing, "crates/genserver/src/task/body.rs", "//! A.\npub(crate) fn f() {}\n", &expected);
        check(hides_nothing, "crates/genserver/src/start.rs", "//! A.\npub(crate) fn f() {}\n", &[]);
        check(hides_nothing, "crates/genserver/src/tasks.rs", "//! A.\npub(crate) fn f() {}\n", &[]);
    }

    #[test]
    fn what_stands_on_the_public_api_is_compiled_apart() {
        let module = || File::new("crates/genserver/src/agent.rs", "//! Agents.\n");
        let found: Vec<String> = is_compiled_apart(&[module()]).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            ["crates/genserver/src/agent.rs:1: `agent` is not compiled in \
              crates/genserver/tests/on_the_public_api.rs; add `pub mod agent;` there"]
        );
        let test = File::new(COMPILED_IN, "mod src {\n    pub mod agent;\n}\n");
        assert!(is_compiled_apart(&[module(), test]).is_empty());
    }
}
