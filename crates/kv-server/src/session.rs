//! One client: what it sends is read, carried out and answered.

use std::io;

use futures::io::{AsyncRead, AsyncWrite};
use kv_core::Store;

use crate::drain::Drain;
use crate::limits::Limits;

// Its life.
mod connection;
// What it answers.
mod commands;
// What the client has not taken yet.
mod replies;
// By when something has to have happened.
mod deadline;

use connection::Connection;
pub(crate) use replies::{Failed, Replies};

/// One client of a store, and how much it may have.
///
/// A session speaks over any reader and writer: a socket, a pipe, the standard input and output.
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
/// It is an async function and nothing more. Run it as a [process](genserver::spawn), and others can watch it and end it:
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
/// # Many commands at once
///
/// A client need not wait for an answer before it sends the next command. The answers come in the order of the commands, and are
/// the same as if it had waited. What comes in one read is carried out together and answered with one write: what is for one
/// bucket is one message to it, and so costs about as much as a single command. Commands for different buckets may be carried out
/// in another order than they were sent, until the next command that is none of `PUT`, `GET` and `DELETE`.
///
/// If a bucket ends meanwhile, a command that was surely not carried out is answered as if the bucket had never been, with `NOT FOUND`;
/// one of which that is not known, with an `ERROR` that says so.
///
/// # What a client may not
///
/// Every limit is in [`Limits`]. A session reads no more while there are too many replies that the client does not take, and ends when
/// it has taken none for too long; so no client costs more than that, whatever it sends and does not read.
///
/// A line that begins with `POST` or `Host:` comes from a browser that some page has made talk to us, and ends the session.
#[derive(Clone, Debug)]
#[must_use = "nothing is read until it serves"]
pub struct Session {
    store: Store,
    limits: Limits,
    drain: Drain,
}

/// Why a session has ended, when neither its reader nor its writer has failed.
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
/// let mut answered = Cursor::new(Vec::new());
/// let end = Session::new(store.clone()).serve(&b"QUIT\r\n"[..], &mut answered).await?;
/// assert_eq!(end, SessionEnd::Quit);
/// # store.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SessionEnd {
    /// The client has left. A last line without an end was not carried out, for it may have been cut off.
    Left,
    /// The client said `QUIT`.
    Quit,
    /// It was [told to](Session::drain); what had arrived was answered.
    Drained,
    /// A line was longer than [`Limits::line`]; the client was told.
    LineTooLong,
    /// Half a command came, and its rest did not within [`Limits::half_command`]; the client was told.
    HalfCommand,
    /// Replies waited for [`Limits::stalled`], and the client took none.
    Stalled,
    /// The client said nothing for [`Limits::idle`].
    Idle,
    /// It was a browser.
    Browser,
}

impl Session {
    /// A session with a store, with the usual [limits](Limits).
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::io::Cursor;
    /// use kv_core::Store;
    /// use kv_server::Session;
    ///
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Store::start().await?;
    /// let mut answered = Cursor::new(Vec::new());
    /// Session::new(store.clone()).serve(&b"CREATE shopping\n"[..], &mut answered).await?;
    /// assert!(store.lookup("shopping").is_some());
    /// # store.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(store: Store) -> Self {
        Self { store, limits: Limits::default(), drain: Drain::new() }
    }

    /// With these limits.
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
    /// let end = Session::new(store.clone()).limits(limits).serve(&b"PING\nCREATE shopping\n"[..], &mut answered).await?;
    /// assert_eq!(end, SessionEnd::LineTooLong);
    /// assert_eq!(answered.into_inner(), b"PONG\r\nERROR line too long; send lines of at most 8 bytes\r\n");
    /// # store.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// To end when `drain` [begins](Drain::begin).
    ///
    /// Then the session reads what has arrived, for a few milliseconds more and no longer; answers it; and closes.
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
    /// let end = Session::new(store.clone()).drain(&drain).serve(reader, Cursor::new(Vec::new())).await?;
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

    /// Serves the client until it leaves, or has to. When it returns, the writer is closed.
    ///
    /// # Errors
    ///
    /// What the reader or the writer failed with.
    ///
    /// # Panics
    ///
    /// If it has to wait outside every runtime: there is no clock.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends the session: what was asked and not answered may have been carried out, or not.
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
            Err(Failed::Stalled) => Ok(SessionEnd::Stalled),
            Err(Failed::Io(error)) => Err(error),
        }
    }
}
