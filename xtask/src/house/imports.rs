//! Which file of a crate imports which, and the largest cycle of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::workspace::File;

/// What ends the part of a file that is looked at: its tests may name everything.
const TESTS: &str = "mod tests {";

/// The files of the largest cycle of imports: a file alone is a cycle of one.
pub(super) fn largest_cycle(files: &[&File]) -> Vec<String> {
    let graph = Graph::of(files);
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        graph.arrows.keys().map(|from| (from.as_str(), graph.reached_from(from))).collect();
    let cycle_of = |file: &str| -> Vec<String> {
        let others = reached[file].iter().filter(|other| reached[**other].contains(file));
        let mut cycle: Vec<String> = others.map(|other| (*other).to_owned()).collect();
        if cycle.is_empty() {
            cycle.push(file.to_owned());
        }
        cycle
    };
    // The first of those that are as long.
    graph.arrows.keys().rev().map(|file| cycle_of(file)).max_by_key(Vec::len).unwrap_or_default()
}

/// The arrows from file to file.
struct Graph {
    arrows: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    fn of(files: &[&File]) -> Self {
        let files: Vec<&&File> = files.iter().filter(|file| !file.path.contains("/tests/")).collect();
        let modules: BTreeMap<Vec<&str>, &str> =
            files.iter().map(|file| (module(&file.path), file.path.as_str())).collect();
        let exports = files.iter().find(|file| file.path.ends_with("/src/lib.rs")).map(|root| exports(&root.text));
        let exports = exports.unwrap_or_default();
        let mut arrows = BTreeMap::new();
        for file in files.iter().filter(|file| !file.path.ends_with("/src/lib.rs")) {
            let own = module(&file.path);
            let named = paths(&file.text, &own).into_iter().filter_map(|path| {
                let path = exports.get(path.first()?.as_str()).cloned().unwrap_or(path);
                // The longest part of the path that is a module with a file of its own.
                let steps: Vec<&str> = path.iter().map(String::as_str).collect();
                (1..=steps.len()).rev().find_map(|length| modules.get(&steps[..length]).copied())
            });
            let named = named.filter(|other| *other != file.path).map(str::to_owned).collect();
            arrows.insert(file.path.clone(), named);
        }
        Self { arrows }
    }

    /// Every file that an arrow, or several after one another, lead to.
    fn reached_from(&self, from: &str) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut next: Vec<&str> = vec![from];
        while let Some(file) = next.pop() {
            for other in self.arrows.get(file).into_iter().flatten() {
                if reached.insert(other.as_str()) {
                    next.push(other);
                }
            }
        }
        reached
    }
}

/// The module that a file is: `process`, `mail` of `crates/genserver/src/process/mail.rs`.
fn module(path: &str) -> Vec<&str> {
    let (_, inside) = path.split_once("/src/").unwrap_or(("", path));
    inside.trim_end_matches(".rs").split('/').collect()
}

/// What the root exports, and where that lies.
fn exports(root: &str) -> BTreeMap<String, Vec<String>> {
    let statements =
        root.split(';').filter_map(|statement| statement.split_once("pub use ").map(|(_, path)| path.trim()));
    let mut exports = BTreeMap::new();
    for path in statements.flat_map(leaves) {
        if let Some((name, _)) = path.split_last().filter(|(_, before)| !before.is_empty()) {
            let (path, name) = match name.split_once(" as ") {
                Some((last, alias)) => ([&path[..path.len() - 1], &[last.to_owned()]].concat(), alias.to_owned()),
                None => (path.clone(), name.clone()),
            };
            exports.insert(name, path);
        }
    }
    exports
}

/// Every path from the crate's root that a file names, whether it begins with `crate` or with `super`.
fn paths(text: &str, own: &[&str]) -> Vec<Vec<String>> {
    let end = text.find(TESTS).unwrap_or(text.len());
    let code: String =
        text[..end].lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| [line, "\n"]).collect();
    let mut all = children(&code, own);
    for (root, climbs) in [("crate::", None), ("super::", Some(1))] {
        for (at, _) in code.match_indices(root) {
            let is_longer = code[..at].ends_with(|c: char| c.is_alphanumeric() || "_:$".contains(c));
            // A visibility says who may look, and looks at nobody.
            if is_longer || code[..at].ends_with("pub(in ") {
                continue;
            }
            let mut rest = &code[at + root.len()..];
            let mut climbed = climbs.unwrap_or(own.len());
            while let (Some(_), Some(further)) = (climbs, rest.strip_prefix("super::")) {
                climbed += 1;
                rest = further;
            }
            let base = own.len().checked_sub(climbed).map(|kept| own[..kept].iter().map(|step| (*step).to_owned()));
            let Some(base) = base.map(Iterator::collect::<Vec<String>>) else { continue };
            let end = end_of_path(rest);
            all.extend(leaves(&rest[..end]).into_iter().map(|path| [base.clone(), path].concat()));
        }
    }
    all
}

/// The paths into modules that the file declares itself, which are named without `crate` or `super`.
fn children(code: &str, own: &[&str]) -> Vec<Vec<String>> {
    let declared = code.lines().filter_map(|line| {
        let line = line.trim_start().trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ");
        line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';')
    });
    let is_named = |module: &str| {
        let path = format!("{module}::");
        code.match_indices(&path)
            .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || "_:$".contains(c)))
    };
    let named = declared.filter(|module| is_named(module));
    named.map(|module| own.iter().copied().chain([module]).map(str::to_owned).collect()).collect()
}

/// Where a path ends that the text begins with, a group in braces included.
fn end_of_path(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' if depth > 0 || text[..at].ends_with("::") || at == 0 => depth += 1,
            '}' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ if depth > 0 || c.is_alphanumeric() || c == '_' || c == ':' => {}
            _ => return at,
        }
    }
    text.len()
}

/// The single paths of one that may end in a group: `a::{b, c::D}` is `a::b` and `a::c::D`.
fn leaves(path: &str) -> Vec<Vec<String>> {
    let path = path.trim();
    let Some((before, group)) = path.split_once('{') else {
        return vec![path.split("::").map(|step| step.trim().to_owned()).filter(|step| step != "self").collect()];
    };
    let base: Vec<String> =
        before.trim_end_matches("::").split("::").filter(|step| !step.is_empty()).map(str::to_owned).collect();
    let group = group.strip_suffix('}').unwrap_or(group);
    let (mut depth, mut from, mut parts) = (0_usize, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&group[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&group[from..]);
    let parts = parts.into_iter().filter(|part| !part.trim().is_empty());
    parts.flat_map(leaves).map(|path| [base.clone(), path].concat()).collect()
}

#[cfg(test)]
mod tests {
    //! Small crates whose arrows are known.

    use super::*;

    #[track_caller]
    fn check(files: &[(&str, &str)], expected: &[&str]) {
        let files: Vec<File> =
            files.iter().map(|(path, text)| File::new(format!("crates/a/src/{path}"), *text)).collect();
        let found = largest_cycle(&files.iter().collect::<Vec<&File>>());
        let expected: Vec<String> = expected.iter().map(|path| format!("crates/a/src/{path}")).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn two_files_that_name_each_other_are_a_cycle() {
        check(
            &[("b.rs", "use crate::c::C;"), ("c.rs", "use crate::b::B;"), ("d.rs", "use crate::b;")],
            &["b.rs", "c.rs"],
        );
    }

    #[test]
    fn a_cycle_may_go_by_a_group_by_super_and_by_an_export() {
        check(
            &[
                ("lib.rs", "pub use b::c::{C, Other};\npub use d as e;"),
                ("b/c.rs", "use crate::{\n    d::D,\n    other,\n};"),
                ("b/f.rs", "use super::c::C;\nuse super::super::d::D;"),
                ("d.rs", "use crate::C;\nfn f() -> crate::b::f::F {}"),
            ],
            &["b/c.rs", "b/f.rs", "d.rs"],
        );
    }

    #[test]
    fn a_cycle_may_go_by_a_module_that_the_file_declares() {
        check(
            &[("b.rs", "mod c;\nuse c::C;"), ("b/c.rs", "use super::B;"), ("d.rs", "use crate::b;")],
            &["b.rs", "b/c.rs"],
        );
    }

    #[test]
    fn a_visibility_imports_nothing() {
        check(&[("b.rs", "use crate::b::c::C;"), ("b/c.rs", "pub(in crate::b) struct C;")], &["b.rs"]);
    }

    #[test]
    fn what_tests_and_comments_name_does_not_count() {
        check(
            &[("b.rs", "use crate::c::C;"), ("c.rs", "// crate::b\nmod tests {\n    use crate::b::B;\n}")],
            &["b.rs"],
        );
    }
}
