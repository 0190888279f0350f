//! Any text as a part of a key, a subject or the name of a log.

use std::fmt::Write as _;

/// Returns any text as one part of a key, a subject or the name of a log: the hexadecimal digits of its bytes, behind an `n`. Other texts
/// have other parts.
///
/// # Examples
///
/// ```
/// assert_eq!(genserver_cluster::engine::encoded("eggs & milk"), "n656767732026206d696c6b");
/// ```
pub fn encoded(text: &str) -> String {
    let mut part = String::with_capacity(1 + 2 * text.len());
    part.push('n');
    for byte in text.bytes() {
        // A string takes all that is written.
        let _ = write!(part, "{byte:02x}");
    }
    part
}
