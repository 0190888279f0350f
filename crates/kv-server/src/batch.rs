//! Executing the commands of one read: all commands for a bucket travel in one message.
//!
//! A client may send many commands at once. Consecutive commands that each need one operation of one bucket are
//! gathered, and each bucket gets one message. A bucket executes them in the order of the commands, so a client
//! reads what it has written. Different buckets may execute theirs in any order. Every other command is a
//! barrier: the commands before it are done when it begins, and the commands after it have not begun.
//!
//! The bucket is looked up when the message is sent. If there is none, or it ends before it takes the message, each command
//! is answered with NOT FOUND. If it ends before it answers, each is answered with an ERROR, because it may have been
//! executed.

use std::borrow::Cow;

use bytes::Bytes;
use futures::io::AsyncWrite;
use kv_core::{Operation, OperationResult, TimeToLive};

use crate::answer;
use crate::command::{CommandLine, Verb, times};
use crate::served::ServedStore;
use crate::session::replies::{Replies, ReplyError};

// What it shares with other protocols.
mod bucket_batch;

pub(crate) use bucket_batch::{BucketBatch, CommandResults, Missing, Refusal};

/// The gathered commands of one read.
#[derive(Default)]
pub(crate) struct CommandBatch(BucketBatch<Reply>);

/// How a command is answered.
#[derive(Clone, Copy)]
enum Reply {
    /// With this. It needs no bucket.
    Known(&'static [u8]),
    /// With an error of this text. It needs no bucket.
    Wrong(&'static str),
    /// With `OK`, unless there is no key to set a time for.
    Done,
    /// With the value, which is empty if there is no such key.
    Value,
    /// With the value, if there is such a key.
    Fetch,
    /// With `OK`, unless the key had a value.
    New,
    /// With the time that the key has to live, if there is such a key.
    TimeToLive,
    /// With the number of keys.
    Count,
}

impl CommandBatch {
    /// Adds a command whose answer is known.
    pub(crate) fn known(&mut self, answer: &'static [u8]) {
        self.0.push(Reply::Known(answer));
    }

    /// Adds a command that is answered with an error.
    pub(crate) fn wrong(&mut self, text: &'static str) {
        self.0.push(Reply::Wrong(text));
    }

    /// Adds a command, from a line of `read`. There must be [space](Self::is_full).
    ///
    /// # Errors
    ///
    /// The command itself if it is to be carried out alone.
    pub(crate) fn gather<'a>(&mut self, command: CommandLine<'a>, read: &Bytes) -> Result<(), CommandLine<'a>> {
        let CommandLine { verb, words: [bucket, key, value, fourth], given } = command;
        let (operation, reply) = match verb {
            Verb::Put => (Operation::Put(cut(read, key), stored(value)), Reply::Done),
            Verb::Get => (Operation::Get(cut(read, key)), Reply::Value),
            Verb::Delete => (Operation::Delete(cut(read, key)), Reply::Done),
            Verb::Count => (Operation::Len, Reply::Count),
            Verb::Fetch => (Operation::Get(cut(read, key)), Reply::Fetch),
            Verb::PutNew => (Operation::PutNew(cut(read, key), stored(value)), Reply::New),
            Verb::Expire => {
                let Some(time) = times::read(&value) else {
                    self.wrong(times::NO_TIME);
                    return Ok(());
                };
                (Operation::Expire(cut(read, key), time.into()), Reply::Done)
            }
            Verb::Persist => (Operation::Persist(cut(read, key)), Reply::Done),
            Verb::TimeToLive => (Operation::TimeToLive(cut(read, key)), Reply::TimeToLive),
            Verb::Ping => {
                self.known(answer::PONG);
                return Ok(());
            }
            Verb::Create
            | Verb::CompareAndSet
            | Verb::CompareAndDelete
            | Verb::PutExpiring
            | Verb::List
            | Verb::Buckets
            | Verb::Drop
            | Verb::Subscribe
            | Verb::Watch
            | Verb::Help
            | Verb::Quit => return Err(CommandLine { verb, words: [bucket, key, value, fourth], given }),
        };
        let group = self.0.group(&bucket, || cut(read, bucket.clone()));
        self.0.push_operation(group, operation, reply);
        Ok(())
    }

    /// Whether no commands are gathered.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether these commands have to be executed before more can be added.
    pub(crate) fn is_full(&self) -> bool {
        self.0.is_full()
    }

    /// Executes the commands and writes their answers in order.
    pub(crate) async fn carry_out<W: AsyncWrite + Unpin>(
        &mut self,
        store: &ServedStore,
        replies: &mut Replies<W>,
    ) -> Result<(), ReplyError> {
        self.0.execute(store).await;
        for command in 0..self.0.len() {
            match self.0.results(command) {
                (Reply::Known(answer), _) => replies.short().extend(*answer),
                (Reply::Wrong(text), _) => answer::write_error(text, replies.short()),
                (reply, mut results) => match (reply, results.next()) {
                    (Reply::Fetch, Ok(OperationResult::Value(None)))
                    | (_, Ok(OperationResult::TimeToLive(TimeToLive::NoKey))) => {
                        replies.short().extend(answer::KEY_NOT_FOUND);
                    }
                    (Reply::New, Ok(OperationResult::Value(Some(_)))) => replies.short().extend(answer::EXISTS),
                    (Reply::TimeToLive, Ok(OperationResult::TimeToLive(time))) => {
                        answer::write_value(times::text(time).as_bytes(), replies.short());
                    }
                    (Reply::Value | Reply::Fetch, Ok(OperationResult::Value(value))) => {
                        replies.value(&value.unwrap_or_default()).await?;
                    }
                    (Reply::Count, Ok(OperationResult::Len(keys))) => {
                        answer::write_value(keys.to_string().as_bytes(), replies.short());
                    }
                    (_, Ok(_)) => replies.short().extend(answer::DONE),
                    (_, Err(refusal)) => refusal.write(replies.short()),
                },
            }
            replies.space().await?;
        }
        self.0.clear().await;
        Ok(())
    }

    /// Counts a command that was carried out alone. Yields now and then.
    pub(crate) async fn count_alone(&mut self) {
        self.0.count(1).await;
    }
}

impl Refusal {
    /// Writes the answer of the line protocol.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::NotFound => out.extend(answer::NOT_FOUND),
            Self::Error(text) => answer::write_error(text, out),
        }
    }
}

/// A word that is needed until the command is done: a slice of the read.
fn cut(read: &Bytes, word: Cow<'_, [u8]>) -> Bytes {
    match word {
        Cow::Borrowed(word) => read.slice_ref(word),
        Cow::Owned(word) => word.into(),
    }
}

/// A word that stays in the store. It is copied, even a large one: a few bytes must not keep the whole read alive, and as
/// long as nothing keeps it, the next read reuses its memory. Slicing a value of 20,000 bytes instead made its command
/// faster by a thirtieth.
pub(crate) fn stored(word: Cow<'_, [u8]>) -> Bytes {
    Bytes::from(word.into_owned())
}
