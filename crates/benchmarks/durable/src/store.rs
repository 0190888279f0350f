//! The store in a folder.

use bytes::Bytes;
use kv_core::{Bucket, Durable, Store};
use tempfile::TempDir;

use crate::{Outcome, Subject};

/// How many buckets the writers share.
const BUCKETS: usize = 8;

pub(crate) struct Kept {
    buckets: Vec<Bucket>,
    _store: Store,
    _folder: TempDir,
}

impl Kept {
    pub(crate) async fn open() -> Outcome<Self> {
        let folder = tempfile::tempdir_in(".")?;
        let store = Store::options().storage(Durable::open(folder.path().join("store")).await?).start().await?;
        let mut buckets = Vec::new();
        for number in 0..BUCKETS {
            buckets.push(store.create(&format!("bucket {number}")).await?);
        }
        Ok(Self { buckets, _store: store, _folder: folder })
    }
}

impl Subject for Kept {
    async fn put(&self, writer: usize, key: Bytes, value: Bytes) {
        self.buckets[writer % BUCKETS].put(key, value).await.expect("the disk works");
    }
}
