//! Commands, and the lines that say them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use bytes::Bytes;

// What makes the table of the commands below into an enum, its lines, and their explanations.
mod table;
// What a line's words are.
pub(crate) mod words;
// A line that is a command, before anything of it is kept.
mod sentence;

pub(crate) use sentence::{Sentence, is_from_browser};
pub(crate) use table::AnswerShape;
pub use table::CommandUsage;
use table::commands;

commands! {
    /// What a client can ask for: one line each.
    ///
    /// ```
    /// use kv_server::{Command, UnknownCommand};
    ///
    /// assert_eq!(Command::parse("CREATE shopping\r\n"), Ok(Command::create("shopping")));
    /// assert_eq!(Command::parse("CREATE  shopping  \r\n"), Ok(Command::create("shopping")));
    /// assert_eq!(Command::parse("PUT shopping milk 1\r\n"), Ok(Command::put("shopping", "milk", "1")));
    /// assert_eq!(Command::parse("GET shopping milk\r\n"), Ok(Command::get("shopping", "milk")));
    /// assert_eq!(Command::parse("DELETE shopping eggs\r\n"), Ok(Command::delete("shopping", "eggs")));
    /// ```
    ///
    /// What is no command, or has the wrong number of arguments, is an error. Case counts:
    ///
    /// ```
    /// # use kv_server::{Command, UnknownCommand};
    /// assert_eq!(Command::parse("UNKNOWN shopping eggs\r\n"), Err(UnknownCommand));
    /// assert_eq!(Command::parse("GET shopping\r\n"), Err(UnknownCommand));
    /// assert_eq!(Command::parse("get shopping milk\r\n"), Err(UnknownCommand));
    /// assert_eq!(Command::parse("\r\n"), Err(UnknownCommand));
    /// ```
    ///
    /// These are the commands of the Elixir guide. There are some more:
    ///
    /// ```
    /// # use kv_server::{Command, UnknownCommand};
    /// assert_eq!(Command::parse("LIST shopping\r\n"), Ok(Command::list("shopping")));
    /// assert_eq!(Command::parse("BUCKETS\r\n"), Ok(Command::Buckets));
    /// assert_eq!(Command::parse("DROP shopping\r\n"), Ok(Command::drop("shopping")));
    /// assert_eq!(Command::parse("SUBSCRIBE\r\n"), Ok(Command::Subscribe));
    /// assert_eq!(Command::parse("PING\r\n"), Ok(Command::Ping));
    /// assert_eq!(Command::parse("HELP\r\n"), Ok(Command::Help));
    /// assert_eq!(Command::parse("QUIT\r\n"), Ok(Command::Quit));
    /// ```
    ///
    /// # Words
    ///
    /// A line is divided into words at white space: Unicode's, but for the spaces that are there not to be broken at, or ASCII's if the
    /// line is no UTF-8. Words are bytes, whatever they mean:
    ///
    /// ```
    /// # use kv_server::{Command, UnknownCommand};
    /// assert_eq!(Command::parse("GET\tshopping\u{3000}milk"), Ok(Command::get("shopping", "milk")));
    /// assert_eq!(Command::parse("GET shopping soy\u{A0}milk"), Ok(Command::get("shopping", "soy\u{A0}milk")));
    /// assert_eq!(Command::parse(&b"GET shopping \xFF"[..]), Ok(Command::get("shopping", &b"\xFF"[..])));
    /// ```
    ///
    /// A line whose words make no command in this way is read once more, with quotes. What is between quotes is one word, in which
    /// `\"` and `\\` stand for a quote and a backslash, `\n`, `\r` and `\t` for a line feed, a carriage return and a tab, and `\x` with
    /// two hexadecimal digits for any byte:
    ///
    /// ```
    /// # use kv_server::{Command, UnknownCommand};
    /// let line = r#"PUT shopping "soy milk" "two litres""#;
    /// assert_eq!(Command::parse(line), Ok(Command::put("shopping", "soy milk", "two litres")));
    /// ```
    ///
    /// Only then: a line that is a command without regard to its quotes is that command, as it is in the guide. If the word of the
    /// command itself is quoted, it cannot be one.
    ///
    /// ```
    /// # use kv_server::{Command, UnknownCommand};
    /// assert_eq!(Command::parse(r#"PUT shopping milk "1""#), Ok(Command::put("shopping", "milk", "\"1\"")));
    /// assert_eq!(Command::parse(r#"PUT shopping "soy milk""#), Ok(Command::put("shopping", "\"soy", "milk\"")));
    /// assert_eq!(Command::parse(r#""PUT" shopping milk "1""#), Ok(Command::put("shopping", "milk", "1")));
    /// assert_eq!(Command::parse(r#""PUT" shopping milk """#), Ok(Command::put("shopping", "milk", "")));
    /// ```
    #[derive(Clone, PartialEq, Eq, Hash, Debug)]
    #[non_exhaustive]
    pub enum Command {
        /// `CREATE bucket`: makes the bucket, unless it is there. Answers OK.
        Create {
            /// Its name.
            bucket,
        } = "CREATE", Line, "makes the bucket, unless it is there";
        /// `PUT bucket key value`: stores the value. Answers OK, or NOT FOUND if there is no such bucket.
        Put {
            /// Where.
            bucket,
            /// Under which key.
            key,
            /// What.
            value,
        } = "PUT", Line, "stores the value; NOT FOUND if there is no such bucket";
        /// `GET bucket key`: answers the value, or an empty line, and then OK; or NOT FOUND if there is no such bucket.
        Get {
            /// Where.
            bucket,
            /// What is under this key.
            key,
        } = "GET", Value, "the value, or an empty line; NOT FOUND if there is no such bucket";
        /// `DELETE bucket key`: forgets the key, if it is there. Answers OK, or NOT FOUND if there is no such bucket.
        Delete {
            /// Where.
            bucket,
            /// Which key.
            key,
        } = "DELETE", Line, "forgets the key, if it is there; NOT FOUND if there is no such bucket";
        /// `LIST bucket`: answers a line `* key` for every key, in order, and then OK; or NOT FOUND if there is no such bucket.
        List {
            /// Which bucket.
            bucket,
        } = "LIST", Items, "every key in order; NOT FOUND if there is no such bucket";
        /// `BUCKETS`: answers a line `* name` for every bucket, in order, and then OK.
        Buckets = "BUCKETS", Items, "every bucket in order";
        /// `DROP bucket`: ends the bucket, with all that is in it. Answers OK, or NOT FOUND if there is no such bucket.
        Drop {
            /// Which bucket.
            bucket,
        } = "DROP", Line, "ends the bucket, with all that is in it; NOT FOUND if there is no such bucket";
        /// `SUBSCRIBE`: answers OK, and from then on tells of buckets, an [`Event`](crate::Event) a line.
        Subscribe = "SUBSCRIBE", Line, "tells of buckets that are created or exit, until QUIT";
        /// `PING`: answers PONG.
        Ping = "PING", Line, "PONG";
        /// `HELP`: answers a line for every command, and then OK.
        Help = "HELP", Help, "this list";
        /// `QUIT`: answers OK, and then nothing more.
        Quit = "QUIT", Line, "says goodbye";
    }
}

/// The most arguments that a command has.
pub(crate) const ARGUMENTS_MAX: usize = 3;

/// A line is no [`Command`].
///
/// # Examples
///
/// ```
/// use kv_server::{Command, UnknownCommand};
///
/// assert_eq!(Command::parse("BUY milk"), Err(UnknownCommand));
/// assert_eq!(UnknownCommand.to_string(), "no command reads like this; `HELP` lists those there are");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no command reads like this; `HELP` lists those there are")]
pub struct UnknownCommand;

impl Command {
    /// What a line says, with its end or without. Words that are not quoted are cut out of it and not copied.
    ///
    /// # Errors
    ///
    /// [`UnknownCommand`] if it is no command.
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::Bytes;
    /// use kv_server::Command;
    ///
    /// let line = Bytes::from("GET shopping milk\r\n".to_owned());
    /// let Ok(Command::Get { key, .. }) = Command::parse(line.clone()) else { panic!("it is one") };
    /// assert_eq!(key.as_ptr(), line[13..].as_ptr());
    /// ```
    pub fn parse(line: impl Into<Bytes>) -> Result<Self, UnknownCommand> {
        let line = line.into();
        let Sentence { verb, words } = Sentence::read(&line)?;
        Ok(Self::of(
            verb,
            words.map(|word| match word {
                Cow::Borrowed(word) => line.slice_ref(word),
                Cow::Owned(word) => word.into(),
            }),
        ))
    }

    /// Writes the line that says this, with its end. There is one for every command: where a word would not come out as itself it
    /// is quoted, and so is the word of the command.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_server::Command;
    ///
    /// let mut lines = Vec::new();
    /// Command::put("shopping", "milk", "1").encode(&mut lines);
    /// Command::put("shopping", "milk", "two litres").encode(&mut lines);
    /// assert_eq!(lines, b"PUT shopping milk 1\r\n\"PUT\" shopping milk \"two litres\"\r\n");
    /// ```
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.write(out);
        out.extend(b"\r\n");
    }

    /// The line, without its end.
    fn write(&self, out: &mut Vec<u8>) {
        let word = self.verb().usage().word.as_bytes();
        let arguments: [Option<&Bytes>; ARGUMENTS_MAX] = self.arguments();
        let words = || arguments.into_iter().flatten();
        let plain = words().all(|word| words::is_word(word));
        if plain {
            out.extend(word);
        } else {
            words::quote(word, out);
        }
        for word in words() {
            out.push(b' ');
            // A quote at the beginning is one only where lines are read with quotes.
            let itself = plain || (words::is_word(word) && word[0] != b'"');
            if itself { out.extend(&word[..]) } else { words::quote(word, out) }
        }
    }

    /// `CREATE bucket`.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_server::Command;
    ///
    /// assert_eq!(Command::create("shopping").to_string(), "CREATE shopping");
    /// ```
    pub fn create(bucket: impl Into<Bytes>) -> Self {
        Self::Create { bucket: bucket.into() }
    }

    /// `PUT bucket key value`.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_server::Command;
    ///
    /// assert_eq!(Command::put("shopping", "milk", "1").to_string(), "PUT shopping milk 1");
    /// assert_eq!(Command::put("shopping", "milk", vec![0xFF]), Command::put("shopping", "milk", &b"\xFF"[..]), "any bytes will do");
    /// ```
    pub fn put(bucket: impl Into<Bytes>, key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        Self::Put { bucket: bucket.into(), key: key.into(), value: value.into() }
    }

    /// `GET bucket key`.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_server::Command;
    ///
    /// assert_eq!("GET shopping milk".parse(), Ok(Command::get("shopping", "milk")));
    /// ```
    pub fn get(bucket: impl Into<Bytes>, key: impl Into<Bytes>) -> Self {
        Self::Get { bucket: bucket.into(), key: key.into() }
    }

    /// `DELETE bucket key`.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_server::Command;
    ///
    /// assert_eq!("DELETE shopping milk".parse(), Ok(Command::delete("shopping", "milk")));
    /// ```
    pub fn delete(bucket: impl Into<Bytes>, key: impl Into<Bytes>) -> Self {
        Self::Delete { bucket: bucket.into(), key: key.into() }
    }

    /// `LIST bucket`.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_server::Command;
    ///
    /// assert_eq!(Command::list("my shopping").to_string(), "\"LIST\" \"my shopping\"");
    /// ```
    pub fn list(bucket: impl Into<Bytes>) -> Self {
        Self::List { bucket: bucket.into() }
    }

    /// `DROP bucket`.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_server::Command;
    ///
    /// let last = Command::drop("shopping");
    /// assert_eq!(last, Command::Drop { bucket: "shopping".into() });
    /// ```
    pub fn drop(bucket: impl Into<Bytes>) -> Self {
        Self::Drop { bucket: bucket.into() }
    }
}

/// As [`Command::parse`], for text that is borrowed: the words are copied.
impl FromStr for Command {
    type Err = UnknownCommand;

    fn from_str(line: &str) -> Result<Self, UnknownCommand> {
        Self::parse(Bytes::copy_from_slice(line.as_bytes()))
    }
}

/// The line that says it, without its end; what is no UTF-8 in it is shown as `\u{FFFD}`.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = Vec::new();
        self.write(&mut line);
        f.write_str(&String::from_utf8_lossy(&line))
    }
}
