//! How much a client may have of a server: line, replies, time, connections.

use std::time::Duration;

/// How much a client may have of a server. Each limit is for one session, but for the number of [connections](Self::connections).
///
/// What a session holds is bounded by these: at most [`line`](Self::line) and what one read brought besides, at most
/// [`replies`](Self::replies) and the last answer, and [`events`](Self::events).
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
    /// How many bytes a line may have, its end not counted; 64 KiB. A longer one is answered with `ERROR line too long...`, and the
    /// session ends: what follows in the same line could not be told from a command.
    pub line: usize,
    /// How many bytes of replies wait for a client that does not read them; 1 MiB. When there are so many, nothing more is read
    /// from it, until it has taken some.
    pub replies: usize,
    /// How long replies may wait without the client taking any; 30 seconds. Then the session ends.
    pub stalled: Duration,
    /// How long a client may take from the first byte of a command to its last; 10 seconds. Then the session ends.
    pub half_command: Duration,
    /// How long a client may say nothing at all; None, which is as long as it likes. One that has subscribed to events may
    /// always be silent.
    pub idle: Option<Duration>,
    /// How long a session that has said its last word goes on reading, and throws away what comes; 1 second, and no longer than until
    /// the client leaves. Whoever closes a socket with something unread in it takes back answers that are still under way. Zero
    /// for a reader that nobody will close.
    pub linger: Duration,
    /// How many events wait for a subscriber; 1,024. When there are more, the oldest are dropped, and the client is told how many.
    pub events: usize,
    /// How many clients a listener serves at once; 10,000. One more is told so, and turned away.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line: 64 * 1024,
            replies: 1024 * 1024,
            stalled: Duration::from_secs(30),
            half_command: Duration::from_secs(10),
            idle: None,
            linger: Duration::from_secs(1),
            events: 1024,
            connections: 10_000,
        }
    }
}
