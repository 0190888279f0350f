//! Splitting an inline request into arguments: at white space, with quotes as in Redis.

/// Splits a line, and calls `argument` with where each argument begins and ends. Escapes are undone in the line itself, where
/// what they stand for is never longer. `None` if quotes are not balanced.
///
/// Between double quotes, `\n`, `\r`, `\t`, `\b` and `\a` are control characters, `\x` with two hexadecimal digits is any byte, and
/// a backslash before another byte is that byte. Between single quotes, only `\'` is special.
pub(super) fn split(line: &mut [u8], mut argument: impl FnMut(usize, usize)) -> Option<()> {
    let mut at = 0;
    loop {
        while line.get(at).copied().is_some_and(is_blank) {
            at += 1;
        }
        if at == line.len() {
            return Some(());
        }
        let start = at;
        // What is written never overtakes what is read.
        let mut write = at;
        while let Some(byte) = line.get(at).copied() {
            at += 1;
            match byte {
                quote @ (b'"' | b'\'') => {
                    (at, write) = unquote(line, quote, at, write)?;
                    // Behind the closing quote is a blank, or nothing.
                    if line.get(at).is_some_and(|byte| !is_blank(*byte)) {
                        return None;
                    }
                    break;
                }
                blank if is_blank(blank) => break,
                byte => {
                    line[write] = byte;
                    write += 1;
                }
            }
        }
        argument(start, write);
    }
}

/// Undoes the quotes of a text that begins at `at`. Returns where it ends, and where what it stands for ends.
fn unquote(line: &mut [u8], quote: u8, mut at: usize, mut write: usize) -> Option<(usize, usize)> {
    loop {
        let (byte, length) = match line.get(at..)? {
            [byte, ..] if *byte == quote => return Some((at + 1, write)),
            [b'\\', b'\'', ..] if quote == b'\'' => (b'\'', 2),
            [b'\\', b'x', high, low, ..] if quote == b'"' && high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                (digit(*high) << 4 | digit(*low), 4)
            }
            [b'\\', escaped, ..] if quote == b'"' => (control(*escaped), 2),
            [byte, ..] => (*byte, 1),
            [] => return None,
        };
        line[write] = byte;
        at += length;
        write += 1;
    }
}

fn control(escaped: u8) -> u8 {
    match escaped {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'a' => 7,
        other => other,
    }
}

fn digit(letter: u8) -> u8 {
    match letter {
        b'0'..=b'9' => letter - b'0',
        letter => (letter | 32) - b'a' + 10,
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, 9..=13 | 32)
}

#[cfg(test)]
mod tests {
    //! What Redis makes of the same lines.

    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<&[&[u8]]>) {
        let mut line = line.as_bytes().to_vec();
        let mut places = Vec::new();
        let split = split(&mut line, |start, end| places.push((start, end)));
        let arguments: Vec<_> = places.iter().map(|(start, end)| &line[*start..*end]).collect();
        assert_eq!(split.map(|()| &arguments[..]), expected);
    }

    #[test]
    fn arguments_are_split_at_white_space() {
        check("", Some(&[]));
        check(" \t\r", Some(&[]));
        check("  PING \t a\r", Some(&[b"PING", b"a"]));
    }

    #[test]
    fn quotes_hold_an_argument_together() {
        check(r#"HSET "soy milk" '' """#, Some(&[b"HSET", b"soy milk", b"", b""]));
        check(r#""\n\r\t\b\a\"\\\q\x41\xzz""#, Some(&[b"\n\r\t\x08\x07\"\\qAxzz"]));
        check(r"'it\'s \n'", Some(&[br"it's \n"]));
        check(r#"b"a c" d"#, Some(&[b"ba c", b"d"]));
    }

    #[test]
    fn quotes_that_are_not_balanced_are_refused() {
        for line in [r#"set """test-key""" test-value"#, r#""a"#, "'a", r#""a"b"#, r#""\""#, r#""\x4"#] {
            check(line, None);
        }
    }
}
