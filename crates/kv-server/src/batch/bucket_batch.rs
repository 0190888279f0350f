//! Commands grouped by the bucket that executes them: what every protocol does with the commands of one read.
//!
//! A protocol adds commands in order, each with the operations that its bucket executes for it and with how the results are
//! answered. [`execute`](BucketBatch::execute) sends one message to each bucket. Then the protocol takes the results of each
//! command, in order, and writes the answers.

use std::vec;

use bytes::Bytes;
use futures::future::join_all;
use genserver::{CallError, yield_now};
use kv_core::{
    Bucket, Durability, Operation, OperationError, OperationResult, RemoteStore, RemoteStoreError, Store, WriteError,
};

use crate::served::{Kind, OTHER_RESULTS, ServedStore, create, utf8};

/// The most commands that are gathered. More gain little, a bucket has other clients, and answers may be large and stay in
/// memory until they are written.
const COMMANDS_MAX: usize = 128;

/// The same for operations: one command may have many.
const OPERATIONS_MAX: usize = 1024;

/// The most buckets for them. Their tags are searched one by one.
const BUCKETS_MAX: usize = 16;

/// After this many commands a session yields, so that a client that never stops sending does not hold up those beside it. Most
/// commands need no waiting: a bucket that is idle answers at once.
const COMMANDS_IN_A_ROW: usize = 2048;

/// For how many operations the message to a bucket keeps space between reads, and how many messages do.
const KEPT: (usize, usize) = (32, 4);

/// Commands, each with how it is answered, and the messages to their buckets.
pub(crate) struct BucketBatch<A> {
    commands: Vec<BatchedCommand<A>>,
    /// Kept when they are done, to reuse their capacity.
    groups: Vec<Group>,
    /// The tags of the groups that are in use.
    tags: Vec<u64>,
    /// How many operations the groups have.
    operations: usize,
    /// How many commands were executed since the session yielded.
    in_a_row: usize,
    /// The bucket of the last commands, if they were for one bucket.
    last: LastBucket,
}

impl<A> Default for BucketBatch<A> {
    fn default() -> Self {
        Self {
            commands: Vec::new(),
            groups: Vec::new(),
            tags: Vec::new(),
            operations: 0,
            in_a_row: 0,
            last: LastBucket::default(),
        }
    }
}

/// A bucket that was looked up twice in a row: the next commands of its session are likely to be for it.
///
/// A name belongs to its bucket while that is alive. After that it may be another's, so it is looked up again.
#[derive(Default)]
struct LastBucket {
    name: Vec<u8>,
    bucket: Option<Bucket>,
}

impl LastBucket {
    fn get(&self, name: &[u8]) -> Option<Bucket> {
        self.bucket.as_ref().filter(|bucket| self.name == name && bucket.is_alive()).cloned()
    }

    fn note(&mut self, name: &[u8], bucket: &Bucket) {
        if self.name == name {
            self.bucket = Some(bucket.clone());
            return;
        }
        self.name.clear();
        self.name.extend_from_slice(name);
        self.bucket = None;
    }
}

struct BatchedCommand<A> {
    answer: A,
    group: usize,
    /// How many results of the group are for this command.
    operations: usize,
    missing: Missing,
}

/// What becomes of the commands for a bucket that is not there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Missing {
    /// They are refused with [`Refusal::NotFound`].
    Refuse,
    /// The bucket is created.
    Create,
}

/// The commands for one bucket.
#[derive(Default)]
struct Group {
    name: Bytes,
    /// The first operation, if it is the only one. It needs no list.
    only: Option<Operation>,
    operations: Vec<Operation>,
    is_created: bool,
    results: Results,
}

/// The results of a bucket, in the order of its operations.
#[derive(Default)]
enum Results {
    #[default]
    None,
    One(Option<OperationResult>),
    Each(vec::IntoIter<Result<OperationResult, OperationError>>),
    /// The same for each operation.
    Refused(Refusal),
    /// The bucket was not there, and could not be created. Those that do not create one know only the former.
    NotCreated(Refusal),
}

/// An operation that was not executed, or may not have been.
#[derive(Clone, Debug)]
pub(crate) enum Refusal {
    NotFound,
    Error(String),
}

impl Refusal {
    /// What is wrong, for a protocol that has no answer of its own for a bucket that is not there.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::NotFound => "there is no such bucket; create it first",
            Self::Error(text) => text,
        }
    }
}

/// The results for one command: as many as it has operations.
pub(crate) struct CommandResults<'a> {
    results: Option<&'a mut Results>,
    left: usize,
    missing: Missing,
}

impl<A> BucketBatch<A> {
    /// Adds a command that needs no bucket.
    pub(crate) fn push(&mut self, answer: A) {
        self.commands.push(BatchedCommand { answer, group: 0, operations: 0, missing: Missing::Refuse });
    }

    /// Adds a command for a bucket. There must be [space](Self::is_full).
    pub(crate) fn push_operation(&mut self, group: usize, operation: Operation, answer: A) {
        self.groups[group].push(operation);
        self.operations += 1;
        self.commands.push(BatchedCommand { answer, group, operations: 1, missing: Missing::Refuse });
    }

    /// Adds a command with any number of operations.
    pub(crate) fn push_operations(
        &mut self,
        group: usize,
        operations: impl Iterator<Item = Operation>,
        missing: Missing,
        answer: A,
    ) {
        let these = &mut self.groups[group];
        these.is_created |= missing == Missing::Create;
        let operations = operations.map(|operation| these.push(operation)).count();
        self.operations += operations;
        self.commands.push(BatchedCommand { answer, group, operations, missing });
    }

    /// The group of a bucket, which is the one in use or a new one. `own` is called for a new one.
    pub(crate) fn group(&mut self, name: &[u8], own: impl FnOnce() -> Bytes) -> usize {
        let tag = tag(name);
        let mut known = self.tags.iter().enumerate().rev().filter(|(_, known)| **known == tag).map(|(group, _)| group);
        known.find(|group| self.groups[*group].name == *name).unwrap_or_else(|| {
            let group = self.tags.len();
            if group == self.groups.len() {
                self.groups.push(Group::default());
            }
            self.groups[group].name = own();
            self.tags.push(tag);
            group
        })
    }

    /// How many buckets the commands are for.
    pub(crate) fn buckets(&self) -> usize {
        self.tags.len()
    }

    /// How many commands are gathered.
    pub(crate) fn len(&self) -> usize {
        self.commands.len()
    }

    /// Whether no commands are gathered.
    pub(crate) fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// Whether these commands have to be executed before more can be added.
    pub(crate) fn is_full(&self) -> bool {
        self.commands.len() >= COMMANDS_MAX || self.tags.len() >= BUCKETS_MAX || self.operations >= OPERATIONS_MAX
    }

    /// Sends each bucket its operations, and waits for their results.
    pub(crate) async fn execute(&mut self, store: &ServedStore) {
        match &mut self.groups[..self.tags.len()] {
            [group] => group.execute(store, Some(&mut self.last)).await,
            // A bucket that waits for a disk answers after a commit, and one commit can have the changes of all buckets.
            groups if store.durability() > Durability::Nothing => {
                join_all(groups.iter_mut().map(|group| group.execute(store, None))).await;
            }
            // A bucket in memory mostly answers at once, and that needs no list.
            groups => {
                for group in groups {
                    group.execute(store, None).await;
                }
            }
        }
    }

    /// How a command is answered, and its results. To be taken once for each command, in order.
    pub(crate) fn results(&mut self, command: usize) -> (&A, CommandResults<'_>) {
        let BatchedCommand { answer, group, operations, missing } = &self.commands[command];
        let results = self.groups.get_mut(*group).map(|group| &mut group.results);
        (answer, CommandResults { results, left: *operations, missing: *missing })
    }

    /// Forgets the commands, which are answered, and keeps some of the capacity. Yields now and then.
    pub(crate) async fn clear(&mut self) {
        self.in_a_row += self.commands.len();
        self.commands.clear();
        self.operations = 0;
        for (number, group) in self.groups[..self.tags.len()].iter_mut().enumerate() {
            group.clear(if number < KEPT.1 { KEPT.0 } else { 0 });
        }
        self.tags.clear();
        self.count(0).await;
    }

    /// Counts commands that were executed without this batch, or what takes as long as so many of them. Yields now and then.
    pub(crate) async fn count(&mut self, commands: usize) {
        self.in_a_row += commands;
        if self.in_a_row >= COMMANDS_IN_A_ROW {
            self.in_a_row = 0;
            yield_now().await;
        }
    }
}

impl Group {
    #[inline]
    fn push(&mut self, operation: Operation) {
        if self.operations.is_empty() {
            match self.only.take() {
                None => {
                    self.only = Some(operation);
                    return;
                }
                Some(first) => self.operations.push(first),
            }
        }
        self.operations.push(operation);
    }

    /// Releases the bytes of the read, whose memory the next read reuses, and the list if it has space for more than `kept`.
    fn clear(&mut self, kept: usize) {
        self.name = Bytes::new();
        self.results = Results::None;
        self.is_created = false;
        if self.operations.capacity() > kept {
            self.operations = Vec::new();
        }
    }

    async fn execute(&mut self, store: &ServedStore, last: Option<&mut LastBucket>) {
        let asked = match store.kind() {
            Kind::Here(store) => self.ask(store, last).await,
            // Boxed, so that the future for a store of this program stays small.
            Kind::Remote(store) => Box::pin(self.ask_remote(&**store)).await,
        };
        self.results = asked.unwrap_or_else(Results::Refused);
    }

    /// Asks a store on several machines, which finds the bucket by its name.
    async fn ask_remote(&mut self, store: &dyn RemoteStore) -> Result<Results, Refusal> {
        let mut operations = std::mem::take(&mut self.operations);
        operations.extend(self.only.take());
        let name = match utf8(&self.name) {
            Ok(name) => name,
            Err(refusal) => return Ok(Results::NotCreated(refusal)),
        };
        let asked = operations.len();
        // Its keys and values are not copied.
        let again = self.is_created.then(|| operations.clone());
        let results = match (store.apply_each(name, operations).await, again) {
            (Err(RemoteStoreError::NotFound), None) => return Ok(Results::NotCreated(Refusal::NotFound)),
            (Err(RemoteStoreError::NotFound), Some(operations)) => {
                if let Err(error) = store.create(name).await {
                    return Ok(Results::NotCreated(error.into()));
                }
                store.apply_each(name, operations).await?
            }
            (results, _) => results?,
        };
        if results.len() != asked {
            return Err(Refusal::Error(OTHER_RESULTS.to_owned()));
        }
        Ok(Results::Each(results.into_iter()))
    }

    async fn ask(&mut self, store: &Store, last: Option<&mut LastBucket>) -> Result<Results, Refusal> {
        let bucket = match self.bucket(store, last).await {
            Ok(bucket) => bucket,
            Err(refusal) => {
                self.only = None;
                self.operations.clear();
                return Ok(Results::NotCreated(refusal));
            }
        };
        if let Some(operation) = self.only.take() {
            return Ok(Results::One(Some(bucket.apply_one(operation).await?)));
        }
        // The next read is likely to bring as many.
        let next = Vec::with_capacity(self.operations.len().min(KEPT.0));
        // Each with its result. If the storage refuses, it refuses all of them: they are one commit.
        let results = bucket.apply_each(std::mem::replace(&mut self.operations, next)).await?;
        Ok(Results::Each(results.into_iter()))
    }

    async fn bucket(&self, store: &Store, last: Option<&mut LastBucket>) -> Result<Bucket, Refusal> {
        if let Some(bucket) = last.as_ref().and_then(|last| last.get(&self.name)) {
            return Ok(bucket);
        }
        let name = std::str::from_utf8(&self.name);
        let bucket = match name.ok().and_then(|name| store.lookup(name)) {
            Some(bucket) => bucket,
            None if !self.is_created => return Err(Refusal::NotFound),
            None => create(store, &self.name).await?,
        };
        if let Some(last) = last {
            last.note(&self.name, &bucket);
        }
        Ok(bucket)
    }
}

/// Tells most names apart at a glance: their last bytes, which are rarely the same.
fn tag(name: &[u8]) -> u64 {
    let few = || name.iter().fold(0, |tag, byte| tag << 8 | u64::from(*byte));
    name.last_chunk().map_or_else(few, |last| u64::from_le_bytes(*last))
}

impl CommandResults<'_> {
    /// The next result.
    ///
    /// # Panics
    ///
    /// If the command has no more operations.
    pub(crate) fn next(&mut self) -> Result<OperationResult, Refusal> {
        self.left = self.left.checked_sub(1).expect("a command has as many results as operations");
        let next = self.results.as_mut().and_then(|results| results.next(self.missing));
        next.expect("a bucket answers as many operations as it was asked")
    }

    /// How many there still are.
    pub(crate) fn left(&self) -> usize {
        self.left
    }
}

impl Results {
    fn next(&mut self, missing: Missing) -> Option<Result<OperationResult, Refusal>> {
        match self {
            Self::None => None,
            Self::One(done) => done.take().map(Ok),
            Self::Each(results) => results.next().map(|result| result.map_err(Refusal::from)),
            Self::NotCreated(_) if missing == Missing::Refuse => Some(Err(Refusal::NotFound)),
            Self::Refused(refusal) | Self::NotCreated(refusal) => Some(Err(refusal.clone())),
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

impl From<WriteError> for Refusal {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Call(error) => error.into(),
            error => Self::Error(error.to_string()),
        }
    }
}
