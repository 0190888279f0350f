//! The signals that ask a program to end.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

use tokio::signal::unix::{self, SignalKind};

/// The signals that ask this program to end: `SIGTERM`, which service managers send, and `SIGINT`, which Ctrl-C sends.
///
/// Once this exists, they no longer end the program by themselves. Typically a server [drains](super::Server::stop) at the
/// first one, and cuts the remaining clients off at the second.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use kv_core::Store;
/// use futures::future::{Either, select};
/// use kv_server::net::{Server, Signals};
/// use std::pin::pin;
///
/// let mut signals = Signals::new()?;
/// # let store = Store::start().await?;
/// let server = Server::options().listen("127.0.0.1:0".parse()?).start(store).await?;
/// # signals.pretend();
/// signals.next().await;
/// match select(pin!(server.stop()), pin!(signals.next())).await {
///     Either::Left((stopped, _)) => stopped?,
///     Either::Right((signal, _)) => println!("{signal} again: the rest are cut off"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Signals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
    pretended: bool,
}

/// A signal that asks the program to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Signal {
    /// `SIGTERM`.
    Terminate,
    /// `SIGINT`.
    Interrupt,
}

impl Signals {
    /// Takes over the signals from now on.
    ///
    /// # Errors
    ///
    /// If the system does not allow it.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with its drivers enabled.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: unix::signal(SignalKind::terminate())?,
            interrupt: unix::signal(SignalKind::interrupt())?,
            pretended: false,
        })
    }

    /// Waits for the next signal. Several signals of one kind between two waits count as one.
    ///
    /// # Cancel safety
    ///
    /// Dropping it loses no signal.
    pub async fn next(&mut self) -> Signal {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Signal> {
        if std::mem::take(&mut self.pretended) || self.terminate.poll_recv(cx).is_ready() {
            Poll::Ready(Signal::Terminate)
        } else {
            self.interrupt.poll_recv(cx).map(|_| Signal::Interrupt)
        }
    }

    /// Acts as if `SIGTERM` had come, for examples.
    #[doc(hidden)]
    pub fn pretend(&mut self) {
        self.pretended = true;
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
        })
    }
}
