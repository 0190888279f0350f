//! HTTP/1 to an observer: one connection, and one request at a time.

use std::io;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, HOST, HeaderValue};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(5);

/// How long it may be in bytes. A page of the table has a tenth of it.
const ANSWER_MAX: usize = 4 << 20;

/// Why an observer was not asked, or has not answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// Nothing listens there.
    #[error("cannot connect to the observer at {address}: {source}; check the address, and whether its program runs")]
    #[non_exhaustive]
    Connect {
        /// The address.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// It does not answer.
    #[error("the observer at {address} has not answered for {WITHIN:?}; look whether its program does")]
    #[non_exhaustive]
    Late {
        /// The address.
        address: String,
    },
    /// It asks for a token, or for another one.
    #[error("the observer at {address} asks for its token, or has another one")]
    #[non_exhaustive]
    Token {
        /// The address.
        address: String,
    },
    /// It has an error.
    #[error("the observer at {address} answered {status}: {text}")]
    #[non_exhaustive]
    Refused {
        /// The address.
        address: String,
        /// The status code.
        status: u16,
        /// What it said.
        text: String,
    },
    /// It answered something else, or broke off.
    #[error("what answers at {address} is not an observer that is understood here: {what}")]
    #[non_exhaustive]
    NotUnderstood {
        /// The address.
        address: String,
        /// What is wrong with the answer.
        what: String,
    },
}

/// A client of one observer.
pub(super) struct Client {
    address: String,
    token: Option<HeaderValue>,
    /// Taken out during a request: after one that was given up, the next answer would be that of another.
    connection: Option<SendRequest<Empty<Bytes>>>,
}

impl Client {
    pub(super) fn new(address: String, token: Option<HeaderValue>) -> Self {
        Self { address, token, connection: None }
    }

    /// Asks for what stands at this path; `None` if there is nothing.
    pub(super) async fn get<T: DeserializeOwned>(&mut self, path: &str) -> Result<Option<T>, AskError> {
        let late = AskError::Late { address: self.address.clone() };
        let (status, body) = timeout(WITHIN, self.ask(path)).await.map_err(|_elapsed| late)??;
        let address = self.address.clone();
        match status {
            StatusCode::OK => match serde_json::from_slice(&body) {
                Ok(answer) => Ok(Some(answer)),
                Err(error) => Err(AskError::NotUnderstood { address, what: error.to_string() }),
            },
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::UNAUTHORIZED => Err(AskError::Token { address }),
            status => {
                let text = String::from_utf8_lossy(&body).trim_end().to_owned();
                Err(AskError::Refused { address, status: status.as_u16(), text })
            }
        }
    }

    async fn ask(&mut self, path: &str) -> Result<(StatusCode, Bytes), AskError> {
        let mut connection = match self.connection.take().filter(|connection| !connection.is_closed()) {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let mut request = Request::get(path).header(HOST, &self.address);
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, token);
        }
        let request = request.body(Empty::new()).map_err(|error| self.not_understood(&error))?;
        let answer = connection.send_request(request).await.map_err(|error| self.not_understood(&error))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_MAX).collect().await;
        let body = body.map_err(|error| self.not_understood(&error))?.to_bytes();
        self.connection = Some(connection);
        Ok((status, body))
    }

    async fn connect(&self) -> Result<SendRequest<Empty<Bytes>>, AskError> {
        let connected = TcpStream::connect(&self.address).await;
        let socket = connected.map_err(|source| AskError::Connect { address: self.address.clone(), source })?;
        let (sender, connection) =
            handshake(TokioIo::new(socket)).await.map_err(|error| self.not_understood(&error))?;
        #[expect(
            clippy::disallowed_methods,
            reason = "a program at a terminal chooses its runtime, and nothing simulates it"
        )]
        // What goes wrong there is what the request fails with. It ends with the sender.
        drop(tokio::spawn(connection));
        Ok(sender)
    }

    fn not_understood(&self, error: &dyn std::fmt::Display) -> AskError {
        AskError::NotUnderstood { address: self.address.clone(), what: error.to_string() }
    }
}
