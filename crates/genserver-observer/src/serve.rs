//! The observer's own thread, and the socket that it serves.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use futures::future::{AbortHandle, Abortable};
use genserver::Node;
use genserver::report::Reports;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::runtime::{Builder, Handle};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

// A socket whose peer has to read.
mod impatient;

use impatient::Impatient;

use crate::observe::{Watch, watch};
use crate::web::is_loopback;

/// How many connections may be open: a page has two, and asks by one of them.
const CONNECTIONS_MAX: usize = 256;

/// For how long a connection may take to send the head of a request, and so for how long it may be idle.
const HEAD_WITHIN: Duration = Duration::from_secs(30);

/// How many bytes of a request are held. The requests of the page have a tenth of that.
const REQUEST_MAX: usize = 16 * 1024;

/// For how long a client may read nothing of an answer that is under way.
const READ_WITHIN: Duration = Duration::from_secs(30);

/// How long nothing is accepted after an accept has failed: the machine has no descriptor left.
const PAUSE: Duration = Duration::from_millis(100);

/// Why the page cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address is not one, or its name is not known.
    #[error("the observer has no address to listen on: {0}; write HOST:PORT, as in 127.0.0.1:4000")]
    Address(#[source] io::Error),
    /// Other machines can reach it, and there is no token.
    #[error("other machines can reach {0}, so the observer needs a token to listen there: see `Observer::token`")]
    NeedsToken(SocketAddr),
    /// Nothing can listen there.
    #[error("the observer cannot listen on {0}: {1}; take another port, or 0 for a free one")]
    Listen(SocketAddr, #[source] io::Error),
    /// The machine has no thread left.
    #[error(transparent)]
    Thread(#[from] ThreadError),
}

/// The observer's thread did not start.
#[derive(Debug, thiserror::Error)]
#[error("the thread of the observer did not start: {0}; the machine lacks threads, memory or descriptors")]
#[non_exhaustive]
pub struct ThreadError(#[from] io::Error);

/// A page that is served: made by [`Observer::serve`](crate::Observer::serve).
#[derive(Debug)]
pub struct Serving {
    address: SocketAddr,
    serving: AbortHandle,
}

impl Serving {
    /// The address that it is served at. If port 0 was asked for, this says which one it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops serving. Open connections are closed, and the observer's thread ends.
    pub fn stop(self) {
        self.serving.abort();
    }
}

/// Starts the thread that looks at the node.
pub(crate) fn start(node: Node, reports: Reports) -> Result<(Watch, Handle), ThreadError> {
    let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
    let handle = runtime.handle().clone();
    let (watch, observing) = watch(node, reports);
    #[expect(clippy::disallowed_methods, reason = "it goes on while the threads of every runtime are blocked")]
    std::thread::Builder::new().name("observer".to_owned()).spawn(move || runtime.block_on(observing))?;
    Ok((watch, handle))
}

/// Listens on the first of the addresses where that is possible, if all of them may be listened on.
pub(crate) fn listen(address: impl ToSocketAddrs, has_token: bool) -> Result<TcpListener, ServeError> {
    let addresses: Vec<SocketAddr> = address.to_socket_addrs().map_err(ServeError::Address)?.collect();
    if let Some(open) = addresses.iter().find(|address| !has_token && !is_loopback(address.ip())) {
        return Err(ServeError::NeedsToken(*open));
    }
    let mut refused = None;
    for address in addresses {
        let bound = TcpListener::bind(address).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(listener)
        });
        match bound {
            Ok(listener) => return Ok(listener),
            Err(error) => refused = Some(ServeError::Listen(address, error)),
        }
    }
    let nothing = || ServeError::Address(io::Error::new(io::ErrorKind::NotFound, "the name leads to no address"));
    Err(refused.unwrap_or_else(nothing))
}

/// Serves the routes on the observer's thread.
pub(crate) fn serve(listener: TcpListener, routes: Router, thread: &Handle) -> Result<Serving, ServeError> {
    let address = listener.local_addr().map_err(ServeError::Address)?;
    let entered = thread.enter();
    let listener = tokio::net::TcpListener::from_std(listener).map_err(|error| ServeError::Listen(address, error))?;
    drop(entered);
    let (serving, stopped) = AbortHandle::new_pair();
    #[expect(clippy::disallowed_methods, reason = "this is the observer's own runtime")]
    drop(thread.spawn(Abortable::new(accept(listener, routes), stopped)));
    Ok(Serving { address, serving })
}

async fn accept(listener: tokio::net::TcpListener, routes: Router) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    // Dropped when serving is stopped, and all connections with it.
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((socket, peer)) = listener.accept().await else {
            #[expect(clippy::disallowed_methods, reason = "this is the observer's own runtime")]
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        let routes = routes.clone().layer(axum::Extension(ConnectInfo(peer)));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WITHIN)
            .max_buf_size(REQUEST_MAX)
            .serve_connection(TokioIo::new(Impatient::new(socket, READ_WITHIN)), TowerToHyperService::new(routes));
        connections.spawn(async move {
            // A client that goes away is not an error that anyone needs to hear of.
            let _ = connection.await;
            drop(place);
        });
    }
}

#[cfg(test)]
mod tests {
    //! Clients that take their time. The clock is virtual: it moves when nothing else does.

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// What a client gets that sends this and no more, until its connection is closed.
    async fn answer_to(sent: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let mut client = TcpStream::connect(listener.local_addr().expect("it listens")).await.expect("it listens");
        let routes = Router::new().route("/", axum::routing::get(async || "here"));
        let mut answer = String::new();
        client.write_all(sent.as_bytes()).await.expect("it is connected");
        let reading = client.read_to_string(&mut answer);
        match futures::future::select(std::pin::pin!(accept(listener, routes)), std::pin::pin!(reading)).await {
            futures::future::Either::Left(((), _)) => unreachable!("it accepts for ever"),
            // It was closed, in one way or the other.
            futures::future::Either::Right((_read, _)) => answer,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_stops_within_its_head_loses_its_connection() {
        assert!(!answer_to("GET / HTT").await.contains(" 200 "));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_says_nothing_loses_its_connection() {
        assert_eq!(answer_to("").await, "");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_asks_once_and_stays_loses_its_connection() {
        assert!(answer_to("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.ends_with("here"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000000\r\n\r\n";
        assert!(answer_to(head).await.starts_with("HTTP/1.1 405 "));
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_with_too_many_headers_is_refused() {
        let headers = "X-Many: 1\r\n".repeat(200);
        let answer = answer_to(&format!("GET / HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
}
