//! Serving one client: reading, executing, answering.

use std::io;

use futures::io::{AsyncRead, AsyncWrite};
use kv_core::Store;

use crate::drain::Drain;
use crate::limits::Limits;

// The life of a session.
mod connection;
// Its commands.
mod commands;
// The replies that the client has not taken yet.
mod replies;
// Deadlines.
mod deadline;

use connection::Connection;
pub(crate) use replies::{Replies, ReplyError};

/// Serves one client of a store, within limits.
///
/// A session works over any reader and writer: a socket, a pipe, standard input and output.
///
/// ```
/// use futures::io::Cursor;
/// use kv_core::Store;
/// use kv_server::{Session, SessionEnd};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Store::start().await?;
/// let asked = "CREATE shopping\r\nPUT shopping milk 1\r\nGET shopping milk\r\n";
/// let mut answered = Cursor::new(Vec::new());
/// let end = Session::new(store.clone()).serve(asked.as_bytes(), &mut answered).await?;
/// assert_eq!(answered.into_inner(), b"OK\r\nOK\r\n1\r\nOK\r\n");
/// assert_eq!(end, SessionEnd::Left);
/// # store.stop().await?;
/// # Ok(())
/// # }
/// ```
///
/// It is just an async function. Run it as a [process](genserver::spawn) to monitor and stop it:
///
/// ```
/// use genserver::{Probe, ProbeRef};
/// # use futures::io::Cursor;
/// # use kv_core::Store;
/// # use kv_server::Session;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let store = Store::start().await?;
/// # let (reader, writer) = (&b"PING\r\n"[..], Cursor::new(Vec::new()));
/// let session = Session::new(store.clone());
/// let process: ProbeRef<()> = genserver::spawn(move |_me: Probe<()>| async move {
///     session.serve(reader, writer).await?;
///     Ok(())
/// })?;
/// assert_eq!(process.process_ref().ended().await, genserver::Reason::Normal);
/// # store.stop().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Pipelining
///
/// A client need not wait for an answer before it sends the next command. Answers come in the order of the commands, and
/// are the same as if it had waited. All commands of one read are executed together and answered with one write. The
/// commands for one bucket travel as one message, which costs about as much as a single command. Commands for different
/// buckets may be executed in another order than they were sent, up to the next command other than `PUT`, `GET` and
/// `DELETE`.
///
/// If a bucket ends meanwhile, a command that was certainly not executed is answered with `NOT FOUND`, as if there were no
/// bucket. A command that may have been executed is answered with an `ERROR` that says so.
///
/// # Limits
///
/// All limits are in [`Limits`]. A session stops reading while too many replies wait for the client, and ends when the
/// client has taken none for too long. So a client that sends and does not read costs no more than that.
///
/// A line that begins with `POST` or `Host:` comes from a browser, which a web page has made connect to this port. It ends
/// the session.
#[derive(Clone, Debug)]
#[must_use = "nothing is read until it serves"]
pub struct Session {
    store: Store,
    limits: Limits,
    drain: Drain,
}

/// Why a session has ended, if neither the reader nor the writer failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SessionEnd {
    /// The client has left. A last line without an end was not executed, because it may have been cut off.
    Left,
    /// The client sent `QUIT`.
    Quit,
    /// It was [told to drain](Session::drain), and has answered what had arrived.
    Drained,
    /// A line was longer than [`Limits::line`]. The client was told.
    LineTooLong,
    /// The rest of a command did not come within [`Limits::half_command`]. The client was told.
    HalfCommand,
    /// Replies waited for [`Limits::stalled`] and the client took none.
    Stalled,
    /// The client was silent for [`Limits::idle`].
    Idle,
    /// The client was a browser.
    Browser,
}

impl Session {
    /// Creates a session on a store, with the default [limits](Limits).
    pub fn new(store: Store) -> Self {
        Self { store, limits: Limits::default(), drain: Drain::new() }
    }

    /// Sets the limits.
    ///
    /// # Examples
    ///
    /// ```
    /// # use futures::io::Cursor;
    /// use kv_core::Store;
    /// use kv_server::{Limits, Session, SessionEnd};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Store::start().await?;
    /// let limits = Limits { line: 8, ..Limits::default() };
    /// let mut answered = Cursor::new(Vec::new());
    /// let end = Session::new(store.clone())
    ///     .limits(limits)
    ///     .serve(&b"PING\nCREATE shopping\n"[..], &mut answered)
    ///     .await?;
    /// assert_eq!(end, SessionEnd::LineTooLong);
    /// assert_eq!(
    ///     answered.into_inner(),
    ///     b"PONG\r\nERROR line too long; send lines of at most 8 bytes\r\n"
    /// );
    /// # store.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Makes the session end when `drain` [begins](Drain::begin).
    ///
    /// It then reads what has arrived, for at most a few more milliseconds, answers it, and closes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use futures::io::Cursor;
    /// use kv_core::Store;
    /// use kv_server::{Drain, Session, SessionEnd};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (client, reader) = tokio::io::duplex(64);
    /// # let reader = tokio_util::compat::TokioAsyncReadCompatExt::compat(reader);
    /// let store = Store::start().await?;
    /// let drain = Drain::new();
    /// drain.begin();
    /// // The client is there, and says nothing.
    /// let end = Session::new(store.clone())
    ///     .drain(&drain)
    ///     .serve(reader, Cursor::new(Vec::new()))
    ///     .await?;
    /// assert_eq!(end, SessionEnd::Drained);
    /// # drop(client);
    /// # store.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn drain(mut self, drain: &Drain) -> Self {
        self.drain = drain.clone();
        self
    }

    /// Serves the client until one of them ends the session. When this returns, the writer is closed.
    ///
    /// # Errors
    ///
    /// The error of the reader or the writer.
    ///
    /// # Panics
    ///
    /// If it has to wait outside of a runtime, where there is no clock.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends the session. Commands without an answer may or may not have been executed.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::io::Cursor;
    /// use kv_core::Store;
    /// use kv_server::{Session, SessionEnd};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Store::start().await?;
    /// let mut answers = Cursor::new(Vec::new());
    /// let end = Session::new(store.clone()).serve(&b"PING\nPING\nPI"[..], &mut answers).await?;
    /// assert_eq!(end, SessionEnd::Left);
    /// assert_eq!(answers.into_inner(), b"PONG\r\nPONG\r\n");
    /// # store.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn serve<R, W>(self, reader: R, writer: W) -> io::Result<SessionEnd>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let Self { store, limits, drain } = self;
        match Connection::new(store, limits, drain.told(), reader, writer).run().await {
            Ok(end) => Ok(end),
            Err(ReplyError::Stalled) => Ok(SessionEnd::Stalled),
            Err(ReplyError::Io(error)) => Err(error),
        }
    }
}
