//! What the commands are: for `HELP`, and for whoever completes them or explains them to a person.

/// A command, as it is explained.
///
/// # Examples
///
/// ```
/// use kv_server::USAGES;
///
/// let put = USAGES.iter().find(|usage| usage.word == "PUT").expect("it is in the list");
/// assert_eq!(put.arguments, ["bucket", "key", "value"]);
/// assert_eq!(put.to_string(), "PUT bucket key value: stores the value; NOT FOUND if there is no such bucket");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Usage {
    /// The word it begins with.
    pub word: &'static str,
    /// What follows, one word each.
    pub arguments: &'static [&'static str],
    /// What it does and answers.
    pub about: &'static str,
}

/// A line of `HELP`.
impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word)?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {argument}"))?;
        write!(f, ": {}", self.about)
    }
}

const fn usage(word: &'static str, arguments: &'static [&'static str], about: &'static str) -> Usage {
    Usage { word, arguments, about }
}

/// Every command, in the order one meets them.
///
/// # Examples
///
/// ```
/// use kv_server::{Command, USAGES};
///
/// for usage in USAGES {
///     let line = [&[usage.word], usage.arguments].concat().join(" ");
///     assert!(line.parse::<Command>().is_ok(), "{usage}");
/// }
/// ```
pub const USAGES: [Usage; 11] = [
    usage("CREATE", &["bucket"], "makes the bucket, unless it is there"),
    usage("PUT", &["bucket", "key", "value"], "stores the value; NOT FOUND if there is no such bucket"),
    usage("GET", &["bucket", "key"], "the value, or an empty line; NOT FOUND if there is no such bucket"),
    usage("DELETE", &["bucket", "key"], "forgets the key, if it is there; NOT FOUND if there is no such bucket"),
    usage("LIST", &["bucket"], "every key in order; NOT FOUND if there is no such bucket"),
    usage("BUCKETS", &[], "every bucket in order"),
    usage("DROP", &["bucket"], "ends the bucket, with all that is in it; NOT FOUND if there is no such bucket"),
    usage("SUBSCRIBE", &[], "tells of buckets that are created or exit, until QUIT"),
    usage("PING", &[], "PONG"),
    usage("HELP", &[], "this list"),
    usage("QUIT", &[], "says goodbye"),
];
