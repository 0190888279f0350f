//! The rule about the examples on pages: a rendered page shows them without scrolling.

use crate::Finding;
use crate::workspace::File;

/// So many columns of code fit beside the list of a rendered page.
const WIDEST_EXAMPLE: usize = 92;

/// Whose pages are read by others: the crates that a release publishes.
const PUBLISHED: &[&str] = &[
    "crates/genserver/src/",
    "crates/genevent/src/",
    "crates/kv-core/src/",
    "crates/kv-server/src/",
    "crates/kv-cli/src/",
];

/// The visible lines of Rust in doc comments are no wider than the column in which they are shown.
pub(super) fn fit_their_column(file: &File) -> Vec<Finding> {
    if !file.is("rs") || !PUBLISHED.iter().any(|folder| file.path.starts_with(folder)) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    // Whether the lines that come are code, and that code is Rust.
    let mut block = None;
    for (number, text) in file.lines() {
        let Some(line) = of_a_page(text) else {
            block = None;
            continue;
        };
        if let Some(language) = line.trim_start().strip_prefix("```") {
            block = if block.is_some() { None } else { Some(is_rust(language)) };
        } else if block == Some(true) && !is_hidden(line) && line.chars().count() > WIDEST_EXAMPLE {
            let width = line.chars().count();
            let message = format!(
                "{width} columns scroll in the rendered page, {WIDEST_EXAMPLE} fit; break the line or name a part of it"
            );
            findings.push(Finding::new(&file.path, number, message));
        }
    }
    findings
}

/// What a line of a doc comment says.
pub(super) fn of_a_page(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let said = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"))?;
    Some(said.strip_prefix(' ').unwrap_or(said))
}

/// Whether a block with these words after its fence is Rust to rustdoc.
fn is_rust(words: &str) -> bool {
    words.split(',').map(str::trim).all(|word| {
        ["", "rust", "compile_fail", "no_run", "should_panic", "ignore"].contains(&word)
            || word.starts_with("edition")
            // The code of a compiler's error, as in `compile_fail,E0382`.
            || word.strip_prefix('E').is_some_and(|code| code.parse::<u16>().is_ok())
    })
}

/// Whether rustdoc compiles the line and does not show it.
fn is_hidden(line: &str) -> bool {
    let line = line.trim_start();
    line == "#" || line.starts_with("# ")
}

#[cfg(test)]
mod tests {
    //! Wide lines where they scroll, and where nobody sees them.

    use super::super::tests::check;
    use super::*;

    #[test]
    fn examples_fit_their_column() {
        let wide = "x".repeat(93);
        let expected = [
            "crates/genserver/src/a.rs:2: 93 columns scroll in the rendered page, 92 fit; break the line or name a part of it",
        ];
        for words in ["", "rust", "compile_fail,E0382", "no_run"] {
            check(
                fit_their_column,
                "crates/genserver/src/a.rs",
                &format!("//! ```{words}\n//! {wide}\n//! ```\n"),
                &expected,
            );
        }
        check(
            fit_their_column,
            "crates/genserver/src/a.rs",
            &format!("/// ```\n/// {}\n/// ```\n", "x".repeat(92)),
            &[],
        );
    }

    #[test]
    fn what_is_not_shown_as_rust_may_be_wide() {
        let wide = "x".repeat(120);
        for text in [
            format!("/// ```\n/// # {wide}\n/// ```\n"),
            format!("/// ```text\n/// {wide}\n/// ```\n"),
            format!("/// ```\n/// short\n/// ```\n/// {wide}\n"),
            format!("let code = {wide};\n"),
        ] {
            check(fit_their_column, "crates/genserver/src/a.rs", &text, &[]);
        }
        check(fit_their_column, "crates/genserver/tests/a.rs", &format!("/// ```\n/// {wide}\n/// ```\n"), &[]);
    }

    #[test]
    fn a_block_ends_with_its_comment() {
        let wide = "x".repeat(120);
        let text = format!("/// ```\n/// never closed\nfn a() {{}}\n/// {wide}\n");
        check(fit_their_column, "crates/genserver/src/a.rs", &text, &[]);
    }
}
