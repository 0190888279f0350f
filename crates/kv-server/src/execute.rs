//! Carrying out the commands of one read: those for one bucket travel as one message.
//!
//! A client may send many commands at once. As long as they are `PUT`, `GET` and `DELETE` they are gathered, and each bucket is
//! asked once. A bucket does what it is asked in the order of the commands, so a client reads what it has written. Two buckets may
//! do theirs in any order. Every other command is a barrier: what comes before it has been done when it begins, and what comes
//! after has not begun.
//!
//! The bucket is looked up when it is asked. If there is none, or it ended before it took the message, each of these commands is
//! answered with NOT FOUND; if it ended before it answered, with an ERROR, since what it has done is not known.

use std::borrow::Cow;
use std::vec;

use bytes::Bytes;
use futures::io::AsyncWrite;
use genserver::CallError;
use kv_core::{Operation, OperationResult, StorageError, Store, WriteError};

use crate::answer;
use crate::command::{Sentence, Verb};
use crate::session::{Failed, Replies};

/// How many commands are gathered at most. More gain little; but a bucket has other clients, and the answers, which may be large,
/// stay in memory until they are written.
const COMMANDS_MAX: usize = 128;

/// How many buckets are asked for them at most: they are searched one after the other.
const BUCKETS_MAX: usize = 16;

/// How much of the room for them a session keeps: for so many buckets, and so many commands for each.
const KEPT: (usize, usize) = (4, 32);

/// Commands of one read that are carried out together.
#[derive(Default)]
pub(crate) struct Gathered {
    commands: Vec<Asked>,
    /// Kept when they are done, for the room that they have.
    groups: Vec<Group>,
    /// How many of them are in use.
    used: usize,
}

/// A command, by what its answer comes from.
#[derive(Clone, Copy)]
enum Asked {
    /// Nothing: this is the answer.
    Known(&'static [u8]),
    /// The bucket of a group, which is asked this.
    Bucket { group: usize, verb: Verb },
}

/// The commands for one bucket.
#[derive(Default)]
struct Group {
    name: Bytes,
    operations: Vec<Operation>,
    answers: Answers,
}

/// What a bucket has answered, in the order of its commands.
#[derive(Default)]
enum Answers {
    #[default]
    None,
    One(Option<OperationResult>),
    Each(vec::IntoIter<Result<OperationResult, StorageError>>),
    /// The same to each.
    Refused(Refusal),
}

/// An operation that was not carried out, or not surely.
#[derive(Clone)]
pub(crate) enum Refusal {
    NotFound,
    Error(String),
}

impl Gathered {
    /// A command whose answer is known, in its turn.
    pub(crate) fn known(&mut self, answer: &'static [u8]) {
        self.commands.push(Asked::Known(answer));
    }

    /// A command for a bucket, out of a line of `read`. There has to be [room](Self::is_full).
    pub(crate) fn ask(&mut self, sentence: Sentence<'_>, read: &Bytes) {
        let Sentence { verb, words: [bucket, key, value] } = sentence;
        let known = self.groups[..self.used].iter().rposition(|group| group.name == *bucket);
        let group = known.unwrap_or_else(|| {
            if self.used == self.groups.len() {
                self.groups.push(Group::default());
            }
            self.groups[self.used].name = cut(read, bucket);
            self.used += 1;
            self.used - 1
        });
        self.groups[group].operations.push(operation(verb, key, value, read));
        self.commands.push(Asked::Bucket { group, verb });
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// Whether these have to be carried out before there are more.
    pub(crate) fn is_full(&self) -> bool {
        self.commands.len() >= COMMANDS_MAX || self.used >= BUCKETS_MAX
    }

    /// Carries them out, and answers each in its turn.
    pub(crate) async fn carry_out<W: AsyncWrite + Unpin>(
        &mut self,
        store: &Store,
        replies: &mut Replies<W>,
    ) -> Result<(), Failed> {
        for group in &mut self.groups[..self.used] {
            group.answers = group.ask(store).await.unwrap_or_else(Answers::Refused);
        }
        for command in &self.commands {
            match command {
                Asked::Known(answer) => replies.short().extend(*answer),
                Asked::Bucket { group, verb } => match (verb, self.groups[*group].answers.next()) {
                    (Verb::Get, Ok(OperationResult::Value(value))) => replies.value(&value.unwrap_or_default()).await?,
                    (_, Ok(_)) => replies.short().extend(answer::DONE),
                    (_, Err(refusal)) => refusal.write(replies.short()),
                },
            }
            replies.room().await?;
        }
        self.commands.clear();
        self.used = 0;
        self.groups.truncate(KEPT.0);
        self.groups.iter_mut().for_each(Group::clear);
        Ok(())
    }
}

impl Group {
    /// Lets go of what was read, whose place the next read takes, and of a room that few reads need.
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
        // The next read will bring about as many.
        let next = Vec::with_capacity(self.operations.len().min(KEPT.1));
        // Each by itself: all or none is not what a client asked for that happened to send several commands in one packet.
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

/// What a command asks of its bucket.
fn operation(verb: Verb, key: Cow<'_, [u8]>, value: Cow<'_, [u8]>, read: &Bytes) -> Operation {
    match verb {
        Verb::Get => Operation::Get(cut(read, key)),
        Verb::Delete => Operation::Delete(cut(read, key)),
        _ => Operation::Put(cut(read, key), stored(value)),
    }
}

/// A word that is needed until the command is done: cut out of what was read, where it stands.
fn cut(read: &Bytes, word: Cow<'_, [u8]>) -> Bytes {
    match word {
        Cow::Borrowed(word) => read.slice_ref(word),
        Cow::Owned(word) => word.into(),
    }
}

/// A word that stays in the store. It is copied, also a large one: a few bytes must not keep all that was read with them, and as
/// long as nothing else is kept, the next read finds its room again. To cut out a value of 20,000 bytes instead made its command
/// faster by a thirtieth.
fn stored(word: Cow<'_, [u8]>) -> Bytes {
    Bytes::from(word.into_owned())
}
