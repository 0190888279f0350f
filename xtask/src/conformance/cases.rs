//! The cases that source files carry: test functions by name or marker, doctests by a hidden line.

use super::{id_of_name, is_id};
use crate::Finding;
use crate::workspace::File;

/// The marker of further cases above a test.
const ALSO: &str = "// also:";

/// Something in a source file that carries cases.
#[derive(Debug)]
pub(super) struct Case {
    /// What it is.
    pub(super) kind: Kind,
    /// The file.
    pub(super) path: String,
    /// The line.
    pub(super) line: usize,
    /// The ids of the cases; none for a test that carries no case.
    pub(super) ids: Vec<String>,
}

/// What can carry cases.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A function. That it is run as a test is the compiler's business: an unused one is dead code.
    Test(String),
    /// A `compile_fail` doctest.
    Doctest,
}

/// All functions and `compile_fail` doctests of a file.
pub(super) fn cases(file: &File, findings: &mut Vec<Finding>) -> Vec<Case> {
    let mut cases = tests(file, findings);
    cases.extend(doctests(file));
    cases
}

fn tests(file: &File, findings: &mut Vec<Finding>) -> Vec<Case> {
    let mut tests = Vec::new();
    let mut also: Option<Marker> = None;
    // The blank line after the last one settles a marker at the end of the file.
    for (line, text) in file.lines().chain([(0, "")]) {
        let text = text.trim();
        if let Some(ids) = text.strip_prefix(ALSO) {
            also.get_or_insert(Marker { line, ids: Vec::new() }).add(ids);
        } else if let Some(name) = function(text) {
            let marker = also.take();
            findings.extend(marker.iter().flat_map(|marker| marker.malformed(file)));
            tests.push(test(file, line, name, marker));
        } else if text.is_empty() {
            findings.extend(also.take().map(|marker| marker.stray(file)));
        }
    }
    tests
}

fn test(file: &File, line: usize, name: &str, marker: Option<Marker>) -> Case {
    let also = marker.into_iter().flat_map(|marker| marker.ids);
    let also = also.filter(|id| is_id(id));
    let ids = id_of_name(name).into_iter().chain(also).collect();
    Case { kind: Kind::Test(name.to_owned()), path: file.path.clone(), line, ids }
}

/// The name of the function that a line begins to declare.
fn function(text: &str) -> Option<&str> {
    let (before, after) = text.split_once("fn ")?;
    let only_keywords = before.split_whitespace().all(|word| word == "async" || word.starts_with("pub"));
    let end = after.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    (only_keywords && end > 0).then(|| &after[..end])
}

/// The lines `// also: ...` above one function.
struct Marker {
    line: usize,
    ids: Vec<String>,
}

impl Marker {
    fn add(&mut self, ids: &str) {
        self.ids.extend(ids.split(',').map(|id| id.trim().to_owned()));
    }

    fn malformed(&self, file: &File) -> Vec<Finding> {
        let wrong = self.ids.iter().filter(|id| !is_id(id));
        let message = |id| format!("`{id}` is not the id of a case; write it like `GS-045`");
        wrong.map(|id| Finding::new(&file.path, self.line, message(id))).collect()
    }

    fn stray(&self, file: &File) -> Finding {
        let message = "this `// also:` line has no test below it; put it right above the function";
        Finding::new(&file.path, self.line, message)
    }
}

fn doctests(file: &File) -> Vec<Case> {
    let mut doctests = Vec::new();
    // The current code block: whether it must fail to compile.
    let mut block: Option<bool> = None;
    for (line, text) in file.lines() {
        let Some(text) = doc_comment(text) else {
            block = None;
            continue;
        };
        if let Some(language) = text.strip_prefix("```") {
            block = if block.is_some() { None } else { Some(language.contains("compile_fail")) };
        } else if block == Some(true)
            && let Some(ids) = hidden_ids(text)
        {
            doctests.push(Case { kind: Kind::Doctest, path: file.path.clone(), line, ids });
        }
    }
    doctests
}

/// The text of a line of documentation.
fn doc_comment(line: &str) -> Option<&str> {
    let line = line.trim();
    let text = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"))?;
    Some(text.trim())
}

/// The ids of a line `# // GS-049, GS-050`.
fn hidden_ids(text: &str) -> Option<Vec<String>> {
    let text = text.strip_prefix('#').unwrap_or(text).trim().strip_prefix("//")?;
    let ids: Vec<String> = text.split(',').map(|id| id.trim().to_owned()).collect();
    ids.iter().all(|id| is_id(id)).then_some(ids)
}

#[cfg(test)]
mod tests {
    //! Facts about lines of source.

    use super::function;

    #[test]
    fn a_function_is_found_by_its_declaration() {
        assert_eq!(function("fn a() {"), Some("a"));
        assert_eq!(function("pub(crate) async fn gs_001_b<T>("), Some("gs_001_b"));
        assert_eq!(function("// fn a() {"), None);
        assert_eq!(function("let f: fn (i32) = g;"), None);
        assert_eq!(function("assert_eq!(\"fn a()\", x);"), None);
    }
}
