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
use std::vec;

use bytes::Bytes;
use futures::io::AsyncWrite;
use genserver::CallError;
use kv_core::{Operation, OperationResult, StorageError, Store, WriteError};

use crate::answer;
use crate::command::{CommandLine, Verb};
use crate::session::{Replies, ReplyError};

/// The most commands that are gathered. More gain little, a bucket has other clients, and answers may be large and stay in
/// memory until they are written.
const COMMANDS_MAX: usize = 128;

/// The most buckets for them. The list is searched one by one.
const BUCKETS_MAX: usize = 16;

/// The capacity that a session keeps between reads: for this many buckets, with this many commands each.
const KEPT: (usize, usize) = (4, 32);

/// The gathered commands of one read.
#[derive(Default)]
pub(crate) struct CommandBatch {
    commands: Vec<BatchedCommand>,
    /// Kept when they are done, to reuse their capacity.
    groups: Vec<Group>,
    /// How many of the groups are in use.
    used: usize,
}

/// A command, by where its answer comes from.
#[derive(Clone, Copy)]
enum BatchedCommand {
    /// The answer is known: this.
    Known(&'static [u8]),
    /// The answer comes from the bucket of a group.
    Bucket { group: usize, reply: Reply },
}

/// How a bucket's result is answered.
#[derive(Clone, Copy)]
enum Reply {
    /// With `OK`, whatever the result is.
    Done,
    /// With the value.
    Value,
    /// With the number of keys.
    Count,
}

/// The commands for one bucket.
#[derive(Default)]
struct Group {
    name: Bytes,
    operations: Vec<Operation>,
    answers: Answers,
}

/// The answers of a bucket, in the order of its commands.
#[derive(Default)]
enum Answers {
    #[default]
    None,
    One(Option<OperationResult>),
    Each(vec::IntoIter<Result<OperationResult, StorageError>>),
    /// The same for each command.
    Refused(Refusal),
}

/// An operation that was not executed, or may not have been.
#[derive(Clone)]
pub(crate) enum Refusal {
    NotFound,
    Error(String),
}

impl CommandBatch {
    /// Adds a command whose answer is known.
    pub(crate) fn known(&mut self, answer: &'static [u8]) {
        self.commands.push(BatchedCommand::Known(answer));
    }

    /// Adds a command, from a line of `read`. There must be [space](Self::is_full).
    ///
    /// # Errors
    ///
    /// The command itself if it is to be carried out alone.
    pub(crate) fn gather<'a>(&mut self, command: CommandLine<'a>, read: &Bytes) -> Result<(), CommandLine<'a>> {
        let CommandLine { verb, words: [bucket, key, value] } = command;
        let (operation, reply) = match verb {
            Verb::Put => (Operation::Put(cut(read, key), stored(value)), Reply::Done),
            Verb::Get => (Operation::Get(cut(read, key)), Reply::Value),
            Verb::Delete => (Operation::Delete(cut(read, key)), Reply::Done),
            Verb::Count => (Operation::Len, Reply::Count),
            Verb::Ping => {
                self.known(answer::PONG);
                return Ok(());
            }
            Verb::Create | Verb::List | Verb::Buckets | Verb::Drop | Verb::Subscribe | Verb::Help | Verb::Quit => {
                return Err(CommandLine { verb, words: [bucket, key, value] });
            }
        };
        let group = self.group(bucket, read);
        self.groups[group].operations.push(operation);
        self.commands.push(BatchedCommand::Bucket { group, reply });
        Ok(())
    }

    /// The group of a bucket, which is the one in use or a new one.
    fn group(&mut self, bucket: Cow<'_, [u8]>, read: &Bytes) -> usize {
        let known = self.groups[..self.used].iter().rposition(|group| group.name == *bucket);
        known.unwrap_or_else(|| {
            if self.used == self.groups.len() {
                self.groups.push(Group::default());
            }
            self.groups[self.used].name = cut(read, bucket);
            self.used += 1;
            self.used - 1
        })
    }

    /// Whether no commands are gathered.
    pub(crate) fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// Whether these commands have to be executed before more can be added.
    pub(crate) fn is_full(&self) -> bool {
        self.commands.len() >= COMMANDS_MAX || self.used >= BUCKETS_MAX
    }

    /// Executes the commands and writes their answers in order.
    pub(crate) async fn carry_out<W: AsyncWrite + Unpin>(
        &mut self,
        store: &Store,
        replies: &mut Replies<W>,
    ) -> Result<(), ReplyError> {
        for group in &mut self.groups[..self.used] {
            group.answers = group.ask(store).await.unwrap_or_else(Answers::Refused);
        }
        for command in &self.commands {
            match command {
                BatchedCommand::Known(answer) => replies.short().extend(*answer),
                BatchedCommand::Bucket { group, reply } => match (reply, self.groups[*group].answers.next()) {
                    (Reply::Value, Ok(OperationResult::Value(value))) => {
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
        self.commands.clear();
        self.used = 0;
        self.groups.truncate(KEPT.0);
        self.groups.iter_mut().for_each(Group::clear);
        Ok(())
    }
}

impl Group {
    /// Releases the bytes of the read, whose memory the next read reuses, and capacity that few reads need.
    fn clear(&mut self) {
        self.name = Bytes::new();
        self.answers = Answers::None;
        if self.operations.capacity() > KEPT.1 {
            self.operations = Vec::new();
        }
    }

    async fn ask(&mut self, store: &Store) -> Result<Answers, Refusal> {
        let bucket = std::str::from_utf8(&self.name).ok().and_then(|name| store.lookup(name));
        let Some(bucket) = bucket else {
            self.operations.clear();
            return Err(Refusal::NotFound);
        };
        if self.operations.len() == 1
            && let Some(operation) = self.operations.pop()
        {
            return Ok(Answers::One(Some(bucket.apply_one(operation).await?)));
        }
        // The next read is likely to bring as many.
        let next = Vec::with_capacity(self.operations.len().min(KEPT.1));
        // Each by itself: a client that sends several commands in one packet has not asked for all or none.
        let results = bucket.apply_each(std::mem::replace(&mut self.operations, next)).await?;
        Ok(Answers::Each(results.into_iter()))
    }
}

impl Answers {
    fn next(&mut self) -> Result<OperationResult, Refusal> {
        let done = match self {
            Self::None => None,
            Self::One(done) => done.take().map(Ok),
            Self::Each(results) => results.next().map(|result| result.map_err(Refusal::from)),
            Self::Refused(refusal) => Some(Err(refusal.clone())),
        };
        done.expect("a bucket answers as many operations as it was asked")
    }
}

impl Refusal {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::NotFound => out.extend(answer::NOT_FOUND),
            Self::Error(text) => answer::write_error(text, out),
        }
    }
}

impl From<CallError> for Refusal {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NoProc { .. } => Self::NotFound,
            error => Self::Error(error.to_string()),
        }
    }
}

impl From<StorageError> for Refusal {
    fn from(error: StorageError) -> Self {
        WriteError::from(error).into()
    }
}

impl From<WriteError> for Refusal {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Call(error) => error.into(),
            error => Self::Error(error.to_string()),
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
fn stored(word: Cow<'_, [u8]>) -> Bytes {
    Bytes::from(word.into_owned())
}
