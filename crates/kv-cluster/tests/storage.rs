//! What the storage promises, on an engine that fails in one way at a time.
#![cfg(feature = "model")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use genserver_cluster::engine::model::{Member, Model};
use genserver_cluster::engine::{
    ChangeError, Delivery, Engine, EngineError, Entry as Value, LogEntry, Position, RequestError, Retention, Revision,
    StreamedEvent, WatchEvent,
};
use kv_cluster::LogStorage;
use kv_core::genserver::CallError;
use kv_core::{BucketName, Commit, Entry, Fence, Loaded, Storage, StorageChange, StorageErrorKind, Store, WriteError};

fn name(name: &str) -> BucketName {
    name.parse().unwrap()
}

fn put(key: &str, value: impl Into<Bytes>) -> StorageChange {
    StorageChange::Put(Entry::new(key.to_owned(), value))
}

fn storage(model: &Model, member: &str) -> LogStorage {
    LogStorage::over(model.member(member))
}

async fn load(storage: &LogStorage) -> Loaded {
    storage.load(&name("shopping")).await.unwrap()
}

async fn commit(storage: &LogStorage, fence: Fence, changes: Vec<StorageChange>) -> Result<(), kv_core::StorageError> {
    storage.commit(vec![Commit { bucket: name("shopping"), fence, changes }]).await.remove(0)
}

async fn names(storage: &LogStorage) -> Vec<BucketName> {
    storage.buckets(None, 100).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_was_committed_is_loaded_by_another_member() {
    let model = Model::new();
    let a = storage(&model, "a");
    let loaded = load(&a).await;
    assert_eq!(loaded.entries, []);
    let later = SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000);
    let eggs = Entry { expires: Some(later), ..Entry::new("eggs", "6") };
    let changes = vec![put("milk", "1"), put("bread", "1"), StorageChange::Put(eggs.clone())];
    commit(&a, loaded.fence, changes).await.unwrap();
    commit(&a, loaded.fence, vec![StorageChange::Delete("bread".into()), put("milk", "2")]).await.unwrap();
    assert_eq!(load(&storage(&model, "b")).await.entries, [eggs, Entry::new("milk", "2")]);
}

#[tokio::test(start_paused = true)]
async fn an_owner_before_the_last_one_changes_nothing() {
    let model = Model::new();
    let (a, b) = (storage(&model, "a"), storage(&model, "b"));
    let (of_a, of_b) = (load(&a).await, load(&b).await);
    assert!(of_a.fence < of_b.fence);
    let refused = commit(&a, of_a.fence, vec![put("milk", "a")]).await.unwrap_err();
    assert_eq!(refused.kind(), StorageErrorKind::NotOwner);
    assert_eq!(a.remove(&name("shopping"), of_a.fence).await.unwrap_err().kind(), StorageErrorKind::NotOwner);
    commit(&b, of_b.fence, vec![put("milk", "b")]).await.unwrap();
    assert_eq!(load(&a).await.entries, [Entry::new("milk", "b")]);
}

#[tokio::test(start_paused = true)]
async fn a_fence_of_the_load_before_is_refused_by_the_same_member() {
    let model = Model::new();
    let a = storage(&model, "a");
    let (first, second) = (load(&a).await, load(&a).await);
    assert_eq!(commit(&a, first.fence, vec![put("milk", "1")]).await.unwrap_err().kind(), StorageErrorKind::NotOwner);
    commit(&a, second.fence, vec![put("milk", "2")]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_was_removed_is_empty_and_not_listed() {
    let model = Model::new();
    let (a, b) = (storage(&model, "a"), storage(&model, "b"));
    let loaded = load(&a).await;
    commit(&a, loaded.fence, vec![put("milk", "1")]).await.unwrap();
    b.load(&name("travel")).await.unwrap();
    assert_eq!(names(&b).await, [name("shopping"), name("travel")]);
    assert_eq!(b.buckets(Some(&name("shopping")), 1).await.unwrap(), [name("travel")]);
    a.remove(&name("shopping"), loaded.fence).await.unwrap();
    assert_eq!(names(&b).await, [name("travel")]);
    assert_eq!(load(&b).await.entries, []);
    assert_eq!(names(&a).await, [name("shopping"), name("travel")]);
}

#[tokio::test(start_paused = true)]
async fn a_log_stays_short_however_often_a_bucket_is_changed_or_loaded() {
    let model = Model::new();
    let a = storage(&model, "a");
    let loaded = load(&a).await;
    for turn in 0..3_000_u32 {
        let key = (turn % 10).to_string();
        commit(&a, loaded.fence, vec![put(&key, turn.to_string())]).await.unwrap();
    }
    for _ in 0..2_000 {
        load(&a).await;
    }
    let log = model.member("a").read("cluster.bucket.n73686f7070696e67", Position(0), usize::MAX).await.unwrap();
    assert!(log.len() < 1_000, "{}", log.len());
    let entries = load(&a).await.entries;
    assert_eq!((entries.len(), &entries[0]), (10, &Entry::new("0", "2990")));
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_is_full_takes_no_more_and_may_be_made_smaller() {
    let model = Model::new();
    let a = storage(&model, "a").entry_max(1 << 10);
    let loaded = load(&a).await;
    let mut full = None;
    for key in 0..20 {
        let put = commit(&a, loaded.fence, vec![put(&key.to_string(), vec![0; 100])]).await;
        if let Err(error) = put {
            full = Some((key, error));
            break;
        }
    }
    let (keys, error) = full.unwrap();
    assert_eq!((keys, error.kind()), (8, StorageErrorKind::Failed));
    assert!(error.to_string().ends_with(
        "the bucket shopping: the bucket would take 1080 bytes, and may take 1024 here; delete some of its keys, or use several buckets"
    ), "{error}");
    commit(&a, loaded.fence, vec![StorageChange::Delete("0".into())]).await.unwrap();
    commit(&a, loaded.fence, vec![put("9", vec![0; 100])]).await.unwrap();
    // Overwriting makes it no larger, and a commit that is larger than an entry is a snapshot.
    let again = (1..8).chain(1..8).map(|key| put(&key.to_string(), vec![1; 100])).collect();
    commit(&a, loaded.fence, again).await.unwrap();
    assert_eq!(load(&storage(&model, "b")).await.entries.len(), 8);
}

/// An engine whose first appends of a kind are made, or are not, and are not answered.
struct Silent {
    engine: Member,
    /// How many are still not answered, ...
    unanswered: Arc<AtomicU32>,
    /// ... and whether they are made.
    is_made: bool,
}

impl Silent {
    fn is_next(&self) -> bool {
        self.unanswered.try_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }
}

#[async_trait]
impl Engine for Silent {
    async fn append(&self, log: &str, entry: Bytes, last: Position) -> Result<Position, ChangeError> {
        if !self.is_next() {
            return self.engine.append(log, entry, last).await;
        }
        if self.is_made {
            let _ = self.engine.append(log, entry, last).await;
        }
        Err(EngineError::Unanswered.into())
    }

    async fn snapshot(&self, log: &str, entry: Bytes, last: Position) -> Result<Position, ChangeError> {
        self.engine.snapshot(log, entry, last).await
    }

    async fn read(&self, log: &str, after: Position, limit: usize) -> Result<Vec<LogEntry>, EngineError> {
        self.engine.read(log, after, limit).await
    }

    async fn create(&self, key: &str, value: Bytes, time_to_live: Duration) -> Result<Revision, ChangeError> {
        self.engine.create(key, value, time_to_live).await
    }

    async fn update(&self, key: &str, value: Bytes, time: Duration, last: Revision) -> Result<Revision, ChangeError> {
        self.engine.update(key, value, time, last).await
    }

    async fn delete(&self, key: &str, last: Revision) -> Result<(), ChangeError> {
        self.engine.delete(key, last).await
    }

    async fn get(&self, key: &str) -> Result<Option<Value>, EngineError> {
        self.engine.get(key).await
    }

    async fn watch(&self, prefix: &str) -> Result<BoxStream<'static, WatchEvent>, EngineError> {
        self.engine.watch(prefix).await
    }

    async fn publish(&self, subject: &str, payload: Bytes) -> Result<(), EngineError> {
        self.engine.publish(subject, payload).await
    }

    async fn subscribe(&self, subject: &str) -> Result<BoxStream<'static, Delivery>, EngineError> {
        self.engine.subscribe(subject).await
    }

    async fn request(&self, subject: &str, payload: Bytes, timeout: Duration) -> Result<Bytes, RequestError> {
        self.engine.request(subject, payload, timeout).await
    }

    async fn open_stream(&self, stream: &str, retention: Retention) -> Result<Position, EngineError> {
        self.engine.open_stream(stream, retention).await
    }

    async fn add(&self, stream: &str, id: &str, event: Bytes) -> Result<Position, EngineError> {
        self.engine.add(stream, id, event).await
    }

    async fn follow(&self, stream: &str, after: Position) -> Result<BoxStream<'static, StreamedEvent>, EngineError> {
        self.engine.follow(stream, after).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_is_not_answered_is_made_once() {
    for is_made in [true, false] {
        let model = Model::new();
        let silent = Arc::<AtomicU32>::default();
        let engine = Silent { engine: model.member("a"), unanswered: Arc::clone(&silent), is_made };
        let a = LogStorage::over(engine);
        let loaded = load(&a).await;
        silent.store(3, Ordering::SeqCst);
        commit(&a, loaded.fence, vec![put("milk", "1")]).await.unwrap();
        commit(&a, loaded.fence, vec![put("milk", "2")]).await.unwrap();
        let log = model.member("a").read("cluster.bucket.n73686f7070696e67", Position(0), 100).await.unwrap();
        assert_eq!(log.len(), 3, "a claim and two commits");
    }
}

#[tokio::test(start_paused = true)]
async fn when_nobody_knows_whether_a_write_was_made_the_client_has_no_answer() {
    for is_made in [true, false] {
        let model = Model::new();
        let silent = Arc::<AtomicU32>::default();
        let engine = Silent { engine: model.member("a"), unanswered: Arc::clone(&silent), is_made };
        let store = Store::options().storage(LogStorage::over(engine)).start().await.unwrap();
        let bucket = store.create("shopping").await.unwrap();
        // As often as it is asked.
        silent.store(12, Ordering::SeqCst);
        let put = bucket.put("milk", "1").await;
        assert!(matches!(put, Err(WriteError::Call(CallError::NoReply { .. }))), "{put:?}");
        // The same bucket has read its log again.
        assert_eq!(bucket.get("milk").await.unwrap(), is_made.then(|| "1".into()));
        bucket.put("milk", "2").await.unwrap();
        store.stop().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_nobody_knows_of_ends_the_bucket() {
    let model = Model::new();
    let store = Store::options().storage(storage(&model, "a")).start().await.unwrap();
    let bucket = store.create("shopping").await.unwrap();
    bucket.put("milk", "1").await.unwrap();
    model.cut("a");
    let removed = bucket.remove().await;
    assert!(matches!(removed, Err(WriteError::Call(_) | WriteError::Storage(_))), "{removed:?}");
    model.rejoin("a");
    let left = load(&storage(&model, "b")).await.entries;
    assert!(left.is_empty() || left == [Entry::new("milk", "1")], "{left:?}");
    store.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_gone_is_an_error_of_the_storage_and_not_of_a_bucket() {
    let model = Model::new();
    let store = Store::options().storage(storage(&model, "a")).start().await.unwrap();
    let bucket = store.create("shopping").await.unwrap();
    bucket.put("milk", "1").await.unwrap();
    model.cut("a");
    // The member notices after a while.
    kv_core::genserver::time::sleep(Duration::from_secs(30)).await;
    let put = bucket.put("milk", "2").await.unwrap_err();
    assert!(matches!(&put, WriteError::Storage(error) if error.kind() == StorageErrorKind::Failed), "{put}");
    assert_eq!(bucket.get("milk").await.unwrap(), Some("1".into()));
    assert!(store.storage_error().is_some());
    model.rejoin("a");
    bucket.put("milk", "3").await.unwrap();
    assert!(store.storage_error().is_none());
    store.stop().await.unwrap();
}
