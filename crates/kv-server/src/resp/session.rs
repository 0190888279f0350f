//! Executing and answering the requests of a read.
//!
//! - A1: there is one reply for each request, in the order of the requests; `SUBSCRIBE` and its relatives have one for each channel.

use futures::io::AsyncWrite;
use genserver::yield_now;

use super::RespProtocol;
use super::answer::{self, Answer};
use super::auth::NOT_LOGGED_IN;
use super::command::{Command, CommandEntry, unknown, wrong_arity};
use super::gather::{Cut, Gathered, gather};
use super::reply::{self, Version};
use super::request::{Request, Requests};
use super::transaction::Transaction;
use crate::command::is_from_browser;
use crate::limits::Limits;
use crate::login::Login;
use crate::served::ServedStore;
use crate::session::end::SessionEnd;
use crate::session::replies::{Replies, ReplyError};

/// A session that speaks RESP, with all that executing takes.
pub(crate) struct RespSession<'a, W> {
    pub(crate) store: &'a ServedStore,
    pub(crate) limits: &'a Limits,
    pub(crate) replies: &'a mut Replies<W>,
    pub(crate) login: &'a mut Login,
    pub(crate) resp: &'a mut RespProtocol,
}

/// What to do with a request.
enum RequestAction {
    /// Nothing yet: it was gathered with others.
    Gathered,
    /// Execute what was gathered: this one has large results.
    Large,
    /// Execute it alone: a barrier between the requests before it and after it.
    Alone(Command),
    /// End the session.
    Last(SessionEnd),
}

impl<W: AsyncWrite + Unpin> RespSession<'_, W> {
    /// Executes all complete requests and answers them. Returns why the session ends, if it does, and whether there was any.
    pub(crate) async fn answer(&mut self) -> Result<(Option<SessionEnd>, bool), ReplyError> {
        let mut taken = std::mem::take(&mut self.resp.taken);
        let read = self.resp.requests.take(&mut taken);
        let has_taken = !taken.is_empty();
        let was_in = self.login.is_in();
        let mut end = self.execute(&taken).await?;
        if !was_in {
            self.resp.requests.wipe(&mut taken);
        }
        taken.clear();
        self.resp.taken = taken;
        if let (None, Err(error)) = (end, read) {
            reply::err(&error.to_string(), self.replies.short());
            end = Some(SessionEnd::ProtocolError);
        }
        Ok((end, has_taken))
    }

    async fn execute(&mut self, requests: &Requests) -> Result<Option<SessionEnd>, ReplyError> {
        for number in 0..requests.len() {
            let request = requests.get(number);
            let end = match self.take(request) {
                RequestAction::Gathered if !self.resp.batch.is_full() => continue,
                RequestAction::Gathered => None,
                RequestAction::Large => {
                    self.carry_out().await?;
                    // A read may hold thousands of these, and others wait for this thread.
                    yield_now().await;
                    None
                }
                RequestAction::Alone(command) => {
                    self.carry_out().await?;
                    // Boxed, so that the future of the frequent requests stays small.
                    let end = Box::pin(self.alone(command, request)).await?;
                    self.replies.space().await?;
                    if has_long_reply(command) {
                        yield_now().await;
                    } else {
                        self.resp.batch.count(1).await;
                    }
                    end
                }
                RequestAction::Last(end) => Some(end),
            };
            self.carry_out().await?;
            if end.is_some() {
                return Ok(end);
            }
        }
        self.carry_out().await?;
        Ok(None)
    }

    /// Looks at a request. Most are gathered, so this is not async: a future for each would cost more than the parsing.
    fn take(&mut self, request: Request<'_>) -> RequestAction {
        let Some(entry) = CommandEntry::find(request.name()) else {
            if is_from_browser(request.name()) {
                return RequestAction::Last(SessionEnd::Browser);
            }
            if let Some(transaction) = &mut self.resp.transaction {
                transaction.is_aborted = true;
            }
            if !self.login.is_in() {
                // Not in Redis's words, which show the arguments: it may be a password behind a misspelt AUTH.
                return self.known(NOT_LOGGED_IN);
            }
            return self.refuse(unknown(request.name(), request.from(1)));
        };
        if !self.login.is_in() && !matches!(entry.command, Command::Auth | Command::Hello | Command::Quit) {
            return self.known(NOT_LOGGED_IN);
        }
        if let Some(transaction) = &mut self.resp.transaction
            && !is_about_transactions(entry.command)
        {
            return match transaction.queue(entry, request, self.limits) {
                Ok(()) => self.known(b"+QUEUED\r\n"),
                Err(text) => self.refuse(text),
            };
        }
        if !entry.takes(request.len()) {
            return self.refuse(wrong_arity(entry.name));
        }
        if self.resp.version == Version::Two && self.resp.has_subscribed() {
            match entry.command {
                // In this state, clients of version 2 expect an array.
                Command::Ping if request.len() == 1 => return self.known(b"*2\r\n$4\r\npong\r\n$0\r\n\r\n"),
                Command::Ping => return RequestAction::Alone(entry.command),
                command if is_for_subscribers(command) => {}
                _ => {
                    return self.refuse(format!(
                        "Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in \
                         this context",
                        entry.name
                    ));
                }
            }
        }
        match gather(&mut self.resp.batch, entry.command, request, Cut::Slice) {
            Ok(Gathered::Yes) => RequestAction::Gathered,
            Ok(Gathered::Large) => RequestAction::Large,
            Ok(Gathered::No) => RequestAction::Alone(entry.command),
            Err(text) => self.refuse(text),
        }
    }

    fn known(&mut self, answer: &'static [u8]) -> RequestAction {
        self.resp.batch.push(Answer::Known(answer));
        RequestAction::Gathered
    }

    fn refuse(&mut self, text: String) -> RequestAction {
        self.resp.batch.push(Answer::Error(text));
        RequestAction::Gathered
    }

    /// Executes what was gathered, and writes the answers in order.
    async fn carry_out(&mut self) -> Result<(), ReplyError> {
        let batch = &mut self.resp.batch;
        if batch.is_empty() {
            return Ok(());
        }
        batch.execute(self.store).await;
        for command in 0..batch.len() {
            let (answer, results) = batch.results(command);
            answer::write(answer, results, self.resp.version, self.replies).await?;
            self.replies.space().await?;
        }
        batch.clear().await;
        Ok(())
    }

    /// Executes a command that is a barrier. Returns why the session ends, if it does.
    async fn alone(&mut self, command: Command, request: Request<'_>) -> Result<Option<SessionEnd>, ReplyError> {
        match command {
            Command::Hello => {
                self.hello(request).await;
                return Ok(self.login.end());
            }
            Command::Auth => {
                self.auth(request).await;
                return Ok(self.login.end());
            }
            Command::Select => self.select(request),
            Command::Client => self.client(request),
            Command::Config => self.config(request),
            Command::Info => self.info(request).await,
            Command::Catalog => super::catalog::write(request, self.resp.version, self.replies.short()),
            Command::Reset => self.reset(),
            Command::Ping => self.subscribers_ping(request),
            Command::Quit => {
                self.replies.short().extend(reply::OK);
                return Ok(Some(SessionEnd::Quit));
            }
            Command::Hscan => self.hscan(request).await?,
            Command::Del => self.del(request).await,
            Command::Exists => self.exists(request).await,
            Command::Type => self.type_of(request).await,
            Command::Keys => self.keys(request).await?,
            Command::Scan => self.scan(request).await?,
            Command::Dbsize => self.dbsize().await,
            Command::Multi => self.multi(),
            Command::Exec => self.exec().await?,
            Command::Discard => self.discard(),
            Command::Watch => self.watch(),
            Command::Subscribe | Command::Psubscribe | Command::Unsubscribe | Command::Punsubscribe => {
                self.subscribe(command, request).await?;
            }
            _ => unreachable!("these are gathered"),
        }
        Ok(None)
    }

    fn multi(&mut self) {
        let out = self.replies.short();
        if self.resp.transaction.is_some() {
            return reply::err("MULTI calls can not be nested", out);
        }
        self.resp.transaction = Some(Box::default());
        out.extend(reply::OK);
    }

    fn discard(&mut self) {
        let out = self.replies.short();
        match self.resp.transaction.take() {
            Some(_) => out.extend(reply::OK),
            None => reply::err("DISCARD without MULTI", out),
        }
    }

    fn watch(&mut self) {
        let text = match self.resp.transaction {
            Some(_) => "WATCH inside MULTI is not allowed",
            None => "WATCH is not supported; HSETNX, HINCRBY and the commands of a transaction are atomic without it",
        };
        reply::err(text, self.replies.short());
    }

    async fn exec(&mut self) -> Result<(), ReplyError> {
        let Some(transaction) = self.resp.transaction.take() else {
            reply::err("EXEC without MULTI", self.replies.short());
            return Ok(());
        };
        let Transaction { mut batch, is_aborted, .. } = *transaction;
        if is_aborted {
            reply::error("EXECABORT Transaction discarded because of previous errors.", self.replies.short());
            return Ok(());
        }
        batch.execute(self.store).await;
        reply::array(batch.len(), self.replies.short());
        for command in 0..batch.len() {
            let (answer, results) = batch.results(command);
            answer::write(answer, results, self.resp.version, self.replies).await?;
            self.replies.space().await?;
        }
        Ok(())
    }
}

/// Whether the reply of a command may be long, so that thousands of them take a while.
fn has_long_reply(command: Command) -> bool {
    matches!(
        command,
        Command::Catalog
            | Command::Client
            | Command::Exec
            | Command::Hscan
            | Command::Info
            | Command::Keys
            | Command::Scan
    )
}

/// Whether a command is executed within a transaction, and not queued.
fn is_about_transactions(command: Command) -> bool {
    matches!(
        command,
        Command::Multi | Command::Exec | Command::Discard | Command::Watch | Command::Quit | Command::Reset
    )
}

/// Whether a subscriber of version 2 may send it: such a client takes all that comes for messages.
fn is_for_subscribers(command: Command) -> bool {
    matches!(
        command,
        Command::Subscribe
            | Command::Psubscribe
            | Command::Unsubscribe
            | Command::Punsubscribe
            | Command::Ping
            | Command::Quit
            | Command::Reset
    )
}
