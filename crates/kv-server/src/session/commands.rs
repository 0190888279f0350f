//! Executing and answering the commands of a read, one by one.

use bytes::Bytes;
use futures::io::{AsyncRead, AsyncWrite};
use kv_core::{CreateError, KeyPage};

use super::SessionEnd;
use super::connection::Connection;
use super::replies::ReplyError;
use crate::answer;
use crate::batch::Refusal;
use crate::command::{COMMANDS, CommandLine, Verb, is_from_browser};
use crate::lines::LineBuffer;
use crate::subscription::Subscription;

/// How many keys to ask a bucket for at once.
const KEYS: usize = 256;

const NO_OTHER: &[u8] =
    b"ERROR a session that has subscribed takes no command but QUIT; connect once more for others\r\n";

/// What to do with a line.
enum LineAction<'a> {
    /// Nothing yet: it was gathered with others.
    Gathered,
    /// Execute it alone: a barrier between the commands before it and after it.
    Alone(CommandLine<'a>),
    /// End the session.
    Last(SessionEnd),
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Connection<R, W> {
    /// Executes all complete commands and answers them. Returns why the session ends, if it does.
    pub(super) async fn answer(&mut self) -> Result<Option<SessionEnd>, ReplyError> {
        let read = self.lines.take();
        if !read.is_empty() {
            // If half a command waits now, it is a new one.
            self.half.take_back();
        }
        for line in LineBuffer::of(&read) {
            let end = match self.take(line, &read) {
                LineAction::Gathered if !self.gathered.is_full() => continue,
                LineAction::Gathered => None,
                LineAction::Alone(command) => {
                    self.carry_out().await?;
                    self.alone(command).await?
                }
                LineAction::Last(end) => Some(end),
            };
            self.carry_out().await?;
            if end.is_some() {
                return Ok(end);
            }
        }
        self.carry_out().await?;
        Ok(self.rest_is_too_long().then_some(SessionEnd::LineTooLong))
    }

    /// Looks at a line. Most are gathered, so this is not async: a future for each would cost more than the parsing.
    fn take<'a>(&mut self, line: &'a [u8], read: &Bytes) -> LineAction<'a> {
        if line.len() > self.limits.line {
            return LineAction::Last(SessionEnd::LineTooLong);
        }
        let has_subscribed = self.subscription.is_some();
        match CommandLine::read(line) {
            Err(_) if is_from_browser(line) => return LineAction::Last(SessionEnd::Browser),
            Ok(command) if command.verb == Verb::Quit => return LineAction::Alone(command),
            _ if has_subscribed => self.gathered.known(NO_OTHER),
            Err(_) => self.gathered.known(answer::UNKNOWN_COMMAND),
            Ok(command) => {
                if let Err(command) = self.gathered.gather(command, read) {
                    return LineAction::Alone(command);
                }
            }
        }
        LineAction::Gathered
    }

    /// Executes a command that is a barrier. Returns why the session ends, if it does.
    async fn alone(&mut self, command: CommandLine<'_>) -> Result<Option<SessionEnd>, ReplyError> {
        let bucket = &*command.words[0];
        match command.verb {
            Verb::Create => self.create(bucket).await,
            Verb::List => self.list(bucket).await?,
            Verb::Buckets => self.buckets().await?,
            Verb::Drop => self.drop_bucket(bucket).await,
            Verb::Subscribe => self.subscribe().await,
            Verb::Quit => {
                self.replies.short().extend(answer::DONE);
                return Ok(Some(SessionEnd::Quit));
            }
            Verb::Help => self.help(),
            Verb::Put | Verb::Get | Verb::Delete | Verb::Count | Verb::Ping => unreachable!("these are gathered"),
        }
        self.replies.space().await?;
        Ok(None)
    }

    async fn create(&mut self, name: &[u8]) {
        let created = match std::str::from_utf8(name) {
            Ok(name) => self.store.create(name).await.map(drop).map_err(|error: CreateError| error.to_string()),
            Err(_) => Err("the name is not UTF-8; give the bucket one that is".to_owned()),
        };
        let out = self.replies.short();
        match created {
            Ok(()) => out.extend(answer::DONE),
            Err(text) => answer::write_error(&text, out),
        }
    }

    async fn drop_bucket(&mut self, name: &[u8]) {
        let bucket = std::str::from_utf8(name).ok().and_then(|name| self.store.lookup(name));
        let removed = match bucket {
            Some(bucket) => bucket.remove().await.map_err(Refusal::from),
            None => Err(Refusal::NotFound),
        };
        let out = self.replies.short();
        match removed {
            Ok(()) => out.extend(answer::DONE),
            Err(refusal) => refusal.write(out),
        }
    }

    async fn list(&mut self, name: &[u8]) -> Result<(), ReplyError> {
        let Some(bucket) = std::str::from_utf8(name).ok().and_then(|name| self.store.lookup(name)) else {
            self.replies.short().extend(answer::NOT_FOUND);
            return Ok(());
        };
        let mut after = None;
        loop {
            let keys = match bucket.keys(KeyPage { after: after.clone(), limit: KEYS }).await {
                Ok(keys) => keys,
                Err(error) => {
                    // After the first keys it is too late to answer that there is no such bucket.
                    let is_first = after.is_none();
                    let refusal = if is_first { error.into() } else { Refusal::Error(error.to_string()) };
                    refusal.write(self.replies.short());
                    return Ok(());
                }
            };
            for key in &keys {
                self.replies.item(key).await?;
                self.replies.space().await?;
            }
            after = keys.into_iter().nth(KEYS - 1);
            if after.is_none() {
                break;
            }
        }
        self.replies.short().extend(answer::DONE);
        Ok(())
    }

    async fn buckets(&mut self) -> Result<(), ReplyError> {
        // All names at once: each is a reference to a name that the store has anyway.
        for name in self.store.names() {
            self.replies.item(name.as_bytes()).await?;
            self.replies.space().await?;
        }
        self.replies.short().extend(answer::DONE);
        Ok(())
    }

    async fn subscribe(&mut self) {
        match Subscription::begin(&self.store, self.limits.events).await {
            Ok(subscription) => {
                self.subscription = Some(subscription);
                self.replies.short().extend(answer::DONE);
            }
            Err(error) => answer::write_error(&error.to_string(), self.replies.short()),
        }
    }

    fn help(&mut self) {
        let out = self.replies.short();
        for usage in COMMANDS {
            out.extend(format!("{usage}\r\n").as_bytes());
        }
        out.extend(answer::DONE);
    }

    async fn carry_out(&mut self) -> Result<(), ReplyError> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        self.gathered.carry_out(&self.store, &mut self.replies).await
    }

    fn rest_is_too_long(&self) -> bool {
        let rest = self.lines.rest();
        rest.strip_suffix(b"\r").unwrap_or(rest).len() > self.limits.line
    }
}
