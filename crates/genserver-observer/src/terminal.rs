//! The observer at a terminal: what its page shows, for those who have no browser at hand. It needs the feature `terminal`.
//!
//! ```no_run
//! use genserver_observer::terminal::Top;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let top = Top::new("127.0.0.1:4000");
//! println!("{}", top.snapshot().await?);
//! top.run().await?;
//! # Ok(())
//! # }
//! ```
//!
//! It asks a program that serves an observer, over HTTP, and only reads. The numbers of all processes stand
//! on top, below them what is stuck or broken, then a table of the processes; one of them, or the reports, in a pane below it.
//!
//! | key | what it does |
//! |---|---|
//! | `↑` `↓` `PageUp` `PageDown` `Home` `End`, or `k` `j` | choose a process; the table is read in pages as large as the screen |
//! | `Enter` | shows the chosen process in the pane: its state, what it waits for, its links |
//! | `l` | shows the reports in the pane, newest first |
//! | `Esc` | closes the pane, or ends a search |
//! | `[` `]` | scroll the pane |
//! | `/` | begins a search in names, labels, types, states and pids; `Enter` keeps it |
//! | `s` `S` | sorts by the next or the last column; `r` turns the order around |
//! | `q`, `Ctrl-C` | leaves |
//!
//! While the program does not answer, it shows what it has seen last, says why, and asks again each second. In a narrow terminal there are
//! fewer columns and numbers: those that are left are whole, and what is bad or sorted by is among them.

// Asking the observer, over HTTP.
mod client;
// What a round of questions asks and brings.
mod round;
// What is known and chosen.
mod view;
// What the keys do.
mod keys;
// How it looks, ...
mod draw;
// ... the pane below the table, ...
mod pane;
// ... and numbers and texts that fit.
mod fit;
// One look, as text or JSON.
mod snapshot;
// The screen, keys and signals.
mod screen;
// What is on the screen after which keys.
#[cfg(test)]
mod played;

use std::fmt;
use std::io;

use hyper::header::{HeaderValue, InvalidHeaderValue};

pub use client::AskError;
pub use screen::Left;
pub use snapshot::Snapshot;

use client::Client;

/// The port of an address without one.
const DEFAULT_PORT: u16 = 4000;

/// An observer that is asked from a terminal. See [the module](self).
///
/// # Examples
///
/// ```
/// use genserver_observer::terminal::{AskError, Top};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// // Nothing listens there.
/// let refused = Top::new("127.0.0.1:1").snapshot().await.unwrap_err();
/// assert!(matches!(refused, AskError::Connect { .. }));
/// # }
/// ```
#[derive(Clone)]
pub struct Top {
    address: String,
    token: Option<HeaderValue>,
}

impl Top {
    /// An observer at `HOST:PORT`, also with `http://` before it. Without a port, it is 4000.
    pub fn new(address: &str) -> Self {
        let address = address.strip_prefix("http://").unwrap_or(address).trim_end_matches('/');
        let has_port = address.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let address = if has_port { address.to_owned() } else { format!("{address}:{DEFAULT_PORT}") };
        Self { address, token: None }
    }

    /// Sets the token that the observer asks for.
    ///
    /// # Errors
    ///
    /// If it has a character that cannot be in the header of a request.
    pub fn token(mut self, token: impl AsRef<[u8]>) -> Result<Self, InvalidHeaderValue> {
        let mut header = HeaderValue::from_bytes(&[b"Bearer ", token.as_ref()].concat())?;
        header.set_sensitive(true);
        self.token = Some(header);
        Ok(self)
    }

    /// Looks once.
    ///
    /// # Errors
    ///
    /// [`AskError`] if the observer does not answer within 5 seconds, or refuses to.
    pub async fn snapshot(&self) -> Result<Snapshot, AskError> {
        Snapshot::take(&mut self.client()).await
    }

    /// Shows the observer at the terminal, until a key or a signal ends it. The terminal is restored then, and also if this panics or is
    /// dropped.
    ///
    /// It takes over the terminal, the signals `SIGTERM`, `SIGINT` and `SIGHUP`, and the panic hook of the program.
    ///
    /// # Errors
    ///
    /// If the terminal cannot be read or written. An observer that does not answer is not an error: it is asked again.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with its drivers enabled.
    pub async fn run(&self) -> io::Result<Left> {
        screen::run(self.client(), &self.address).await
    }

    fn client(&self) -> Client {
        Client::new(self.address.clone(), self.token.clone())
    }
}

impl fmt::Debug for Top {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Top").field("address", &self.address).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    //! Addresses as people write them.

    use super::*;

    #[test]
    fn an_address_may_be_that_of_the_page() {
        for (written, address) in [
            ("127.0.0.1:4001", "127.0.0.1:4001"),
            ("http://127.0.0.1:4001/", "127.0.0.1:4001"),
            ("localhost", "localhost:4000"),
            ("[::1]", "[::1]:4000"),
            ("[::1]:1", "[::1]:1"),
        ] {
            assert_eq!(Top::new(written).address, address);
        }
    }

    #[test]
    fn a_token_is_in_no_debug() {
        let top = Top::new("localhost").token("k7Zq1xVw9TnR4bLc").unwrap();
        assert!(!format!("{top:?} {:?}", top.token).contains("k7Zq1xVw"));
        assert!(Top::new("localhost").token("a\nb").is_err());
    }
}
