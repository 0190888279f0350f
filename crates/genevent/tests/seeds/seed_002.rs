//! The two handlers of seed 002 and its console session.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::sync::mpsc::{Receiver, Sender, channel};

use genevent::{
    Handler, HandlerCaller, HandlerCx, HandlerRef, LoggedMessages, LoggerHandler as StockLogger, Manager, React,
    Reaction,
};
use genserver::{Never, Probe};

/// `{:msg, msg}`.
struct Msg(&'static str);

/// The terminal that `IO.puts` writes to.
type Terminal = Sender<String>;

struct LoggerHandler {
    messages: Vec<&'static str>,
    terminal: Terminal,
}

/// `:messages`.
struct GetMessages(HandlerCaller<Vec<&'static str>>);

impl Handler<Msg> for LoggerHandler {
    type Call = GetMessages;

    fn handle_event(&mut self, Msg(msg): &Msg, _cx: &mut HandlerCx<Msg>) -> Reaction<Msg> {
        self.terminal.send(format!("Logging new message: {msg}"))?;
        self.messages.insert(0, msg);
        React::stay()
    }

    fn handle_call(&mut self, GetMessages(client): GetMessages, _cx: &mut HandlerCx<Msg>) -> Reaction<Msg> {
        React::reply(client, self.messages.iter().rev().copied().collect())
    }
}

struct PersistenceHandler(Terminal);

impl Handler<Msg> for PersistenceHandler {
    type Call = Never;

    fn handle_event(&mut self, Msg(msg): &Msg, _cx: &mut HandlerCx<Msg>) -> Reaction<Msg> {
        self.0.send(format!("Persisting log message: {msg}"))?;
        React::stay()
    }
}

/// The manager of the session, with both handlers.
async fn session() -> (Probe<()>, Manager<Msg>, HandlerRef<LoggerHandler>, Receiver<String>) {
    let shell = Probe::new();
    let (terminal, printed) = channel();
    let pid = shell.scope(async { Manager::start_link().await }).await.unwrap();
    let logger = LoggerHandler { messages: Vec::new(), terminal: terminal.clone() };
    let logger = pid.add_handler(logger).await.unwrap();
    pid.add_handler(PersistenceHandler(terminal)).await.unwrap();
    (shell, pid, logger, printed)
}

/// ```iex
/// iex> GenEvent.notify(pid, {:msg, "Hello World"})
/// Logging new message: Hello World
/// Persisting log message: Hello World
///
/// iex> GenEvent.call(pid, LoggerHandler, :messages)
/// ["Hello World"]
/// ```
#[tokio::test]
async fn ge_155_two_handlers_see_one_event_and_one_of_them_is_asked() {
    let (_shell, pid, logger, printed) = session().await;
    pid.notify(Msg("Hello World")).map_err(|_event| "it is there").unwrap();
    assert_eq!(pid.call(&logger, GetMessages).await.unwrap(), ["Hello World"]);
    let lines: Vec<String> = printed.try_iter().collect();
    assert_eq!(lines, ["Logging new message: Hello World", "Persisting log message: Hello World"]);
}

/// `Enum.reverse(messages)`: oldest first.
#[tokio::test]
async fn messages_come_back_in_the_order_of_their_arrival() {
    let (_shell, pid, logger, _printed) = session().await;
    for msg in ["one", "two", "three"] {
        pid.notify(Msg(msg)).map_err(|_event| "it is there").unwrap();
    }
    assert_eq!(pid.call(&logger, GetMessages).await.unwrap(), ["one", "two", "three"]);
}

/// The same log with the crate's own handler.
#[tokio::test]
async fn the_stock_logger_keeps_the_same_log() {
    let pid = Manager::start().await.unwrap();
    let logger = pid.add_handler(StockLogger::new()).await.unwrap();
    pid.notify("Hello World").unwrap();
    assert_eq!(pid.call(&logger, LoggedMessages).await.unwrap(), ["Hello World"]);
}
