//! The commands of Redis that a session knows: one table, for parsing, for errors and for `COMMAND`.

use std::fmt::Write;

/// A row of the table.
#[derive(Debug)]
pub(super) struct CommandEntry {
    pub(super) command: Command,
    /// Its name, in lower case.
    pub(super) name: &'static str,
    /// How many arguments it has, with its name. A negative number is the least.
    pub(super) arity: i64,
    /// Which arguments are names of buckets.
    pub(super) buckets: Buckets,
    pub(super) flags: &'static [&'static str],
    pub(super) group: &'static str,
    /// Its arguments, as a person is shown them.
    pub(super) arguments: &'static str,
    pub(super) summary: &'static str,
}

/// Which arguments of a command are names of buckets, which Redis calls keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Buckets {
    None,
    First,
    All,
}

macro_rules! commands {
    ($(
        $Command:ident $name:literal $arity:literal $Buckets:ident [$($flag:ident)*] $group:literal $arguments:literal $summary:literal;
    )+) => {
        /// What a session does for a client of Redis.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(super) enum Command {$($Command),+}

        /// The commands. The most frequent are first, where they are found soonest.
        pub(super) static COMMANDS: &[CommandEntry] = &[$(CommandEntry {
            command: Command::$Command,
            name: $name,
            arity: $arity,
            buckets: Buckets::$Buckets,
            flags: &[$(stringify!($flag)),*],
            group: $group,
            arguments: $arguments,
            summary: $summary,
        }),+];
    };
}

commands! {
    Hget "hget" 3 First [readonly fast] "hash" "bucket key" "Returns the value of a key.";
    Hset "hset" -4 First [write denyoom fast] "hash" "bucket key value [key value ...]"
        "Stores values under keys, and creates the bucket unless it exists.";
    Hdel "hdel" -3 First [write fast] "hash" "bucket key [key ...]" "Removes keys. The bucket stays, even if it is empty.";
    Hmget "hmget" -3 First [readonly fast] "hash" "bucket key [key ...]" "Returns the values of keys.";
    Ping "ping" -1 None [fast] "connection" "[message]" "Returns PONG, or the message.";
    Hlen "hlen" 2 First [readonly fast] "hash" "bucket" "Returns the number of keys.";
    Hexists "hexists" 3 First [readonly fast] "hash" "bucket key" "Returns whether a key exists.";
    Hgetall "hgetall" 2 First [readonly] "hash" "bucket" "Returns all keys and values, in the order of the keys.";
    Hkeys "hkeys" 2 First [readonly] "hash" "bucket" "Returns all keys, in order.";
    Hvals "hvals" 2 First [readonly] "hash" "bucket" "Returns all values, in the order of the keys.";
    Hsetnx "hsetnx" 4 First [write denyoom fast] "hash" "bucket key value" "Stores a value unless the key exists.";
    Hstrlen "hstrlen" 3 First [readonly fast] "hash" "bucket key" "Returns the length of a value.";
    Hmset "hmset" -4 First [write denyoom fast] "hash" "bucket key value [key value ...]"
        "Stores values under keys, as HSET does, and returns OK.";
    Hincrby "hincrby" 4 First [write denyoom fast] "hash" "bucket key increment" "Adds to an integer.";
    Hscan "hscan" -3 First [readonly] "hash" "bucket cursor [MATCH pattern] [COUNT count] [NOVALUES]"
        "Returns some of the keys and values, and a cursor for the next.";
    Hexpire "hexpire" -6 First [write denyoom fast] "hash" "bucket seconds [NX|XX|GT|LT] FIELDS numfields key [key ...]"
        "Sets when keys expire, in seconds.";
    Hpexpire "hpexpire" -6 First [write denyoom fast] "hash"
        "bucket milliseconds [NX|XX|GT|LT] FIELDS numfields key [key ...]" "Sets when keys expire, in milliseconds.";
    Httl "httl" -5 First [readonly fast] "hash" "bucket FIELDS numfields key [key ...]"
        "Returns how long keys have to live, in seconds.";
    Hpttl "hpttl" -5 First [readonly fast] "hash" "bucket FIELDS numfields key [key ...]"
        "Returns how long keys have to live, in milliseconds.";
    Hpersist "hpersist" -5 First [write fast] "hash" "bucket FIELDS numfields key [key ...]" "Makes keys not expire.";
    Del "del" -2 All [write] "generic" "bucket [bucket ...]" "Removes buckets with all that is in them.";
    Exists "exists" -2 All [readonly fast] "generic" "bucket [bucket ...]" "Returns how many of the buckets exist.";
    Type "type" 2 First [readonly fast] "generic" "bucket" "Returns hash if the bucket exists, and none otherwise.";
    Keys "keys" 2 None [readonly] "generic" "pattern" "Returns the names of the buckets that match, in order.";
    Scan "scan" -2 None [readonly] "generic" "cursor [MATCH pattern] [COUNT count] [TYPE type]"
        "Returns some of the names of buckets, and a cursor for the next.";
    Dbsize "dbsize" 1 None [readonly fast] "server" "" "Returns the number of buckets.";
    Multi "multi" 1 None [noscript fast] "transactions" "" "Begins a transaction on one bucket.";
    Exec "exec" 1 None [noscript] "transactions" "" "Executes the commands of the transaction, with no other in between.";
    Discard "discard" 1 None [noscript fast] "transactions" "" "Forgets the commands of the transaction.";
    Watch "watch" -2 All [noscript fast] "transactions" "bucket [bucket ...]" "Is refused: HSETNX is atomic.";
    Unwatch "unwatch" 1 None [noscript fast] "transactions" "" "Returns OK: nothing is watched.";
    Subscribe "subscribe" -2 None [pubsub noscript] "pubsub" "channel [channel ...]" "Sends the events of channels.";
    Unsubscribe "unsubscribe" -1 None [pubsub noscript] "pubsub" "[channel ...]" "Ends subscriptions to channels.";
    Psubscribe "psubscribe" -2 None [pubsub noscript] "pubsub" "pattern [pattern ...]"
        "Sends the events of the channels that match.";
    Punsubscribe "punsubscribe" -1 None [pubsub noscript] "pubsub" "[pattern ...]" "Ends subscriptions to patterns.";
    Echo "echo" 2 None [fast] "connection" "message" "Returns the message.";
    Hello "hello" -1 None [noscript fast] "connection" "[protover [AUTH username password] [SETNAME clientname]]"
        "Sets the version of the protocol, and returns what serves the client.";
    Auth "auth" -2 None [noscript fast] "connection" "[username] password" "Logs in. The only user is `default`.";
    Select "select" 2 None [fast] "connection" "index" "Returns OK for the database 0, the only one.";
    Client "client" -2 None [noscript] "connection" "ID|GETNAME|SETNAME|SETINFO|INFO|LIST [argument ...]"
        "Names connections, and lists those that speak RESP.";
    Config "config" -2 None [noscript] "server" "GET parameter [parameter ...]" "Returns nothing: there are no such parameters.";
    Info "info" -1 None [] "server" "[section ...]" "Returns figures of the server and the store.";
    Catalog "command" -1 None [] "server" "[COUNT|DOCS|INFO|LIST] [name ...]" "Returns what there is to know about commands.";
    Reset "reset" 1 None [noscript fast] "connection" "" "Makes the connection as it was when it began.";
    Quit "quit" -1 None [noscript fast] "connection" "" "Returns OK, and ends the connection.";
}

/// The commands of Redis on strings, and what does the same for a bucket.
const STRINGS: &[(&str, &str)] = &[
    ("append", "HSET"),
    ("decr", "HINCRBY"),
    ("decrby", "HINCRBY"),
    ("get", "HGET"),
    ("getdel", "HGET and HDEL"),
    ("getex", "HGET and HEXPIRE"),
    ("getrange", "HGET"),
    ("getset", "HGET and HSET"),
    ("incr", "HINCRBY"),
    ("incrby", "HINCRBY"),
    ("incrbyfloat", "HINCRBY"),
    ("mget", "HMGET"),
    ("mset", "HSET"),
    ("msetnx", "HSETNX"),
    ("psetex", "HSET and HPEXPIRE"),
    ("set", "HSET bucket key value"),
    ("setex", "HSET and HEXPIRE"),
    ("setnx", "HSETNX bucket key value"),
    ("setrange", "HSET"),
    ("strlen", "HSTRLEN"),
];

/// The same for its commands about when keys expire.
const TIMES: &[(&str, &str)] =
    &[("expire", "HEXPIRE"), ("persist", "HPERSIST"), ("pexpire", "HPEXPIRE"), ("pttl", "HPTTL"), ("ttl", "HTTL")];

impl CommandEntry {
    /// The command of a name, in any case.
    pub(super) fn find(name: &[u8]) -> Option<&'static Self> {
        COMMANDS.iter().find(|entry| entry.name.as_bytes().eq_ignore_ascii_case(name))
    }

    /// Whether a request may have so many arguments, with the name.
    pub(super) fn takes(&self, arguments: usize) -> bool {
        let arguments = i64::try_from(arguments).unwrap_or(i64::MAX);
        if self.arity < 0 { arguments >= -self.arity } else { arguments == self.arity }
    }
}

/// What a client is told that has sent a command with too few arguments, or too many.
pub(super) fn wrong_arity(name: &str) -> String {
    format!("wrong number of arguments for '{name}' command")
}

/// The longest part of an unknown command that its client is shown.
const SHOWN_MAX: usize = 128;

/// What a client is told that has sent an unknown command, in Redis's words.
pub(super) fn unknown(name: &[u8], arguments: impl Iterator<Item: AsRef<[u8]>>) -> String {
    let same = |(other, _): &&(&str, &str)| other.as_bytes().eq_ignore_ascii_case(name);
    if let Some((string, instead)) = STRINGS.iter().find(same) {
        let string = string.to_uppercase();
        return format!("a bucket is a hash, and {string} is for strings; use {instead} instead");
    }
    if let Some((_, instead)) = TIMES.iter().find(same) {
        return format!("a bucket does not expire, and its keys do; use {instead} instead");
    }
    let mut text = format!("unknown command '{}', with args beginning with: ", shown(name));
    let mut left = SHOWN_MAX;
    for argument in arguments {
        if left == 0 {
            break;
        }
        let argument = argument.as_ref();
        let argument = &argument[..argument.len().min(left)];
        left -= argument.len().max(1);
        // A string takes all that is written.
        let _ = write!(text, "'{}' ", shown(argument));
    }
    text
}

/// What a client has sent, for an error.
pub(super) fn shown(text: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(&text[..text.len().min(SHOWN_MAX)])
}

#[cfg(test)]
mod tests {
    //! The table.

    use super::*;

    #[test]
    fn a_command_is_found_in_any_case() {
        for entry in COMMANDS {
            let found = CommandEntry::find(entry.name.to_uppercase().as_bytes()).unwrap();
            assert_eq!(found.command, entry.command);
            assert_eq!(entry.name, entry.name.to_lowercase());
            assert!(entry.summary.ends_with('.'), "{}", entry.name);
        }
        assert!(CommandEntry::find(b"hge").is_none());
    }

    #[test]
    fn the_arity_counts_the_name() {
        let hget = CommandEntry::find(b"hget").unwrap();
        assert!(!hget.takes(2) && hget.takes(3) && !hget.takes(4));
        let hset = CommandEntry::find(b"hset").unwrap();
        assert!(!hset.takes(3) && hset.takes(4) && hset.takes(400));
    }

    #[test]
    fn an_unknown_command_is_shown_with_the_beginning_of_its_arguments() {
        let text = unknown(b"LPUSH", [vec![b'a'], vec![b'x'; 500]].iter());
        assert_eq!(text, format!("unknown command 'LPUSH', with args beginning with: 'a' '{}' ", "x".repeat(127)));
        assert!(unknown(b"SET", [b""].iter()).contains("HSET bucket key value"));
    }
}
