//! The engine called directly: a thread drains a queue into one batch, syncs it, and answers all. This is the least that a
//! committer does, without buckets.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use bytes::Bytes;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::{Outcome, Subject};

/// As much as the store's committer takes at a time.
const BATCH: usize = 1_024;

struct Put {
    key: Bytes,
    value: Bytes,
    done: oneshot::Sender<()>,
}

pub(crate) struct Direct {
    queue: SyncSender<Put>,
    _folder: TempDir,
}

impl Direct {
    pub(crate) fn open() -> Outcome<Self> {
        let folder = tempfile::tempdir_in(".")?;
        let database = Database::builder(folder.path().join("database")).open()?;
        let keys = database.keyspace("store", KeyspaceCreateOptions::default)?;
        let (queue, puts) = sync_channel(65_536);
        // It ends with the last sender.
        thread::spawn(move || commit_all(&database, &keys, &puts));
        Ok(Self { queue, _folder: folder })
    }
}

fn commit_all(database: &Database, keys: &Keyspace, puts: &Receiver<Put>) {
    while let Ok(first) = puts.recv() {
        let mut batch = database.batch().durability(Some(PersistMode::SyncData));
        let mut done = Vec::new();
        for put in std::iter::once(first).chain(puts.try_iter().take(BATCH - 1)) {
            batch.insert(keys, put.key, put.value);
            done.push(put.done);
        }
        batch.commit().expect("the disk works");
        for done in done {
            let _ = done.send(());
        }
    }
}

impl Subject for Direct {
    async fn put(&self, _writer: usize, key: Bytes, value: Bytes) {
        let (done, safe) = oneshot::channel();
        self.queue.send(Put { key, value, done }).expect("the thread runs");
        safe.await.expect("the thread answers");
    }
}
