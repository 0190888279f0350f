//! Text that is safe on a terminal.

use std::fmt::Write;

/// An answer made safe for a terminal: control characters, which could move the cursor or ring the bell, and bytes that are
/// not UTF-8 become escapes.
///
/// # Examples
///
/// ```
/// use kv_server::prompt::visible;
///
/// assert_eq!(visible("Grüße\t1".as_bytes()), "Grüße\t1");
/// assert_eq!(visible(b"\x1b[2J \xFF"), "\\x1b[2J \\xff");
/// ```
pub fn visible(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() && !matches!(character, '\t' | '\n') {
                escape(character.encode_utf8(&mut [0; 4]).as_bytes(), &mut text);
            } else {
                text.push(character);
            }
        }
        escape(chunk.invalid(), &mut text);
    }
    text
}

/// Writes each byte as an escape, which counts in quotes.
pub(super) fn escape(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "\\x{byte:02x}");
    }
}

#[cfg(test)]
mod tests {
    //! What a terminal would take for a command to itself.

    use super::*;

    #[test]
    fn no_sequence_reaches_a_terminal_that_it_would_obey() {
        assert_eq!(visible(b"\x1b]0;title\x07"), "\\x1b]0;title\\x07");
        assert_eq!(visible(b"\x1b[31mred\x1b[0m"), "\\x1b[31mred\\x1b[0m");
        assert_eq!(visible(b"\x1bP1$r\x1b\\"), "\\x1bP1$r\\x1b\\");
        // The same in one character each, as some terminals take them.
        assert_eq!(visible("\u{9b}2J\u{9d}0;t\u{9c}".as_bytes()), "\\xc2\\x9b2J\\xc2\\x9d0;t\\xc2\\x9c");
        assert_eq!(visible(b"\x9b2J"), "\\x9b2J");
        assert_eq!(visible(b"a\rb\x08c\0\x7f"), "a\\x0db\\x08c\\x00\\x7f");
    }
}
