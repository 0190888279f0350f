//! The limits of a client: the length of lines and requests, waiting replies, times, connections.

use std::time::Duration;

/// What a client may use. Each limit is for one session, except the number of [connections](Self::connections).
///
/// They bound the memory of a session: at most [`line`](Self::line) or [`request`](Self::request) plus one read, at most
/// [`replies`](Self::replies) plus the last answer, and [`events`](Self::events).
///
/// # Examples
///
/// ```
/// use kv_server::Limits;
/// use std::time::Duration;
///
/// let limits = Limits { idle: Some(Duration::from_secs(300)), ..Limits::default() };
/// assert_eq!(limits.line, 64 * 1024);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The longest line in bytes, without its end (default: 64 KiB), and the longest inline request of a client of Redis. A longer line
    /// is answered with `ERROR line too long...` and ends the session, because the rest of the line could not be told from a command.
    pub line: usize,
    /// The longest argument of a request of a [client of Redis](crate#redis-clients) in bytes, which is the longest value that it
    /// can store (default: 1 MiB). A longer one is refused when its length has come, and ends the session.
    pub argument: usize,
    /// The most arguments of such a request (default: 65,536).
    pub arguments: usize,
    /// The most bytes of such a request (default: 4 MiB), and of the commands of a transaction.
    pub request: usize,
    /// How many bytes of replies may wait for the client (default: 1 MiB). Beyond that, nothing more is read from it until
    /// it has taken some.
    pub replies: usize,
    /// How long replies may wait without the client taking any (default: 30 seconds). After that the session ends.
    pub stalled: Duration,
    /// How long a client may take from the first byte of a command to its last (default: 10 seconds). After that the
    /// session ends.
    pub half_command: Duration,
    /// How long a client may be silent (default: `None`, no limit). A subscriber may always be silent.
    pub idle: Option<Duration>,
    /// How many bytes a client may send before it has logged in, if there is a [password](crate::Session::password) (default: 16 KiB).
    /// Beyond that it is told so, and the session ends.
    pub before_login: usize,
    /// How long a client may take to log in (default: 5 seconds). After that it is told so, and the session ends. The time that the
    /// server itself takes does not end it.
    pub login: Duration,
    /// How long a session reads and discards input after its last answer (default: 1 second), unless the client leaves
    /// first. Closing a socket with unread input would discard answers that are still on their way. Use zero for a reader
    /// that is not a socket.
    pub linger: Duration,
    /// How many events may wait for a subscriber (default: 1,024). Beyond that the oldest are dropped, and the client is
    /// told how many.
    pub events: usize,
    /// How many clients a listener serves at once (default: 10,000). Another one gets an error, and its connection is
    /// closed.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line: 64 * 1024,
            argument: 1024 * 1024,
            arguments: 65_536,
            request: 4 * 1024 * 1024,
            replies: 1024 * 1024,
            stalled: Duration::from_secs(30),
            half_command: Duration::from_secs(10),
            idle: None,
            before_login: 16 * 1024,
            login: Duration::from_secs(5),
            linger: Duration::from_secs(1),
            events: 1024,
            connections: 10_000,
        }
    }
}
