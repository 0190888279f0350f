//! The engine called directly: what drains a queue puts all of it into one batch, syncs that, and answers all. This is the least
//! that a committer does, without buckets.
//!
//! It is a thread of its own, or a task of the writers' runtime. A task must not keep a thread of the runtime while the disk works,
//! so it hands each batch to a thread for that, and is woken again to answer: two more threads are woken for a batch.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use bytes::Bytes;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;

use crate::{Outcome, Subject};

/// As much as the store's committer takes at a time.
const BATCH: usize = 1_024;

/// How many puts may wait.
const QUEUE: usize = 65_536;

struct Put {
    key: Bytes,
    value: Bytes,
    done: oneshot::Sender<()>,
}

/// The batches and their answers.
#[derive(Clone)]
struct Engine {
    database: Database,
    keys: Keyspace,
}

impl Engine {
    fn open(folder: &TempDir) -> Outcome<Self> {
        let database = Database::builder(folder.path().join("database")).open()?;
        let keys = database.keyspace("store", KeyspaceCreateOptions::default)?;
        Ok(Self { database, keys })
    }

    /// Commits all of them, and returns the senders of their answers.
    fn commit(&self, puts: impl Iterator<Item = Put>) -> Vec<oneshot::Sender<()>> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncData));
        let mut done = Vec::new();
        for put in puts {
            batch.insert(&self.keys, put.key, put.value);
            done.push(put.done);
        }
        batch.commit().expect("the disk works");
        done
    }
}

fn answer(done: Vec<oneshot::Sender<()>>) {
    for done in done {
        let _ = done.send(());
    }
}

/// By a thread of its own.
pub(crate) struct Direct {
    queue: SyncSender<Put>,
    _folder: TempDir,
}

impl Direct {
    pub(crate) fn open() -> Outcome<Self> {
        let folder = tempfile::tempdir_in(".")?;
        let engine = Engine::open(&folder)?;
        let (queue, puts) = sync_channel(QUEUE);
        // It ends with the last sender.
        thread::spawn(move || commit_all(&engine, &puts));
        Ok(Self { queue, _folder: folder })
    }
}

fn commit_all(engine: &Engine, puts: &Receiver<Put>) {
    while let Ok(first) = puts.recv() {
        answer(engine.commit(std::iter::once(first).chain(puts.try_iter().take(BATCH - 1))));
    }
}

impl Subject for Direct {
    async fn put(&self, _writer: usize, key: Bytes, value: Bytes) {
        let (done, safe) = oneshot::channel();
        self.queue.send(Put { key, value, done }).expect("the thread runs");
        safe.await.expect("the thread answers");
    }
}

/// By a task of the writers' runtime.
pub(crate) struct FromTask {
    queue: mpsc::Sender<Put>,
    _folder: TempDir,
}

impl FromTask {
    pub(crate) fn open() -> Outcome<Self> {
        let folder = tempfile::tempdir_in(".")?;
        let engine = Engine::open(&folder)?;
        let (queue, mut puts) = mpsc::channel(QUEUE);
        // It ends with the last sender.
        tokio::spawn(async move {
            let mut batch = Vec::new();
            while puts.recv_many(&mut batch, BATCH).await > 0 {
                let (engine, batch) = (engine.clone(), std::mem::take(&mut batch));
                answer(spawn_blocking(move || engine.commit(batch.into_iter())).await.expect("it does not panic"));
            }
        });
        Ok(Self { queue, _folder: folder })
    }
}

impl Subject for FromTask {
    async fn put(&self, _writer: usize, key: Bytes, value: Bytes) {
        let (done, safe) = oneshot::channel();
        self.queue.send(Put { key, value, done }).await.unwrap_or_else(|_put| unreachable!("the task runs"));
        safe.await.expect("the task answers");
    }
}
