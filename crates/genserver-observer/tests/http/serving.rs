//! Its own thread and socket, its health, the program's metrics.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use axum::http::StatusCode;
use genserver::Node;
use genserver_observer::{Observer, ServeError, TokenError};
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::client::{request, router, send, status, text};
use crate::servers::{Shows, Tell, Worker};

/// Asks by a socket, without any runtime.
fn ask(address: SocketAddr, path: &str) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    write!(socket, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_page_is_served_while_every_thread_of_the_runtime_is_blocked() {
    let (found, where_it_is) = mpsc::channel();
    let ((began, begins), (go_on, goes_on)) = (mpsc::channel(), mpsc::channel());
    #[expect(clippy::disallowed_methods, reason = "the runtime's only thread, which the test blocks")]
    let program = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let node = Node::new();
            let page = Observer::new(&node).serve("127.0.0.1:0").unwrap();
            let worker = node.start::<Worker>(Shows::default()).name("blocked").await.unwrap();
            worker.cast(Tell::Block(began, goes_on)).unwrap();
            found.send(page.address()).unwrap();
            worker.call(crate::servers::Ask::Ping).await.unwrap();
            page.stop();
        });
    });
    let address = where_it_is.recv().unwrap();
    begins.recv().unwrap();
    assert!(ask(address, "/api/processes").contains(r#""name":"blocked""#));
    assert!(ask(address, "/api/process/1").contains(r#""state":"running handle_cast""#));
    let unhealthy = ask(address, "/healthz");
    assert!(unhealthy.starts_with("HTTP/1.1 503 ") && unhealthy.contains("does not run its tasks"), "{unhealthy}");
    assert!(ask(address, "/").contains("<title>Observer</title>"));
    go_on.send(()).unwrap();
    program.join().unwrap();
}

#[test]
fn an_observer_serves_a_program_of_another_runtime() {
    let smol = genserver::runtime::Smol::new();
    let node = Node::with_runtime(Arc::new(smol.handle()));
    let page = Observer::new(&node).serve("127.0.0.1:0").unwrap();
    assert!(ask(page.address(), "/api/summary").starts_with("HTTP/1.1 200 "));
    assert!(ask(page.address(), "/healthz").contains("\r\n\r\nok\n"));
    page.stop();
}

#[test]
fn other_machines_need_a_token() {
    let node = Node::new();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:192.0.2.1]:0"] {
        let error = Observer::new(&node).serve(address).unwrap_err();
        assert!(matches!(error, ServeError::NeedsToken(_)), "{address}: {error}");
        assert!(error.to_string().contains("Observer::token"), "{error}");
    }
    let token = "k7Zq1xVw9TnR4bLc".parse().unwrap();
    let page = Observer::new(&node).token(token).serve("0.0.0.0:0").unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], page.address().port()));
    assert!(ask(address, "/api/summary").starts_with("HTTP/1.1 401 "));
    page.stop();
}

#[test]
fn a_token_that_can_be_guessed_is_refused() {
    use genserver_observer::Token;

    let parse = |text: &str| text.parse::<Token>().map(drop);
    assert_eq!(parse("0123456789abcde"), Err(TokenError::Short));
    assert_eq!(parse("0123456789abcdef"), Ok(()));
    assert_eq!(parse("0123456789abcde\n"), Err(TokenError::Character));
    assert_eq!(parse(&"a".repeat(257)), Err(TokenError::Long));
}

#[test]
fn an_address_that_is_taken_is_an_error_that_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = Observer::new(&Node::new()).serve(address).unwrap_err();
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    assert!(matches!(Observer::new(&Node::new()).serve("nonsense").unwrap_err(), ServeError::Address(_)));
}

#[test]
fn a_page_that_is_stopped_closes_its_connections() {
    let page = Observer::new(&Node::new()).serve("127.0.0.1:0").unwrap();
    let mut stream = TcpStream::connect(page.address()).unwrap();
    write!(stream, "GET /sse HTTP/1.1\r\nHost: {}\r\n\r\n", page.address()).unwrap();
    let mut first = [0; 15];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    page.stop();
    let mut rest = Vec::new();
    // It ends, in one way or the other.
    let _ = stream.read_to_end(&mut rest);
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let page = Observer::new(&Node::new()).serve("127.0.0.1:0").unwrap();
    let mut socket = TcpStream::connect(page.address()).unwrap();
    let head = format!("GET / HTTP/1.1\r\nHost: {}\r\nX-Long: {}\r\n\r\n", page.address(), "a".repeat(20_000));
    // The server may close before it has read everything.
    let _ = socket.write_all(head.as_bytes());
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    assert!(!String::from_utf8_lossy(&answer).contains(" 200 "));
    page.stop();
}

#[tokio::test]
async fn the_program_says_whether_it_is_ready() {
    let is_ready = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&is_ready);
    let router = Observer::new(&Node::new()).ready(move || asked.load(Ordering::Relaxed)).router().unwrap();
    assert_eq!(status(&router, "/readyz").await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(status(&router, "/healthz").await, StatusCode::OK);
    is_ready.store(true, Ordering::Relaxed);
    assert_eq!(status(&router, "/readyz").await, StatusCode::OK);
}

#[tokio::test]
async fn the_metrics_are_those_of_the_program_or_not_there() {
    assert_eq!(status(&router(&Node::new()), "/metrics").await, StatusCode::NOT_FOUND);
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let router = Observer::new(&Node::new()).metrics(move || handle.render()).router().unwrap();
    let answer = send(&router, request("/metrics")).await;
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(text(answer).await, "");
}
