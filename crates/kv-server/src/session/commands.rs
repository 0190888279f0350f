//! Executing and answering the commands of a read, one by one.

use std::borrow::Cow;

use bytes::Bytes;
use futures::io::AsyncWrite;
use genserver::yield_now;
use kv_core::{Compared, Operation};
use zeroize::Zeroize;

use super::end::SessionEnd;
use super::line_protocol::LineSession;
use super::news::News;
use super::replies::ReplyError;
use crate::answer;
use crate::batch::{Refusal, stored};
use crate::command::auth::{self, NoPasswordGiven};
use crate::command::{COMMANDS, CommandLine, ParseCommandError, Verb, is_from_browser, times};
use crate::lines::LineBuffer;
use crate::login;

const NO_OTHER: &[u8] =
    b"ERROR a session that has subscribed takes no command but QUIT; connect once more for others\r\n";

/// What to do with a line.
enum LineAction<'a> {
    /// Nothing yet: it was gathered with others.
    Gathered,
    /// Execute it alone: a barrier between the commands before it and after it.
    Alone(CommandLine<'a>),
    /// Log in with this password, and execute what follows after that.
    LogIn(Cow<'a, [u8]>),
    /// End the session.
    Last(SessionEnd),
}

impl<W: AsyncWrite + Unpin> LineSession<'_, W> {
    /// Executes all complete commands and answers them. Returns why the session ends, if it does.
    pub(super) async fn answer(&mut self) -> Result<Option<SessionEnd>, ReplyError> {
        let read = self.lines.take();
        if !read.is_empty() {
            // If half a command waits now, it is a new one.
            self.half.take_back();
        }
        let was_in = self.login.is_in();
        let end = self.execute(&read).await?;
        if !was_in {
            self.lines.wipe(read);
        }
        Ok(end)
    }

    async fn execute(&mut self, read: &Bytes) -> Result<Option<SessionEnd>, ReplyError> {
        for line in LineBuffer::of(read) {
            let end = match self.take(line, read) {
                LineAction::Gathered if !self.gathered.is_full() => continue,
                LineAction::Gathered => None,
                LineAction::Alone(command) => {
                    self.carry_out().await?;
                    let end = self.alone(command).await?;
                    self.gathered.count_alone().await;
                    end
                }
                LineAction::LogIn(mut password) => {
                    self.carry_out().await?;
                    self.log_in(&password).await?;
                    if let Cow::Owned(password) = &mut password {
                        password.zeroize();
                    }
                    self.login.end()
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
            Err(error) => return self.take_other(line, error),
            Ok(_) if !self.login.is_in() => self.gathered.wrong(login::NOT_LOGGED_IN),
            Ok(command) => {
                if let Err(command) = self.gathered.gather(command, read) {
                    return LineAction::Alone(command);
                }
            }
        }
        LineAction::Gathered
    }

    /// Looks at a line that is not a command: it may log in.
    fn take_other<'a>(&mut self, line: &'a [u8], error: ParseCommandError) -> LineAction<'a> {
        match (auth::read(line), error) {
            (Some(Ok(password)), _) => return LineAction::LogIn(password),
            (Some(Err(NoPasswordGiven)), _) => self.gathered.wrong(NoPasswordGiven::TEXT),
            _ if !self.login.is_in() => self.gathered.wrong(login::NOT_LOGGED_IN),
            (None, ParseCommandError::Unknown) => self.gathered.known(answer::UNKNOWN_COMMAND),
            (None, ParseCommandError::Quote(error)) => self.gathered.wrong(error.text()),
        }
        LineAction::Gathered
    }

    async fn log_in(&mut self, password: &[u8]) -> Result<(), ReplyError> {
        // Boxed, so that the future of the frequent commands stays small.
        let logged_in = Box::pin(self.login.log_in(password)).await;
        let out = self.replies.short();
        match logged_in {
            Ok(()) => out.extend(answer::DONE),
            Err(refusal) => answer::write_error(&refusal.to_string(), out),
        }
        self.replies.space().await
    }

    /// Executes a command that is a barrier. Returns why the session ends, if it does.
    async fn alone(&mut self, command: CommandLine<'_>) -> Result<Option<SessionEnd>, ReplyError> {
        let bucket = &*command.words[0];
        match command.verb {
            Verb::Create => self.create(bucket).await,
            Verb::CompareAndSet | Verb::CompareAndDelete => self.compare_and_set(command).await,
            Verb::PutExpiring => self.put_expiring(command).await,
            Verb::List => self.list(bucket, command.optional()).await?,
            Verb::Buckets => self.buckets(command.optional()).await?,
            Verb::Drop => self.drop_bucket(bucket).await,
            Verb::Subscribe => self.subscribe().await,
            Verb::Watch => self.watch(bucket).await,
            Verb::Quit => {
                self.replies.short().extend(answer::DONE);
                return Ok(Some(SessionEnd::Quit));
            }
            Verb::Help => {
                self.help();
                // A read may hold thousands of them, and the answer is long.
                yield_now().await;
            }
            Verb::Put
            | Verb::PutNew
            | Verb::Get
            | Verb::Delete
            | Verb::Fetch
            | Verb::Expire
            | Verb::Persist
            | Verb::TimeToLive
            | Verb::Count
            | Verb::Ping => unreachable!("these are gathered"),
        }
        self.replies.space().await?;
        Ok(None)
    }

    async fn create(&mut self, name: &[u8]) {
        let created = self.store.create(name).await;
        let out = self.replies.short();
        match created {
            Ok(()) => out.extend(answer::DONE),
            Err(refusal) => refusal.write(out),
        }
    }

    async fn drop_bucket(&mut self, name: &[u8]) {
        let removed = match self.store.bucket(name) {
            Some(bucket) => bucket.remove().await,
            None => Err(Refusal::NotFound),
        };
        self.done(removed);
    }

    /// Replaces a value, or removes it.
    async fn compare_and_set(&mut self, command: CommandLine<'_>) {
        let [bucket, key, expected, new] = command.words;
        let new = (command.verb == Verb::CompareAndSet).then(|| stored(new));
        let set = match self.store.bucket(&bucket) {
            Some(bucket) => bucket.compare_and_set(stored(key), Some(stored(expected)), new).await,
            None => return self.replies.short().extend(answer::NOT_FOUND),
        };
        let out = self.replies.short();
        match set {
            Ok(Compared::Set) => out.extend(answer::DONE),
            Ok(Compared::Differs { found: None }) => out.extend(answer::KEY_NOT_FOUND),
            Ok(Compared::Differs { .. }) => out.extend(answer::DIFFERS),
            Err(refusal) => refusal.write(out),
        }
    }

    async fn put_expiring(&mut self, command: CommandLine<'_>) {
        let [bucket, key, value, time] = command.words;
        let put = match (self.store.bucket(&bucket), times::read(&time)) {
            (_, None) => Err(Refusal::Error(times::NO_TIME.to_owned())),
            (None, _) => Err(Refusal::NotFound),
            (Some(bucket), Some(time)) => {
                let key = stored(key);
                let put = vec![Operation::Put(key.clone(), stored(value)), Operation::Expire(key, time.into())];
                bucket.apply(put).await
            }
        };
        self.done(put);
    }

    fn done(&mut self, done: Result<(), Refusal>) {
        let out = self.replies.short();
        match done {
            Ok(()) => out.extend(answer::DONE),
            Err(refusal) => refusal.write(out),
        }
    }

    async fn subscribe(&mut self) {
        let news = News::of_buckets(self.store, self.limits.events).await;
        self.tell(news);
    }

    async fn watch(&mut self, name: &[u8]) {
        let is_there = self.store.contains(name).await;
        let bucket = match is_there.map(|is_there| std::str::from_utf8(name).ok().filter(|_| is_there)) {
            Ok(Some(name)) => name.parse(),
            Ok(None) => return self.replies.short().extend(answer::NOT_FOUND),
            Err(refusal) => return refusal.write(self.replies.short()),
        };
        let Ok(bucket) = bucket else { return self.replies.short().extend(answer::NOT_FOUND) };
        let news = News::of_keys(self.store, self.limits.events, bucket).await;
        self.tell(news);
    }

    /// Begins to tell the client of events.
    fn tell(&mut self, news: Result<News, Refusal>) {
        match news {
            Ok(news) => {
                *self.subscription = Some(news);
                self.replies.short().extend(answer::DONE);
            }
            Err(refusal) => refusal.write(self.replies.short()),
        }
    }

    fn help(&mut self) {
        let out = self.replies.short();
        for usage in COMMANDS.iter().chain([&auth::AUTH]) {
            out.extend(format!("{usage}\r\n").as_bytes());
        }
        out.extend(answer::DONE);
    }

    async fn carry_out(&mut self) -> Result<(), ReplyError> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        self.gathered.carry_out(self.store, self.replies).await
    }

    fn rest_is_too_long(&self) -> bool {
        let rest = self.lines.rest();
        rest.strip_suffix(b"\r").unwrap_or(rest).len() > self.limits.line
    }
}
