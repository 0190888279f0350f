//! The signals that ask a program to end.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

use tokio::signal::unix::{self, SignalKind};

/// The signals that ask this program to end: `SIGTERM`, which service managers send, `SIGINT`, which Ctrl-C sends, and
/// `SIGHUP`, which comes when the terminal is closed.
///
/// If `SIGHUP` was ignored when the program started, as `nohup` arranges, it stays ignored. That is known on Linux alone.
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
    /// None if it is ignored.
    hangup: Option<unix::Signal>,
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
    /// `SIGHUP`.
    Hangup,
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
        let hangup = SignalKind::hangup();
        Ok(Self {
            // Asked before the signal is taken over.
            hangup: if is_ignored(hangup) { None } else { Some(unix::signal(hangup)?) },
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
            return Poll::Ready(Signal::Terminate);
        }
        if self.interrupt.poll_recv(cx).is_ready() {
            return Poll::Ready(Signal::Interrupt);
        }
        match &mut self.hangup {
            Some(hangup) => hangup.poll_recv(cx).map(|_| Signal::Hangup),
            None => Poll::Pending,
        }
    }

    /// Acts as if `SIGTERM` had come, for examples.
    #[doc(hidden)]
    pub fn pretend(&mut self) {
        self.pretended = true;
    }
}

/// Whether this process was started with the signal ignored. Linux says so in a file, and no other system without `unsafe`.
fn is_ignored(signal: SignalKind) -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores(&status, signal))
}

/// Whether a process of this status ignores a signal: the first signal is the lowest bit.
fn ignores(status: &str, signal: SignalKind) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal.as_raw_value() - 1) & 1 == 1
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
            Self::Hangup => "SIGHUP",
        })
    }
}

#[cfg(test)]
mod tests {
    //! What a system says of ignored signals.

    use super::*;

    #[test]
    fn an_ignored_signal_is_found_in_the_status_of_a_process() {
        let check =
            |status: &str, expected: bool| assert_eq!(ignores(status, SignalKind::hangup()), expected, "{status}");
        check("Name:\tkv\nSigIgn:\t0000000000000001\nSigCgt:\t0000000000000000\n", true);
        check("Name:\tkv\nSigIgn:\t0000000000001001\n", true);
        check("Name:\tkv\nSigIgn:\t0000000000001000\nSigCgt:\t0000000000000001\n", false);
        check("", false);
        check("SigIgn:\twhat", false);
        assert!(ignores("SigIgn:\t0000000000004000\n", SignalKind::terminate()));
    }
}
