//! What a source file names of its own crate: the first step of each path that begins at the crate's root.

/// What ends the part of a file that is held to the rule: its tests may name what is above it.
const TESTS: &str = "mod tests {";

/// The first step below the root of every path in `text` that begins there, with its line. `depth` says how many modules lie
/// between the root and the file: so many times `super` is the root.
pub(super) fn of_the_crate(text: &str, depth: usize) -> Vec<(usize, &str)> {
    let mut names = Vec::new();
    let end = text.find(TESTS).unwrap_or(text.len());
    let climb = "super::".repeat(depth);
    for root in ["crate::", &climb] {
        let starts = text[..end].match_indices(root).map(|(at, _)| at);
        for at in starts.filter(|&at| begins_a_path(&text[..at]) && !is_in_comment(text, at)) {
            let line = text[..at].lines().count().max(1);
            let line = if text[..at].ends_with('\n') { line + 1 } else { line };
            names.extend(steps(&text[at + root.len()..end]).into_iter().map(|name| (line, name)));
        }
    }
    names.sort_unstable();
    names
}

/// Whether what follows this text is the first step of a path, and not a part of a longer word or path, or of a macro's.
fn begins_a_path(before: &str) -> bool {
    !before.ends_with(|c: char| c.is_alphanumeric() || "_:$".contains(c))
}

fn is_in_comment(text: &str, at: usize) -> bool {
    let line = text[..at].rsplit('\n').next().unwrap_or_default();
    line.trim_start().starts_with("//")
}

/// The first step of a path, or of each path of a group in braces.
fn steps(path: &str) -> Vec<&str> {
    let Some(group) = path.strip_prefix('{') else { return Vec::from_iter(word(path)) };
    let mut depth = 0_usize;
    let mut names = Vec::from_iter(word(group));
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.extend(word(&group[at + 1..])),
            _ => {}
        }
    }
    names
}

/// The word that the text begins with, after white space.
fn word(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    (end > 0).then(|| &text[..end])
}

#[cfg(test)]
mod tests {
    //! Texts, and what they name.

    use super::*;

    #[track_caller]
    fn check(text: &str, depth: usize, expected: &[(usize, &str)]) {
        assert_eq!(of_the_crate(text, depth), expected);
    }

    #[test]
    fn a_path_from_the_root_names_its_first_step() {
        check("use crate::a::B;\nfn f() -> crate::c::D {}\n", 1, &[(1, "a"), (2, "c")]);
    }

    #[test]
    fn each_path_of_a_group_names_its_own() {
        check("\nuse crate::{\n    a::{B, C},\n    d,\n};\n", 1, &[(2, "a"), (2, "d")]);
    }

    #[test]
    fn a_path_that_climbs_to_the_root_is_one_from_the_root() {
        check("use super::a::B;\nuse super::super::c::D;\n", 2, &[(2, "c")]);
        check("use super::a::B;\n", 1, &[(1, "a")]);
    }

    #[test]
    fn comments_tests_macros_and_other_crates_do_not_count() {
        let text = "/// [a](crate::a)\n$crate::b; mycrate::c; x::super::d;\npub(crate) fn f() {}\nmod tests {\n    use crate::e;\n";
        check(text, 1, &[]);
    }
}
