//! Rules about Rust files: how they begin, how long they are, and who may name the runtime.

use std::path::Path;

use super::{SPELLS_IT_OUT, each_line, has_word};
use crate::Finding;
use crate::workspace::File;

/// More lines than this are read by nobody in one go.
const LONGEST_FILE: usize = 700;

/// Where the runtime may be named: the seam itself, the places that open sockets or start the
/// world, the client of NATS, the observer, which runs on a thread of its own, the crates that compare, with other runtimes and with OTP, the fuzzer, and the verb that takes it out of tests.
const TOKIO_MAY_STAND_IN: &[&str] = &[
    "crates/genserver/src/runtime/tokio.rs",
    "crates/kv-server/src/net.rs",
    "crates/kv-server/src/net/",
    "crates/genserver-cluster/src/engine/nats/",
    "crates/genserver-observer/src/",
    "crates/genserver-observer/browser/",
    "crates/kv-cli/src/main.rs",
    "crates/benchmarks/",
    "crates/kv-server/fuzz/",
    "crates/otp-comparison/",
    "xtask/src/sim/existing/rewrite.rs",
];

/// The first line says what the file owns; a reader decides by it whether to go on.
///
/// A file under `doc/` is a hidden part of examples, included into the middle of a function: it says so with `// `.
pub(super) fn starts_with_its_purpose(file: &File) -> Vec<Finding> {
    let is_included = file.path.contains("/doc/") && file.text.starts_with("// ");
    if !file.is("rs") || file.text.starts_with("//! ") || is_included {
        return Vec::new();
    }
    let message = "the first line is not `//! ...`; say in it what this file owns";
    vec![Finding::new(&file.path, 1, message)]
}

/// A file is one subject, which can be read in one sitting.
pub(super) fn fits_in_one_sitting(file: &File) -> Vec<Finding> {
    let lines = file.lines().count();
    if !file.is("rs") || lines <= LONGEST_FILE {
        return Vec::new();
    }
    let message =
        format!("{lines} lines are too many here, the most is {LONGEST_FILE}; move one subject to a file of its own");
    vec![Finding::new(&file.path, LONGEST_FILE + 1, message)]
}

/// A file is called as its module is, so that editors show different names for different files.
pub(super) fn is_not_mod_rs(file: &File) -> Vec<Finding> {
    let path = Path::new(&file.path);
    if !path.ends_with("mod.rs") {
        return Vec::new();
    }
    let module = path.parent().map(Path::to_string_lossy).unwrap_or_default();
    let message = format!("`mod.rs` is not allowed here; use `{module}.rs`");
    vec![Finding::new(&file.path, 1, message)]
}

/// Time and tasks go through one seam, or the simulator could not replace them.
pub(super) fn keeps_tokio_at_the_seam(file: &File) -> Vec<Finding> {
    if !file.is("rs") || may_name_tokio(&file.path) {
        return Vec::new();
    }
    // Beside a module of that name a plain `tokio::` is the module.
    let shadowed = file.lines().any(|(_, line)| line.ends_with("mod tokio;"));
    each_line(file, |line| {
        let advice = "use `Runtime` of genserver::runtime, or move the code behind it";
        let named = names_tokio(line) && (!shadowed || line.contains("::tokio::"));
        let named = named && !is_doc_comment(line);
        named.then(|| format!("`tokio::` is not allowed here; {advice}"))
    })
}

fn may_name_tokio(path: &str) -> bool {
    let allowed = TOKIO_MAY_STAND_IN.iter().any(|it| path.starts_with(it));
    let shows_or_tests = path.split('/').any(|folder| ["tests", "tests.rs", "examples", "doc"].contains(&folder));
    allowed || shows_or_tests || path.starts_with(SPELLS_IT_OUT)
}

fn is_doc_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("///") || line.starts_with("//!")
}

/// Whether the line names the crate `tokio`; our own module of that name, `runtime::tokio::`, is
/// another thing.
fn names_tokio(line: &str) -> bool {
    let in_path = line.match_indices("tokio::").any(|(at, _)| is_first_in_path(&line[..at]));
    let imported = ["use tokio", "extern crate tokio"].iter().any(|it| has_word(line, it));
    in_path || imported
}

/// Whether a name after this text is the first of its path: neither the end of a longer name nor
/// inside something of ours.
fn is_first_in_path(before: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    let owner = before.strip_suffix("::").unwrap_or(before);
    !owner.ends_with(part_of_name)
}

#[cfg(test)]
mod tests {
    //! For each rule a bad text and what is said about it.

    use super::super::tests::check;
    use super::*;

    #[test]
    fn a_file_says_what_it_owns() {
        let expected = ["a.rs:1: the first line is not `//! ...`; say in it what this file owns"];
        check(starts_with_its_purpose, "a.rs", "use std::fmt;\n", &expected);
        check(starts_with_its_purpose, "a.rs", "//! Owns it.\n", &[]);
    }

    #[test]
    fn a_file_is_read_in_one_sitting() {
        let expected = ["a.rs:701: 702 lines are too many here, the most is 700; move one subject to a \
                         file of its own"];
        check(fits_in_one_sitting, "a.rs", &"x\n".repeat(702), &expected);
        check(fits_in_one_sitting, "a.rs", &"x\n".repeat(700), &[]);
    }

    #[test]
    fn a_file_is_called_as_its_module() {
        let expected = ["crates/a/src/b/mod.rs:1: `mod.rs` is not allowed here; use `crates/a/src/b.rs`"];
        check(is_not_mod_rs, "crates/a/src/b/mod.rs", "", &expected);
        check(is_not_mod_rs, "crates/a/src/model.rs", "", &[]);
    }

    #[test]
    fn the_runtime_is_named_at_the_seam_only() {
        let advice = "`tokio::` is not allowed here; use `Runtime` of genserver::runtime, or move the \
                      code behind it";
        let expected = [1, 2, 3].map(|line| format!("crates/genserver/src/call.rs:{line}: {advice}"));
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        let bad = "use tokio::time;\nuse tokio as t;\n::tokio::spawn(f);\n";
        check(keeps_tokio_at_the_seam, "crates/genserver/src/call.rs", bad, &expected);
        check(keeps_tokio_at_the_seam, "crates/genserver/src/runtime/tokio.rs", bad, &[]);
        check(keeps_tokio_at_the_seam, "crates/genserver/tests/calls.rs", bad, &[]);
    }

    #[test]
    fn our_module_and_the_docs_may_say_tokio() {
        let good = "use crate::runtime::tokio::Tokio;\n/// #[tokio::main]\nuse tokio_like::x;\n";
        check(keeps_tokio_at_the_seam, "crates/genserver/src/node.rs", good, &[]);
        let module = "pub(crate) mod tokio;\nfn f() { tokio::ambient(); }\n";
        check(keeps_tokio_at_the_seam, "crates/genserver/src/runtime.rs", module, &[]);
    }
}
