//! Writing replies: what RESP2 and RESP3 have in common, and what only RESP3 has.

/// The version of the protocol. `HELLO` changes it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Version {
    Two,
    Three,
}

impl Version {
    pub(super) fn number(self) -> i64 {
        match self {
            Self::Two => 2,
            Self::Three => 3,
        }
    }
}

pub(super) const OK: &[u8] = b"+OK\r\n";
pub(super) const ZERO: &[u8] = b":0\r\n";
pub(super) const ONE: &[u8] = b":1\r\n";

/// The longest text of an error. Some contain what a client has sent, or a reason of any length.
const ERROR_MAX: usize = 1000;

/// Writes a line that is a reply by itself. The text has no line end.
pub(super) fn simple(text: &str, out: &mut Vec<u8>) {
    out.push(b'+');
    out.extend(text.as_bytes());
    out.extend(b"\r\n");
}

/// Writes an error. Its first word is a code, which clients know. Line ends become blanks.
pub(super) fn error(text: &str, out: &mut Vec<u8>) {
    out.push(b'-');
    let mut bytes = [0; 4];
    for character in text.chars().take(ERROR_MAX) {
        let character = if matches!(character, '\r' | '\n') { ' ' } else { character };
        out.extend(character.encode_utf8(&mut bytes).as_bytes());
    }
    out.extend(b"\r\n");
}

/// Writes an error with the code that most have.
pub(super) fn err(text: &str, out: &mut Vec<u8>) {
    error(&format!("ERR {text}"), out);
}

pub(super) fn integer(number: i64, out: &mut Vec<u8>) {
    if number < 0 {
        out.extend(b":-");
    } else {
        out.push(b':');
    }
    digits(number.unsigned_abs(), out);
    out.extend(b"\r\n");
}

pub(super) fn count(number: usize, out: &mut Vec<u8>) {
    header(b':', number, out);
}

/// Writes a string of any bytes.
pub(super) fn bulk(text: &[u8], out: &mut Vec<u8>) {
    header(b'$', text.len(), out);
    out.extend(text);
    out.extend(b"\r\n");
}

/// Writes a value, or that there is none.
pub(super) fn nullable(value: Option<&[u8]>, version: Version, out: &mut Vec<u8>) {
    match value {
        Some(value) => bulk(value, out),
        None => null(version, out),
    }
}

pub(super) fn null(version: Version, out: &mut Vec<u8>) {
    out.extend(match version {
        Version::Two => &b"$-1\r\n"[..],
        Version::Three => b"_\r\n",
    });
}

/// Begins an array of so many replies.
pub(super) fn array(replies: usize, out: &mut Vec<u8>) {
    header(b'*', replies, out);
}

/// Begins a map of so many pairs. In RESP2 it is an array.
pub(super) fn map(pairs: usize, version: Version, out: &mut Vec<u8>) {
    match version {
        Version::Two => header(b'*', 2 * pairs, out),
        Version::Three => header(b'%', pairs, out),
    }
}

/// Begins a set. In RESP2 it is an array.
pub(super) fn set(replies: usize, version: Version, out: &mut Vec<u8>) {
    header(if version == Version::Two { b'*' } else { b'~' }, replies, out);
}

/// Begins a message that answers no command. In RESP2 it is an array.
pub(super) fn push(replies: usize, version: Version, out: &mut Vec<u8>) {
    header(if version == Version::Two { b'*' } else { b'>' }, replies, out);
}

/// Writes a text of several lines. RESP3 has a type for it, which names its format.
pub(super) fn verbatim(text: &str, version: Version, out: &mut Vec<u8>) {
    if version == Version::Two {
        return bulk(text.as_bytes(), out);
    }
    header(b'=', text.len() + 4, out);
    out.extend(b"txt:");
    out.extend(text.as_bytes());
    out.extend(b"\r\n");
}

/// The header of a string or of several replies.
pub(super) fn header(kind: u8, length: usize, out: &mut Vec<u8>) {
    out.push(kind);
    digits(length as u64, out);
    out.extend(b"\r\n");
}

fn digits(mut number: u64, out: &mut Vec<u8>) {
    if number < 10 {
        out.push(b'0' + number.to_le_bytes()[0]);
        return;
    }
    let mut digits = [0; 20];
    let mut at = digits.len();
    while number > 0 {
        at -= 1;
        digits[at] = b'0' + (number % 10).to_le_bytes()[0];
        number /= 10;
    }
    out.extend(&digits[at..]);
}

#[cfg(test)]
mod tests {
    //! Each type, in both versions.

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_written_in_full() {
        for number in [0, 7, 10, -1, 12_345, i64::MAX, i64::MIN] {
            assert_eq!(written(|out| integer(number, out)), format!(":{number}\r\n"));
        }
    }

    #[test]
    fn version_2_has_arrays_where_version_3_has_more_types() {
        let both = |write: fn(Version, &mut Vec<u8>)| {
            (written(|out| write(Version::Two, out)), written(|out| write(Version::Three, out)))
        };
        assert_eq!(both(null), ("$-1\r\n".into(), "_\r\n".into()));
        assert_eq!(both(|version, out| map(2, version, out)), ("*4\r\n".into(), "%2\r\n".into()));
        assert_eq!(both(|version, out| set(2, version, out)), ("*2\r\n".into(), "~2\r\n".into()));
        assert_eq!(both(|version, out| push(3, version, out)), ("*3\r\n".into(), ">3\r\n".into()));
        let text = both(|version, out| verbatim("a\n", version, out));
        assert_eq!(text, ("$2\r\na\n\r\n".into(), "=6\r\ntxt:a\n\r\n".into()));
    }

    #[test]
    fn an_error_is_one_line_of_a_bounded_length() {
        assert_eq!(written(|out| err("no\r\nspace", out)), "-ERR no  space\r\n");
        assert_eq!(written(|out| err(&"x".repeat(5000), out)).len(), 1 + ERROR_MAX + 2);
    }
}
