//! What was read is carried out and answered, command by command.

use bytes::Bytes;
use futures::io::{AsyncRead, AsyncWrite};
use kv_core::{CreateError, KeyPage};

use super::SessionEnd;
use super::connection::Connection;
use super::replies::Failed;
use crate::answer;
use crate::command::{COMMANDS, Sentence, Verb, is_from_browser};
use crate::execute::Refusal;
use crate::lines::Lines;
use crate::subscription::Subscription;

/// How many keys a bucket is asked for at once.
const KEYS: usize = 256;

const NO_OTHER: &[u8] =
    b"ERROR a session that has subscribed takes no command but QUIT; connect once more for others\r\n";

/// What is to be done with a line.
enum Taken<'a> {
    /// Nothing yet: it is carried out with others.
    Gathered,
    /// It waits for those before it, and those after it wait for it.
    Alone(Sentence<'a>),
    /// The session is over.
    Last(SessionEnd),
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Connection<R, W> {
    /// Carries out the commands that are whole, and answers them. Says if the session is over with that.
    pub(super) async fn answer(&mut self) -> Result<Option<SessionEnd>, Failed> {
        let read = self.lines.take();
        if !read.is_empty() {
            // If there is half a command now, it is another one.
            self.half.take_back();
        }
        for line in Lines::of(&read) {
            let end = match self.take(line, &read) {
                Taken::Gathered if !self.gathered.is_full() => continue,
                Taken::Gathered => None,
                Taken::Alone(sentence) => {
                    self.carry_out().await?;
                    self.alone(sentence).await?
                }
                Taken::Last(end) => Some(end),
            };
            self.carry_out().await?;
            if end.is_some() {
                return Ok(end);
            }
        }
        self.carry_out().await?;
        Ok(self.rest_is_too_long().then_some(SessionEnd::LineTooLong))
    }

    /// Reads a line. Most are gathered, and so this does not wait: a future for each would cost more than the reading.
    fn take<'a>(&mut self, line: &'a [u8], read: &Bytes) -> Taken<'a> {
        if line.len() > self.limits.line {
            return Taken::Last(SessionEnd::LineTooLong);
        }
        let has_subscribed = self.subscription.is_some();
        match Sentence::read(line) {
            Err(_) if is_from_browser(line) => return Taken::Last(SessionEnd::Browser),
            Ok(sentence) if sentence.verb == Verb::Quit => return Taken::Alone(sentence),
            _ if has_subscribed => self.gathered.known(NO_OTHER),
            Err(_) => self.gathered.known(answer::UNKNOWN_COMMAND),
            Ok(sentence) => match sentence.verb {
                Verb::Get | Verb::Put | Verb::Delete => self.gathered.ask(sentence, read),
                Verb::Ping => self.gathered.known(answer::PONG),
                _ => return Taken::Alone(sentence),
            },
        }
        Taken::Gathered
    }

    /// Carries out a command that is a barrier between others. Says if the session is over with that.
    async fn alone(&mut self, sentence: Sentence<'_>) -> Result<Option<SessionEnd>, Failed> {
        let bucket = &*sentence.words[0];
        match sentence.verb {
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
            Verb::Get | Verb::Put | Verb::Delete | Verb::Ping => unreachable!("these are gathered"),
        }
        self.replies.room().await?;
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

    async fn list(&mut self, name: &[u8]) -> Result<(), Failed> {
        let Some(bucket) = std::str::from_utf8(name).ok().and_then(|name| self.store.lookup(name)) else {
            self.replies.short().extend(answer::NOT_FOUND);
            return Ok(());
        };
        let mut after = None;
        loop {
            let keys = match bucket.keys(KeyPage { after: after.clone(), limit: KEYS }).await {
                Ok(keys) => keys,
                Err(error) => {
                    // After the first keys it is too late to say that there is no such bucket.
                    let is_first = after.is_none();
                    let refusal = if is_first { error.into() } else { Refusal::Error(error.to_string()) };
                    refusal.write(self.replies.short());
                    return Ok(());
                }
            };
            for key in &keys {
                self.replies.item(key).await?;
                self.replies.room().await?;
            }
            after = keys.into_iter().nth(KEYS - 1);
            if after.is_none() {
                break;
            }
        }
        self.replies.short().extend(answer::DONE);
        Ok(())
    }

    async fn buckets(&mut self) -> Result<(), Failed> {
        // All names at once: each is a reference to one that the store has anyway.
        for name in self.store.names() {
            self.replies.item(name.as_bytes()).await?;
            self.replies.room().await?;
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

    async fn carry_out(&mut self) -> Result<(), Failed> {
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
