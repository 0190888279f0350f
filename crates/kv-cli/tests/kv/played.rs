//! A server that the test plays: it answers when the test says so.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use crate::program::{LIMIT, thread};

pub(crate) struct Played {
    listener: TcpListener,
    /// What `--connect` takes.
    pub(crate) address: String,
}

impl Played {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        Self { listener, address }
    }

    /// Lets no other client come: one waits to be taken, and there is no space for a second one.
    #[cfg(target_os = "linux")]
    pub(crate) fn fill(&self) -> TcpStream {
        rustix::net::listen(&self.listener, 0).unwrap();
        TcpStream::connect(&self.address).unwrap()
    }

    /// The next client.
    #[track_caller]
    pub(crate) fn client(&self) -> PlayedClient {
        let listener = self.listener.try_clone().unwrap();
        let (stream, _) = thread(move || listener.accept().unwrap()).recv_timeout(LIMIT).expect("a client comes");
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        PlayedClient(BufReader::new(stream))
    }
}

/// One client of it.
pub(crate) struct PlayedClient(BufReader<TcpStream>);

impl PlayedClient {
    /// The next line that it sends.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Answers, unless it has left.
    pub(crate) fn answer(&mut self, text: &str) {
        // It may leave before it has read this.
        let _ = self.0.get_mut().write_all(text.as_bytes());
    }
}
