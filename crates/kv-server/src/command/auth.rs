//! `AUTH`: the line that logs in. It is not a [`Command`](crate::Command), so that no command has a password in it.

use std::borrow::Cow;

use super::words::{self, Line};
use super::{AnswerShape, CommandUsage};

/// How it is explained, after the commands.
pub(crate) const AUTH: CommandUsage = CommandUsage {
    word: "AUTH",
    arguments: &["password"],
    optional: &[],
    about: "logs in, if the server has a password; before that it takes nothing else but QUIT",
    answer: AnswerShape::Line,
};

/// A line begins with `AUTH`, and not exactly one word follows, or its quotes do not fit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NoPasswordGiven;

impl NoPasswordGiven {
    /// What is wrong and what to do.
    pub(crate) const TEXT: &str = "AUTH has one argument, the password; write it in quotes if there are blanks in it";
}

/// The password of a line, if it begins with `AUTH`. Quotes count in every case, because the guide has no such line.
pub(crate) fn read(line: &[u8]) -> Option<Result<Cow<'_, [u8]>, NoPasswordGiven>> {
    let mut words = Line::new(line).quoted();
    let is_auth = words.next()?.is_ok_and(|word| *word == *AUTH.word.as_bytes());
    is_auth.then(|| match (words.next(), words.next()) {
        (Some(Ok(password)), None) => Ok(password),
        _ => Err(NoPasswordGiven),
    })
}

/// Writes the line of a password, with its end.
pub(crate) fn write(password: &[u8], out: &mut Vec<u8>) {
    out.extend(AUTH.word.as_bytes());
    out.push(b' ');
    words::quote(password, out);
    out.extend(b"\r\n");
}

#[cfg(test)]
mod tests {
    //! Which lines log in.

    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<Result<&str, NoPasswordGiven>>) {
        let read = read(line.as_bytes());
        assert_eq!(read, expected.map(|expected| expected.map(|word| word.as_bytes().into())), "{line:?}");
    }

    #[test]
    fn a_line_that_begins_with_auth_has_one_password() {
        check("AUTH sesame", Some(Ok("sesame")));
        check(r#"AUTH "open sesame""#, Some(Ok("open sesame")));
        check(r#""AUTH"  "sesame" "#, Some(Ok("sesame")));
        check(r#"AUTH """#, Some(Ok("")));
        for line in ["AUTH", "AUTH open sesame", r#"AUTH "open sesame"#, "AUTH default sesame"] {
            check(line, Some(Err(NoPasswordGiven)));
        }
        for line in ["", "auth sesame", "AUTHOR sesame", "PUT a AUTH 1", r#"""#] {
            check(line, None);
        }
    }

    #[test]
    fn every_password_has_a_line() {
        let all: Vec<u8> = (0..=255).collect();
        for password in [&b"sesame"[..], b"\"", b"", b" a\r\nb ", "\u{A0}\u{3000}".as_bytes(), &all] {
            let mut line = Vec::new();
            write(password, &mut line);
            let line = line.strip_suffix(b"\r\n").unwrap();
            assert!(!line.contains(&b'\n'));
            assert_eq!(read(line).unwrap().unwrap(), password);
        }
    }
}
