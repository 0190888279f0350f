//! Commands, and the lines that express them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use bytes::Bytes;

// The macro behind the table of commands below.
mod table;
// Splitting a line into words.
pub(crate) mod words;
// A parsed line that borrows its words.
mod command_line;

pub(crate) use command_line::{CommandLine, is_from_browser};
pub(crate) use table::AnswerShape;
pub use table::CommandUsage;
use table::commands;

commands! {
    /// What a client can ask for. A command is one line.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use kv_server::Command;
    ///
    /// #[track_caller]
    /// fn check(line: impl Into<Bytes>, command: Command) {
    ///     assert_eq!(Command::parse(line), Ok(command));
    /// }
    ///
    /// check("CREATE shopping\r\n", Command::create("shopping"));
    /// check("CREATE  shopping  \r\n", Command::create("shopping"));
    /// check("PUT shopping milk 1\r\n", Command::put("shopping", "milk", "1"));
    /// check("GET shopping milk\r\n", Command::get("shopping", "milk"));
    /// check("DELETE shopping eggs\r\n", Command::delete("shopping", "eggs"));
    /// ```
    ///
    /// Anything else, or a wrong number of arguments, is an error. Commands are case-sensitive:
    ///
    /// ```
    /// # use kv_server::{Command, UnknownCommand};
    /// assert_eq!(Command::parse("UNKNOWN shopping eggs\r\n"), Err(UnknownCommand));
    /// assert_eq!(Command::parse("GET shopping\r\n"), Err(UnknownCommand));
    /// assert_eq!(Command::parse("get shopping milk\r\n"), Err(UnknownCommand));
    /// assert_eq!(Command::parse("\r\n"), Err(UnknownCommand));
    /// ```
    ///
    /// These are the commands of the Elixir guide. There are a few more:
    ///
    /// ```
    /// # use kv_server::Command;
    /// # use bytes::Bytes;
    /// # #[track_caller]
    /// # fn check(line: impl Into<Bytes>, command: Command) {
    /// #     assert_eq!(Command::parse(line), Ok(command));
    /// # }
    /// check("LIST shopping\r\n", Command::list("shopping"));
    /// check("COUNT shopping\r\n", Command::count("shopping"));
    /// check("BUCKETS\r\n", Command::Buckets);
    /// check("DROP shopping\r\n", Command::drop("shopping"));
    /// check("SUBSCRIBE\r\n", Command::Subscribe);
    /// check("PING\r\n", Command::Ping);
    /// check("HELP\r\n", Command::Help);
    /// check("QUIT\r\n", Command::Quit);
    /// ```
    ///
    /// # Words
    ///
    /// White space divides a line into words: Unicode's white space without the non-breaking spaces, or ASCII's if the line
    /// is not UTF-8. Words are arbitrary bytes:
    ///
    /// ```
    /// # use kv_server::Command;
    /// # use bytes::Bytes;
    /// # #[track_caller]
    /// # fn check(line: impl Into<Bytes>, command: Command) {
    /// #     assert_eq!(Command::parse(line), Ok(command));
    /// # }
    /// check("GET\tshopping\u{3000}milk", Command::get("shopping", "milk"));
    /// check("GET shopping soy\u{A0}milk", Command::get("shopping", "soy\u{A0}milk"));
    /// check(&b"GET shopping \xFF"[..], Command::get("shopping", &b"\xFF"[..]));
    /// ```
    ///
    /// If the words do not form a command, the line is read again with quotes. The text between two quotes is one word. In
    /// it, `\"` and `\\` stand for a quote and a backslash, `\n`, `\r` and `\t` for a line feed, a carriage return and a
    /// tab, and `\x` with two hexadecimal digits for any byte:
    ///
    /// ```
    /// # use kv_server::Command;
    /// # use bytes::Bytes;
    /// # #[track_caller]
    /// # fn check(line: impl Into<Bytes>, command: Command) {
    /// #     assert_eq!(Command::parse(line), Ok(command));
    /// # }
    /// let line = r#"PUT shopping "soy milk" "two litres""#;
    /// check(line, Command::put("shopping", "soy milk", "two litres"));
    /// ```
    ///
    /// A line that is a command without regard to quotes is that command, as in the guide. To have the quotes count in
    /// every case, quote the command's own word.
    ///
    /// ```
    /// # use kv_server::Command;
    /// # use bytes::Bytes;
    /// # #[track_caller]
    /// # fn check(line: impl Into<Bytes>, command: Command) {
    /// #     assert_eq!(Command::parse(line), Ok(command));
    /// # }
    /// check(r#"PUT shopping milk "1""#, Command::put("shopping", "milk", "\"1\""));
    /// check(r#"PUT shopping "soy milk""#, Command::put("shopping", "\"soy", "milk\""));
    /// check(r#""PUT" shopping milk "1""#, Command::put("shopping", "milk", "1"));
    /// check(r#""PUT" shopping milk """#, Command::put("shopping", "milk", ""));
    /// ```
    #[derive(Clone, PartialEq, Eq, Hash, Debug)]
    #[non_exhaustive]
    pub enum Command {
        /// `CREATE bucket`: creates the bucket unless it exists. The answer is OK.
        Create as create {
            /// Its name.
            bucket,
        } = "CREATE", Line, "makes the bucket, unless it is there";
        /// `PUT bucket key value`: stores the value. The answer is OK, or NOT FOUND if there is no such bucket.
        Put as put {
            /// The bucket.
            bucket,
            /// The key.
            key,
            /// The value.
            value,
        } = "PUT", Line, "stores the value; NOT FOUND if there is no such bucket";
        /// `GET bucket key`: the answer is the value or an empty line, followed by OK; or NOT FOUND if there is no such
        /// bucket.
        Get as get {
            /// The bucket.
            bucket,
            /// The key.
            key,
        } = "GET", Value, "the value, or an empty line; NOT FOUND if there is no such bucket";
        /// `DELETE bucket key`: removes the key if it exists. The answer is OK, or NOT FOUND if there is no such bucket.
        Delete as delete {
            /// The bucket.
            bucket,
            /// The key.
            key,
        } = "DELETE", Line, "forgets the key, if it is there; NOT FOUND if there is no such bucket";
        /// `LIST bucket`: the answer is a line `* key` for every key, in order, followed by OK; or NOT FOUND if there is no
        /// such bucket.
        List as list {
            /// The bucket.
            bucket,
        } = "LIST", Items, "every key in order; NOT FOUND if there is no such bucket";
        /// `COUNT bucket`: the answer is the number of keys, followed by OK; or NOT FOUND if there is no such bucket.
        Count as count {
            /// The bucket.
            bucket,
        } = "COUNT", Value, "how many keys there are; NOT FOUND if there is no such bucket";
        /// `BUCKETS`: the answer is a line `* name` for every bucket, in order, followed by OK.
        Buckets = "BUCKETS", Items, "every bucket in order";
        /// `DROP bucket`: removes the bucket and everything in it. The answer is OK, or NOT FOUND if there is no such
        /// bucket.
        Drop as drop {
            /// The bucket.
            bucket,
        } = "DROP", Line, "ends the bucket, with all that is in it; NOT FOUND if there is no such bucket";
        /// `SUBSCRIBE`: the answer is OK. From then on the server sends events, one [`SubscriptionEvent`](crate::SubscriptionEvent) a line.
        Subscribe = "SUBSCRIBE", Line, "tells of buckets that are created or exit, until QUIT";
        /// `PING`: the answer is PONG.
        Ping = "PING", Line, "PONG";
        /// `HELP`: the answer is a line for every command, followed by OK.
        Help = "HELP", Help, "this list";
        /// `QUIT`: the answer is OK, and the session ends.
        Quit = "QUIT", Line, "says goodbye";
    }
}

/// The most arguments that a command has.
pub(crate) const ARGUMENTS_MAX: usize = 3;

/// The line is not a [`Command`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no command reads like this; `HELP` lists those there are")]
pub struct UnknownCommand;

impl Command {
    /// Parses a line, with or without its end. Unquoted words are slices of the line and not copied.
    ///
    /// # Errors
    ///
    /// [`UnknownCommand`] if the line is not a command.
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::Bytes;
    /// use kv_server::Command;
    ///
    /// let line = Bytes::from("GET shopping milk\r\n".to_owned());
    /// let Ok(Command::Get { key, .. }) = Command::parse(line.clone()) else {
    ///     panic!("it is one")
    /// };
    /// assert_eq!(key.as_ptr(), line[13..].as_ptr());
    /// ```
    pub fn parse(line: impl Into<Bytes>) -> Result<Self, UnknownCommand> {
        let line = line.into();
        let CommandLine { verb, words } = CommandLine::read(&line)?;
        Ok(Self::of(
            verb,
            words.map(|word| match word {
                Cow::Borrowed(word) => line.slice_ref(word),
                Cow::Owned(word) => word.into(),
            }),
        ))
    }

    /// Writes the command's line, with its end. Every command has one: words that would not read back as themselves are
    /// quoted, and then so is the word of the command.
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

    /// Writes the line without its end.
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
            // A leading quote matters only if the line is read with quotes.
            let itself = plain || (words::is_word(word) && word[0] != b'"');
            if itself { out.extend(&word[..]) } else { words::quote(word, out) }
        }
    }
}

/// Like [`Command::parse`], for borrowed text: the words are copied.
impl FromStr for Command {
    type Err = UnknownCommand;

    fn from_str(line: &str) -> Result<Self, UnknownCommand> {
        Self::parse(Bytes::copy_from_slice(line.as_bytes()))
    }
}

/// The line without its end. Bytes that are not UTF-8 become `\u{FFFD}`.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = Vec::new();
        self.write(&mut line);
        f.write_str(&String::from_utf8_lossy(&line))
    }
}
