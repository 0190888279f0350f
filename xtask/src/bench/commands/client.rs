//! A client of many connections, each of which sends some commands and then waits for their answers.

use std::io::{BufRead, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpStream};

use crate::{Failure, Result};

/// How many keys a bucket has. Redis goes through a hash of few fields one by one, which is slower than to look one up.
pub(super) const KEYS: usize = 1000;

/// What is done with a key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Verb {
    Set,
    Get,
}

impl Verb {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Set => "HSET",
            Self::Get => "HGET",
        }
    }

    fn request(self, bucket: usize, key: usize) -> String {
        let (bucket, key) = (format!("bench{bucket:03}"), format!("key:{key:012}"));
        let bulk = |text: &str| format!("${}\r\n{text}\r\n", text.len());
        let start = [self.name(), &bucket, &key].map(bulk).concat();
        match self {
            Self::Set => format!("*4\r\n{start}{}", bulk("abc")),
            Self::Get => format!("*3\r\n{start}"),
        }
    }

    /// How many lines the answer has.
    fn lines(self) -> usize {
        match self {
            Self::Set => 1,
            Self::Get => 2,
        }
    }
}

/// The connections.
pub(super) struct Client {
    connections: Vec<BufReader<TcpStream>>,
}

impl Client {
    pub(super) fn connect(port: u16, connections: usize) -> Result<Self> {
        let connect = |_| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map(BufReader::new);
        let connections = (0..connections).map(connect).collect::<std::io::Result<_>>();
        Ok(Self {
            connections: connections.map_err(|error| Failure::new(format!("the server let no more in: {error}")))?,
        })
    }

    /// Has this many commands executed, `pipeline` of them at once over each connection. One after the other is for another bucket.
    pub(super) fn ask(&mut self, verb: Verb, buckets: usize, pipeline: usize, commands: usize) -> Result {
        let failure = |error| Failure::new(format!("the server stopped answering: {error}"));
        let mut numbers = 0..commands;
        while !numbers.is_empty() {
            let mut asked = Vec::new();
            for connection in &mut self.connections {
                let these = numbers.by_ref().take(pipeline);
                let requests: Vec<String> =
                    these.map(|number| verb.request(number % buckets, number / buckets % KEYS)).collect();
                connection.get_mut().write_all(requests.concat().as_bytes()).map_err(failure)?;
                asked.push(requests.len() * verb.lines());
            }
            for (connection, lines) in self.connections.iter_mut().zip(asked) {
                for _ in 0..lines {
                    let mut line = String::new();
                    let read = connection.read_line(&mut line).map_err(failure)?;
                    if read == 0 || line.starts_with('-') {
                        return Err(Failure::new(format!("the server answered `{}` to {}", line.trim(), verb.name())));
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    //! What is sent.

    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_request_is_an_array_of_strings() {
        let get = "*3\r\n$4\r\nHGET\r\n$8\r\nbench007\r\n$16\r\nkey:000000000042\r\n";
        assert_eq!(Verb::Get.request(7, 42), get);
        let set = get.replace("*3", "*4").replace("HGET", "HSET") + "$3\r\nabc\r\n";
        assert_eq!(Verb::Set.request(7, 42), set);
    }

    #[test]
    fn an_answer_that_is_an_error_is_one() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut client = Client::connect(listener.local_addr().unwrap().port(), 1).unwrap();
        let mut server = listener.accept().unwrap().0;
        server.write_all(b"-ERR no\r\n").unwrap();
        let error = client.ask(Verb::Set, 1, 1, 1).unwrap_err().to_string();
        assert_eq!(error, "the server answered `-ERR no` to HSET");
        let mut sent = vec![0; Verb::Set.request(0, 0).len()];
        server.read_exact(&mut sent).unwrap();
        assert_eq!(sent, Verb::Set.request(0, 0).into_bytes());
    }
}
