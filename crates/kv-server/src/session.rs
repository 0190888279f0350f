//! Serving one client: reading, executing, answering.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures::io::{AsyncRead, AsyncWrite};

use crate::drain::Drain;
use crate::limits::Limits;
use crate::login::{Door, Login};
use crate::password::PasswordHash;
use crate::resp::{RespClients, RespProtocol};
use crate::served::ServedStore;

// The life of a session.
mod connection;
// What the client speaks: ...
mod protocol;
// ... lines, ...
mod line_protocol;
// ... with these commands, ...
mod commands;
// ... and those whose answers are lists, or RESP.
mod lists;
// The events that it is sent.
mod news;
// The replies that the client has not taken yet.
pub(crate) mod replies;
// Deadlines.
pub(crate) mod deadline;
// Why it ends.
pub(crate) mod end;

use connection::Connection;
pub use end::SessionEnd;
use protocol::Protocol;
use replies::ReplyError;

/// Serves one client of a store, within limits.
///
/// A session works over any reader and writer: a socket, a pipe, standard input and output. The client speaks lines, or RESP if the
/// first byte that it sends is a `*`: see [the crate's page](crate#redis-clients).
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
/// buckets may be executed in another order than they were sent, up to the next command that is not only about the keys of one
/// bucket. If the storage of the store refuses the changes of one message, every command in it is answered with the error.
///
/// If a bucket ends meanwhile, a command that was certainly not executed is answered with `NOT FOUND`, as if there were no
/// bucket. A command that may have been executed is answered with an `ERROR` that says so.
///
/// # Limits
///
/// All limits are in [`Limits`]. A session stops reading while too many replies wait for the client, and ends when the
/// client has taken none for too long. So a client that sends and does not read costs no more than that.
///
/// A session yields after some thousand commands, and after each page of a list. So a client that never stops sending, or that
/// lists a million buckets, holds up the others on its thread for about a millisecond.
///
/// A line that begins with `POST` or `Host:`, in either protocol, comes from a browser, which a web page has made connect to this
/// port. It ends the session.
#[derive(Clone, Debug)]
#[must_use = "nothing is read until it serves"]
pub struct Session {
    store: ServedStore,
    limits: Limits,
    drain: Drain,
    clients: RespClients,
    is_resp: bool,
    door: Option<Arc<Door>>,
    peer: Option<SocketAddr>,
}

impl Session {
    /// Creates a session on a store, with the default [limits](Limits).
    pub fn new(store: impl Into<ServedStore>) -> Self {
        Self {
            store: store.into(),
            limits: Limits::default(),
            drain: Drain::new(),
            clients: RespClients::default(),
            is_resp: false,
            door: None,
            peer: None,
        }
    }

    /// Makes the session speak only RESP, the protocol of Redis.
    ///
    /// Otherwise the first byte decides: a client that begins with `*` speaks RESP, and any other one speaks lines. So a client
    /// that begins with an inline command of Redis, such as `PING` without a `*`, needs this.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::io::Cursor;
    /// use kv_core::Store;
    /// use kv_server::Session;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Store::start().await?;
    /// let mut answered = Cursor::new(Vec::new());
    /// let asked = &b"PING\r\nHSET shopping \"soy milk\" 1\r\n"[..];
    /// Session::new(store.clone()).resp().serve(asked, &mut answered).await?;
    /// assert_eq!(answered.into_inner(), b"+PONG\r\n:1\r\n");
    /// # store.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn resp(mut self) -> Self {
        self.is_resp = true;
        self
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

    /// Makes the client log in first: see [the crate's page](crate#passwords). By default every client can do everything.
    ///
    /// The clones of this session count failed logins together.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::io::Cursor;
    /// use kv_core::Store;
    /// use kv_server::{Password, Session};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Store::start().await?;
    /// let hash = Password::new("sesame")?.hash()?;
    /// let mut answered = Cursor::new(Vec::new());
    /// let asked = &b"CREATE shopping\r\nAUTH sesame\r\nCREATE shopping\r\n"[..];
    /// Session::new(store.clone()).password(hash).serve(asked, &mut answered).await?;
    /// assert_eq!(
    ///     answered.into_inner(),
    ///     b"ERROR log in first: send AUTH and the password\r\nOK\r\nOK\r\n"
    /// );
    /// # store.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn password(mut self, hash: PasswordHash) -> Self {
        self.door = Some(Arc::new(Door::new(hash)));
        self
    }

    /// Sets the address that the client connects from, as `CLIENT LIST` shows it.
    ///
    /// Failed logins are counted for its IP address. Those of all clients without one are counted together.
    pub fn peer(mut self, address: SocketAddr) -> Self {
        self.peer = Some(address);
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
        let Self { store, limits, drain, clients, is_resp, door, peer } = self;
        let login = Login::new(door, peer.map(|peer| peer.ip()), drain.clone(), &limits);
        let protocol = if is_resp {
            Protocol::Resp(Box::new(RespProtocol::new(clients.enter(peer), &limits)))
        } else {
            Protocol::Undecided { clients, peer }
        };
        match Connection::new(store, limits, protocol, login, drain.told(), reader, writer).run().await {
            Ok(end) => Ok(end),
            Err(ReplyError::Stalled) => Ok(SessionEnd::Stalled),
            Err(ReplyError::Io(error)) => Err(error),
        }
    }
}
