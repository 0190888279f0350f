//! What a client sends, and how it reads answers that come in pieces or end in the middle.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex};

use futures::io::Cursor;
use futures::task::noop_waker;
use futures::{FutureExt, StreamExt};

use super::*;
use crate::event::SubscriptionEvent;

/// The result of a future that has nothing to wait for.
#[track_caller]
fn block_on<F: Future>(future: F) -> F::Output {
    future.now_or_never().expect("everything has been said")
}

/// A client of a server that has already sent this.
fn client(said: &str) -> Client<Cursor<Vec<u8>>, Vec<u8>> {
    Client::new(Cursor::new(said.as_bytes().to_vec()), Vec::new())
}

/// Queues lines, and checks the answers and what was sent.
#[track_caller]
fn check(lines: &[&str], said: &str, expected: &[Answer], sent: &str) {
    let mut asked = Vec::new();
    let mut client = Client::new(Cursor::new(said.as_bytes()), &mut asked);
    for line in lines {
        match line.parse::<Command>() {
            Ok(command) => client.queue(&command),
            Err(_) => client.queue_unknown(line.as_bytes()),
        }
    }
    let answers: Vec<Answer> = expected.iter().map(|_| block_on(client.answer()).unwrap()).collect();
    assert_eq!(answers, expected);
    assert_eq!(client.awaited(), 0);
    assert_eq!(String::from_utf8(asked).unwrap(), sent);
}

#[test]
fn every_command_has_its_answer() {
    let items = Answer::Items(vec!["eggs".into(), "milk".into()]);
    check(&["CREATE a"], "OK\r\n", &[Answer::Done], "CREATE a\r\n");
    check(&["GET a k"], "1\r\nOK\r\n", &[Answer::Value("1".into())], "GET a k\r\n");
    check(&["GET a k"], "\r\nOK\r\n", &[Answer::Value("".into())], "GET a k\r\n");
    check(&["LIST a"], "* eggs\r\n* milk\r\nOK\r\n", &[items], "LIST a\r\n");
    check(&["BUCKETS"], "OK\r\n", &[Answer::Items(Vec::new())], "BUCKETS\r\n");
    check(&["LIST a"], "NOT FOUND\r\n", &[Answer::NotFound], "LIST a\r\n");
    check(&["PING"], "PONG\r\n", &[Answer::Pong], "PING\r\n");
    check(&["HELP"], "PING: PONG\r\nOK\r\n", &[Answer::Help(vec!["PING: PONG".into()])], "HELP\r\n");
    check(&["CREATE a"], "ERROR no\r\n", &[Answer::Error("no".into())], "CREATE a\r\n");
    check(&["FETCH a k"], "\r\nOK\r\n", &[Answer::Value("".into())], "FETCH a k\r\n");
    check(&["PUTNEW a k 1"], "EXISTS\r\n", &[Answer::Exists], "PUTNEW a k 1\r\n");
    check(&["CAS a k 1 2"], "DIFFERS\r\n", &[Answer::Differs], "CAS a k 1 2\r\n");
    check(&["EXPIRE a k 1s"], "KEY NOT FOUND\r\n", &[Answer::KeyNotFound], "EXPIRE a k 1s\r\n");
    check(&["BUY milk"], "UNKNOWN COMMAND\r\n", &[Answer::UnknownCommand], "BUY milk\r\n");
}

#[test]
fn a_line_may_end_without_a_carriage_return() {
    check(
        &["GET a k", "PING"],
        "1\nOK\nPONG\nPONG\n",
        &[Answer::Value("1".into()), Answer::Pong],
        "GET a k\r\nPING\r\nPING\r\n",
    );
}

#[test]
fn a_get_with_something_behind_it_is_marked_off_by_a_ping() {
    let not_found = [Answer::NotFound, Answer::Done];
    check(&["GET a k", "CREATE a"], "NOT FOUND\r\nPONG\r\nOK\r\n", &not_found, "GET a k\r\nPING\r\nCREATE a\r\n");
    let value = [Answer::Value("NOT FOUND".into()), Answer::Done];
    check(&["GET a k", "CREATE a"], "NOT FOUND\r\nOK\r\nPONG\r\nOK\r\n", &value, "GET a k\r\nPING\r\nCREATE a\r\n");
    let plain = [Answer::Value("1".into()), Answer::Done];
    check(&["GET a k", "CREATE a"], "1\r\nOK\r\nPONG\r\nOK\r\n", &plain, "GET a k\r\nPING\r\nCREATE a\r\n");
}

#[test]
fn a_get_alone_asks_only_when_it_cannot_tell() {
    check(&["GET a k"], "NOT FOUND\r\nPONG\r\n", &[Answer::NotFound], "GET a k\r\nPING\r\n");
}

#[test]
fn a_missing_key_is_told_from_a_value_that_reads_like_it() {
    let missing = [Answer::KeyNotFound, Answer::Done];
    check(&["FETCH a k", "CREATE a"], "KEY NOT FOUND\r\nPONG\r\nOK\r\n", &missing, "FETCH a k\r\nPING\r\nCREATE a\r\n");
    let value = [Answer::Value("KEY NOT FOUND".into())];
    check(&["FETCH a k"], "KEY NOT FOUND\r\nOK\r\nPONG\r\n", &value, "FETCH a k\r\nPING\r\n");
}

#[test]
fn an_answer_that_does_not_come_is_an_error() {
    #[track_caller]
    fn check(said: &str, expected: &str) {
        let error = block_on(client(said).send(&Command::list("a"))).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    check("", "closed the connection before it answered");
    check("* eggs\r\n", "closed the connection before it answered");
    check("* eggs\r\nOK", "closed the connection before it answered");
    check("HTTP/1.1 400 Bad Request\r\n", "is it a server of this kind?");
    check(&"x".repeat(2 * LINE_MAX), "longer than 1048576 bytes");
}

#[test]
fn a_server_that_turns_a_client_away_is_heard() {
    let answer = block_on(client("ERROR too many clients\r\n").send(&Command::get("a", "k"))).unwrap();
    assert_eq!(answer, Answer::Error("too many clients".into()));
}

/// A connection whose other end the test controls.
#[derive(Clone, Default)]
struct Line(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    coming: VecDeque<Vec<u8>>,
    sent: Vec<u8>,
    /// How many bytes the other side takes.
    space: usize,
}

impl AsyncRead for Line {
    fn poll_read(self: std::pin::Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let Some(piece) = self.0.lock().unwrap().coming.pop_front() else { return Poll::Pending };
        buffer[..piece.len()].copy_from_slice(&piece);
        Poll::Ready(Ok(piece.len()))
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: std::pin::Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.0.lock().unwrap();
        let length = bytes.len().min(state.space);
        if length == 0 {
            return Poll::Pending;
        }
        state.space -= length;
        state.sent.extend(&bytes[..length]);
        Poll::Ready(Ok(length))
    }

    fn poll_flush(self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn answers_are_read_while_commands_wait_to_be_written() {
    let line = Line::default();
    let mut client = Client::new(line.clone(), line.clone());
    client.queue(&Command::create("a"));
    client.queue(&Command::create("b"));
    {
        let mut state = line.0.lock().unwrap();
        state.space = 15;
        state.coming.extend(["O", "K\r", "\n"].map(|piece| piece.as_bytes().to_vec()));
    }
    assert_eq!(client.answer().now_or_never().unwrap().unwrap(), Answer::Done);
    assert_eq!(line.0.lock().unwrap().sent, b"CREATE a\r\nCREAT");
    {
        let mut state = line.0.lock().unwrap();
        state.space = usize::MAX;
        state.coming.push_back(b"OK\r\n".to_vec());
    }
    assert_eq!(client.answer().now_or_never().unwrap().unwrap(), Answer::Done);
    assert_eq!(line.0.lock().unwrap().sent, b"CREATE a\r\nCREATE b\r\n");
}

#[test]
fn the_answer_of_a_call_that_was_given_up_is_nobody_elses() {
    let line = Line::default();
    line.0.lock().unwrap().space = usize::MAX;
    let mut client = Client::new(line.clone(), line.clone());
    {
        let get = Command::get("a", "k");
        let mut given_up = pin!(client.send(&get));
        assert!(given_up.as_mut().poll(&mut Context::from_waker(&noop_waker())).is_pending());
    }
    line.0.lock().unwrap().coming.push_back(b"1\r\nOK\r\nPONG\r\nPONG\r\n".to_vec());
    assert_eq!(client.send(&Command::Ping).now_or_never().unwrap().unwrap(), Answer::Pong);
    assert_eq!(line.0.lock().unwrap().sent, b"GET a k\r\nPING\r\nPING\r\n");
}

#[test]
fn events_end_with_the_server_and_after_an_error() {
    let said = "OK\r\nCREATED a\r\nMISSED 3\r\n";
    let events = block_on(client(said).subscribe()).unwrap();
    let events: Vec<SubscriptionEvent> = block_on(events.map(Result::unwrap).collect());
    assert_eq!(
        events,
        [SubscriptionEvent::Created { bucket: "a".into() }, SubscriptionEvent::Missed { events: Some(3) }]
    );

    let mut events = block_on(client("OK\r\nOK\r\nCREATED a\r\n").subscribe()).unwrap();
    assert!(matches!(block_on(events.next()), Some(Err(SubscriptionError::Unexpected(_)))));
    assert!(block_on(events.next()).is_none());
}

#[test]
fn a_refused_subscription_says_what_was_answered() {
    let error = block_on(client("ERROR not now\r\n").subscribe()).unwrap_err();
    assert_eq!(error.to_string(), "the server gives no events: ERROR not now");
}
