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
// The line that logs in, which is not a command.
pub(crate) mod auth;
// Times as a line has them.
pub(crate) mod times;

pub use command_line::ParseCommandError;
pub(crate) use command_line::{CommandLine, is_from_browser};
pub(crate) use table::AnswerShape;
pub use table::CommandUsage;
use table::commands;
pub use words::QuoteError;

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
    /// # use kv_server::{Command, ParseCommandError};
    /// let unknown = Err(ParseCommandError::Unknown);
    /// assert_eq!(Command::parse("UNKNOWN shopping eggs\r\n"), unknown);
    /// assert_eq!(Command::parse("GET shopping\r\n"), unknown);
    /// assert_eq!(Command::parse("get shopping milk\r\n"), unknown);
    /// assert_eq!(Command::parse("\r\n"), unknown);
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
    /// check("FETCH shopping milk\r\n", Command::fetch("shopping", "milk"));
    /// check("PUTNEW shopping milk 1\r\n", Command::put_new("shopping", "milk", "1"));
    /// check("CAS shopping milk 1 2\r\n", Command::compare_and_set("shopping", "milk", "1", "2"));
    /// check("PUTEX shopping milk 1 5d\r\n", Command::put_expiring("shopping", "milk", "1", "5d"));
    /// check("EXPIRE shopping milk 90s\r\n", Command::expire("shopping", "milk", "90s"));
    /// check("PERSIST shopping milk\r\n", Command::persist("shopping", "milk"));
    /// check("TTL shopping milk\r\n", Command::time_to_live("shopping", "milk"));
    /// check("LIST shopping\r\n", Command::list("shopping"));
    /// check("COUNT shopping\r\n", Command::count("shopping"));
    /// check("BUCKETS\r\n", Command::buckets());
    /// check("DROP shopping\r\n", Command::drop("shopping"));
    /// check("SUBSCRIBE\r\n", Command::Subscribe);
    /// check("WATCH shopping\r\n", Command::watch("shopping"));
    /// check("PING\r\n", Command::Ping);
    /// check("HELP\r\n", Command::Help);
    /// check("QUIT\r\n", Command::Quit);
    /// ```
    ///
    /// # Optional arguments
    ///
    /// `LIST` and `BUCKETS` take a prefix, the most items that the answer may have, and the item after which it begins, so that
    /// a client can list a large store in pages. An argument before one that is given is left out as an empty word:
    ///
    /// ```
    /// # use kv_server::Command;
    /// # use bytes::Bytes;
    /// # #[track_caller]
    /// # fn check(line: impl Into<Bytes>, command: Command) {
    /// #     assert_eq!(Command::parse(line), Ok(command));
    /// # }
    /// let bucket = || "shopping".into();
    /// let (prefix, limit, after) = (Some("m".into()), Some("10".into()), Some("milk".into()));
    /// check(
    ///     "LIST shopping m",
    ///     Command::List { bucket: bucket(), prefix: prefix.clone(), limit: None, after: None },
    /// );
    /// check("LIST shopping m 10 milk", Command::List { bucket: bucket(), prefix, limit, after });
    /// let limit = Some("10".into());
    /// check(r#"BUCKETS "" 10"#, Command::Buckets { prefix: None, limit, after: None });
    /// ```
    ///
    /// # Times
    ///
    /// A time is a whole number and a unit, without a blank: `ms`, `s`, `m`, `h` or `d`, as in `100ms` or `5m`.
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
    /// Quotes that do not fit are [an error](ParseCommandError::Quote).
    ///
    /// A line that is a command without regard to quotes, and without optional arguments, is that command, as in the guide. To
    /// have the quotes count in every case, quote the command's own word.
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
        /// `FETCH bucket key`: the answer is the value, followed by OK; or KEY NOT FOUND if there is no such key, which tells it
        /// from an empty value; or NOT FOUND if there is no such bucket.
        Fetch as fetch {
            /// The bucket.
            bucket,
            /// The key.
            key,
        } = "FETCH", Value, "the value; KEY NOT FOUND if there is no such key";
        /// `PUTNEW bucket key value`: stores the value if there is no such key. The answer is OK, or EXISTS if there is, or NOT
        /// FOUND if there is no such bucket.
        PutNew as put_new {
            /// The bucket.
            bucket,
            /// The key.
            key,
            /// The value.
            value,
        } = "PUTNEW", Line, "stores the value unless the key has one; EXISTS if it has";
        /// `CAS bucket key expected new`: stores the new value if the key has the expected one, and nobody else's command comes
        /// in between. The key expires when it would have before. The answer is OK, or DIFFERS if the key has another value, or
        /// KEY NOT FOUND if it has none, or NOT FOUND if there is no such bucket.
        CompareAndSet as compare_and_set {
            /// The bucket.
            bucket,
            /// The key.
            key,
            /// The value that the key has to have.
            expected,
            /// The value to store.
            new,
        } = "CAS", Line, "stores the new value if the key has the expected one; DIFFERS if it has another, KEY NOT FOUND if none";
        /// `PUTEX bucket key value time`: stores the value for a [time](Command#times). After it the key is gone. The answer is
        /// OK, or NOT FOUND if there is no such bucket.
        PutExpiring as put_expiring {
            /// The bucket.
            bucket,
            /// The key.
            key,
            /// The value.
            value,
            /// How long the key lives.
            time,
        } = "PUTEX", Line, "stores the value for a time, as in 100ms, 60s, 5m, 2h or 1d";
        /// `EXPIRE bucket key time`: sets how long the key lives from now. The answer is OK, or KEY NOT FOUND if there is no such
        /// key, or NOT FOUND if there is no such bucket.
        Expire as expire {
            /// The bucket.
            bucket,
            /// The key.
            key,
            /// How long the key lives.
            time,
        } = "EXPIRE", Line, "forgets the key after a time; KEY NOT FOUND if there is no such key";
        /// `PERSIST bucket key`: makes the key not expire. The answer is OK, also if it would not have, or KEY NOT FOUND if there
        /// is no such key, or NOT FOUND if there is no such bucket.
        Persist as persist {
            /// The bucket.
            bucket,
            /// The key.
            key,
        } = "PERSIST", Line, "keeps a key that would expire; KEY NOT FOUND if there is no such key";
        /// `TTL bucket key`: the answer is how long the key has to live, in milliseconds as in `59500ms`, or `never` if it does
        /// not expire, followed by OK; or KEY NOT FOUND if there is no such key; or NOT FOUND if there is no such bucket.
        TimeToLive as time_to_live {
            /// The bucket.
            bucket,
            /// The key.
            key,
        } = "TTL", Value, "how long the key has to live, or never; KEY NOT FOUND if there is no such key";
        /// `LIST bucket [prefix [limit [after]]]`: the answer is a line `* key` for every key, in order, followed by OK; or NOT
        /// FOUND if there is no such bucket. With [optional arguments](Command#optional-arguments) it is a part of that list.
        List as list {
            /// The bucket.
            bucket,
            [
                /// What the keys begin with.
                prefix,
                /// How many keys to list at most.
                limit,
                /// The key after which to begin.
                after,
            ]
        } = "LIST", Items, "the keys in order; NOT FOUND if there is no such bucket";
        /// `COUNT bucket`: the answer is the number of keys, followed by OK; or NOT FOUND if there is no such bucket.
        Count as count {
            /// The bucket.
            bucket,
        } = "COUNT", Value, "how many keys there are; NOT FOUND if there is no such bucket";
        /// `BUCKETS [prefix [limit [after]]]`: the answer is a line `* name` for every bucket, in order, followed by OK. With
        /// [optional arguments](Command#optional-arguments) it is a part of that list.
        Buckets as buckets {
            [
                /// What the names begin with.
                prefix,
                /// How many names to list at most.
                limit,
                /// The name after which to begin.
                after,
            ]
        } = "BUCKETS", Items, "the buckets in order";
        /// `DROP bucket`: removes the bucket and everything in it. The answer is OK, or NOT FOUND if there is no such
        /// bucket.
        Drop as drop {
            /// The bucket.
            bucket,
        } = "DROP", Line, "ends the bucket, with all that is in it; NOT FOUND if there is no such bucket";
        /// `SUBSCRIBE`: the answer is OK. From then on the server sends events, one [`SubscriptionEvent`](crate::SubscriptionEvent) a line.
        Subscribe = "SUBSCRIBE", Line, "tells of buckets that are created or exit, until QUIT";
        /// `WATCH bucket`: the answer is OK, or NOT FOUND if there is no such bucket. From then on the server sends the events of
        /// its keys, one [`SubscriptionEvent`](crate::SubscriptionEvent) a line.
        Watch as watch {
            /// The bucket.
            bucket,
        } = "WATCH", Line, "tells of keys that are put, deleted or expire, until QUIT; NOT FOUND if there is no such bucket";
        /// `PING`: the answer is PONG.
        Ping = "PING", Line, "PONG";
        /// `HELP`: the answer is a line for every command, followed by OK.
        Help = "HELP", Help, "this list";
        /// `QUIT`: the answer is OK, and the session ends.
        Quit = "QUIT", Line, "says goodbye";
    }
}

/// The most arguments that a command has.
pub(crate) const ARGUMENTS_MAX: usize = 4;

impl Command {
    /// Parses a line, with or without its end. Unquoted words are slices of the line and not copied.
    ///
    /// # Errors
    ///
    /// [`ParseCommandError`] if the line is not a command.
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
    pub fn parse(line: impl Into<Bytes>) -> Result<Self, ParseCommandError> {
        let line = line.into();
        let CommandLine { verb, words, given } = CommandLine::read(&line)?;
        let mut number = 0;
        let words = words.map(|word| {
            number += 1;
            // An empty word leaves out its argument, unless it is the last.
            let is_left_out = number > given || (word.is_empty() && number < given);
            (!is_left_out).then(|| match word {
                Cow::Borrowed(word) => line.slice_ref(word),
                Cow::Owned(word) => word.into(),
            })
        });
        Ok(Self::of(verb, words))
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
        let usage = self.verb().usage();
        let arguments = self.arguments();
        let given = arguments.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        let words = || arguments[..given].iter().map(|argument| argument.map_or(&[][..], |word| &word[..]));
        // A leading quote matters only if the line is read with quotes, as one with optional arguments is.
        let is_itself = |word: &[u8]| words::is_word(word) && word[0] != b'"';
        let has_optional = given > usage.arguments.len();
        let plain = words().all(|word| if has_optional { is_itself(word) } else { words::is_word(word) });
        if plain {
            out.extend(usage.word.as_bytes());
        } else {
            words::quote(usage.word.as_bytes(), out);
        }
        for word in words() {
            out.push(b' ');
            if plain || is_itself(word) { out.extend(word) } else { words::quote(word, out) }
        }
    }
}

/// Like [`Command::parse`], for borrowed text: the words are copied.
impl FromStr for Command {
    type Err = ParseCommandError;

    fn from_str(line: &str) -> Result<Self, ParseCommandError> {
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
