//! A store with a storage that keeps entries and that fails: what was answered is kept, and nothing else.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use kv_core::{
    BucketName, Commit, CompareAndSetError, CreateError, Durability, Entry, Fence, KeyPage, Loaded, Operation,
    OperationResult, Storage, StorageChange, StorageError, Store, WriteError,
};
use parking_lot::Mutex;
use proptest::prelude::*;

type Entries = BTreeMap<Bytes, Bytes>;

/// Remembers in memory, writes down what it is asked, and fails when it is told to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelf(Arc<Mutex<Inside>>);

#[derive(Debug, Default)]
struct Inside {
    buckets: BTreeMap<BucketName, Kept>,
    commits: u64,
    pages: u64,
    fails: bool,
}

#[derive(Debug, Default)]
struct Kept {
    loads: u64,
    entries: BTreeMap<Bytes, Entry>,
}

impl Shelf {
    pub(crate) fn fail(&self, fails: bool) {
        self.0.lock().fails = fails;
    }

    fn commits(&self) -> u64 {
        self.0.lock().commits
    }

    /// How many pages of names it was asked for.
    fn pages(&self) -> u64 {
        self.0.lock().pages
    }

    fn entries(&self, bucket: &str) -> Option<Entries> {
        let kept = self.kept(bucket)?;
        Some(kept.into_iter().map(|entry| (entry.key, entry.value)).collect())
    }

    pub(crate) fn kept(&self, bucket: &str) -> Option<Vec<Entry>> {
        self.0.lock().buckets.get(bucket).map(|kept| kept.entries.values().cloned().collect())
    }

    fn works(&self) -> Result<(), StorageError> {
        if self.0.lock().fails { Err(StorageError::new("the shelf broke; mend it")) } else { Ok(()) }
    }

    fn commit_one(&self, commit: Commit) -> Result<(), StorageError> {
        self.works()?;
        let mut inside = self.0.lock();
        inside.commits += 1;
        let kept = inside.buckets.get_mut(&commit.bucket).filter(|kept| Fence::new(kept.loads) == commit.fence);
        let kept = kept.ok_or_else(|| StorageError::not_owner("the bucket was loaded again"))?;
        for change in commit.changes {
            match change {
                StorageChange::Put(entry) => drop(kept.entries.insert(entry.key.clone(), entry)),
                StorageChange::Delete(key) => drop(kept.entries.remove(&key)),
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Storage for Shelf {
    fn durability(&self) -> Durability {
        Durability::Program
    }

    async fn buckets(&self, after: Option<&BucketName>, limit: usize) -> Result<Vec<BucketName>, StorageError> {
        self.works()?;
        let mut inside = self.0.lock();
        inside.pages += 1;
        let names = inside.buckets.keys().filter(|name| after.is_none_or(|after| *name > after));
        Ok(names.take(limit).cloned().collect())
    }

    async fn load(&self, bucket: &BucketName) -> Result<Loaded, StorageError> {
        self.works()?;
        let mut inside = self.0.lock();
        let kept = inside.buckets.entry(bucket.clone()).or_default();
        kept.loads += 1;
        let entries = kept.entries.values().cloned().collect();
        Ok(Loaded { fence: Fence::new(kept.loads), entries })
    }

    async fn commit(&self, commits: Vec<Commit>) -> Vec<Result<(), StorageError>> {
        // As slow as a disk, so that other tasks run in between.
        tokio::task::yield_now().await;
        commits.into_iter().map(|commit| self.commit_one(commit)).collect()
    }

    async fn remove(&self, bucket: &BucketName, _fence: Fence) -> Result<(), StorageError> {
        self.works()?;
        self.0.lock().buckets.remove(bucket);
        Ok(())
    }

    async fn sync(&self) -> Result<(), StorageError> {
        self.works()
    }
}

pub(crate) async fn store(shelf: &Shelf) -> Store {
    Store::options().storage(shelf.clone()).start().await.unwrap()
}

#[tokio::test]
async fn a_new_store_finds_the_buckets_of_the_one_before() {
    let shelf = Shelf::default();
    let first = store(&shelf).await;
    first.create("shopping").await.unwrap().put("milk", "1").await.unwrap();
    first.create("empty").await.unwrap();
    first.stop().await.unwrap();

    let second = store(&shelf).await;
    assert_eq!(second.names(None, 100), ["empty", "shopping"]);
    assert_eq!(second.lookup("shopping").unwrap().get("milk").await.unwrap(), Some("1".into()));
    second.stop().await.unwrap();
}

#[tokio::test]
async fn a_store_has_the_buckets_of_its_storage_once_it_has_started() {
    let shelf = Shelf::default();
    let first = store(&shelf).await;
    first.create("shopping").await.unwrap().put("milk", "1").await.unwrap();
    first.stop().await.unwrap();

    let second = store(&shelf).await;
    assert_eq!(second.lookup("shopping").unwrap().get("milk").await.unwrap(), Some("1".into()));
    second.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_begins_again_answers_between_two_pages() {
    let shelf = Shelf::default();
    let store = Store::options().storage(shelf.clone()).start().await.unwrap();
    for number in 0..100 {
        store.create(&format!("{number}")).await.unwrap();
    }
    let before = shelf.pages();
    store.registry().server().unwrap().kill();
    while store.lookup_ordered("1").await.is_err() {
        tokio::task::yield_now().await;
    }
    let answered = shelf.pages() - before;
    // The last page is empty.
    while store.lookup_ordered("1").await.is_ok() && shelf.pages() - before < 5 {
        tokio::time::advance(Duration::from_millis(1)).await;
    }
    assert!(answered < 5, "the registry answered after {answered} of 5 pages");
    store.stop().await.unwrap();
}

#[tokio::test]
async fn a_store_whose_storage_does_not_say_what_it_keeps_does_not_start() {
    let shelf = Shelf::default();
    shelf.fail(true);
    let refused = Store::options().storage(shelf.clone()).start().await.unwrap_err();
    assert!(refused.to_string().contains("the shelf broke; mend it"), "{refused}");
    shelf.fail(false);
    store(&shelf).await.stop().await.unwrap();
}

#[tokio::test]
async fn a_bucket_that_is_removed_is_forgotten_and_one_that_stops_or_crashes_is_not() {
    let shelf = Shelf::default();
    let store = store(&shelf).await;
    for (end, found) in [("stop", Some("1".into())), ("kill", Some("1".into())), ("remove", None)] {
        let bucket = store.create("shopping").await.unwrap();
        bucket.put("milk", "1").await.unwrap();
        match end {
            "stop" => bucket.stop().await.unwrap(),
            "kill" => bucket.kill(),
            _ => bucket.remove().await.unwrap(),
        }
        // One that crashed may run again already.
        assert!(end == "kill" || store.lookup("shopping").is_none(), "{end}");
        assert_eq!(store.create("shopping").await.unwrap().get("milk").await.unwrap(), found, "{end}");
    }
    store.stop().await.unwrap();
}

#[tokio::test]
async fn what_the_storage_does_not_keep_the_bucket_takes_back() {
    let shelf = Shelf::default();
    let store = store(&shelf).await;
    let bucket = store.create("shopping").await.unwrap();
    bucket.put("milk", "1").await.unwrap();
    shelf.fail(true);

    let failed = |error: WriteError| assert!(matches!(error, WriteError::Storage(_)), "{error:?}");
    failed(bucket.put("milk", "2").await.unwrap_err());
    failed(bucket.put("eggs", "2").await.unwrap_err());
    failed(bucket.delete("milk").await.unwrap_err());
    failed(bucket.clear().await.unwrap_err());
    failed(bucket.remove().await.unwrap_err());
    failed(bucket.update("milk", |value| *value = None).await.unwrap_err());
    let set = bucket.compare_and_set("milk", Some("1".into()), Some("3".into())).await;
    assert!(matches!(set, Err(CompareAndSetError::Write(WriteError::Storage(_)))), "{set:?}");
    let twice = vec![
        Operation::Put("milk".into(), "2".into()),
        Operation::Put("milk".into(), "3".into()),
        Operation::Clear,
        Operation::Put("eggs".into(), "1".into()),
    ];
    failed(bucket.apply(twice).await.unwrap_err());
    let text = bucket.put("milk", "2").await.unwrap_err().to_string();
    assert_eq!(text, "the storage failed: the shelf broke; mend it; the bucket is as it was before");

    // What changes nothing needs no storage.
    assert_eq!(bucket.entries(KeyPage::first(10)).await.unwrap(), [("milk".into(), "1".into())]);
    assert_eq!(bucket.apply(vec![Operation::Len]).await.unwrap(), [OperationResult::Len(1)]);
    shelf.fail(false);
    bucket.put("milk", "2").await.unwrap();
    assert_eq!(shelf.entries("shopping").unwrap()[&b"milk"[..]], "2");
    store.stop().await.unwrap();
}

#[tokio::test]
async fn many_operations_are_one_commit() {
    let shelf = Shelf::default();
    let store = store(&shelf).await;
    let bucket = store.create("shopping").await.unwrap();
    let many = (0..100).map(|number| Operation::Put(number.to_string().into(), "1".into())).collect();
    bucket.apply(many).await.unwrap();
    assert_eq!((bucket.len().await, shelf.commits()), (Ok(100), 1));
    store.stop().await.unwrap();
}

#[tokio::test]
async fn a_bucket_whose_entries_cannot_be_read_is_not_created_and_the_next_try_may_succeed() {
    let shelf = Shelf::default();
    let store = store(&shelf).await;
    store.create("holidays").await.unwrap();
    shelf.fail(true);
    let refused = store.create("shopping").await.unwrap_err();
    assert!(matches!(refused, CreateError::NotStarted { .. }), "{refused:?}");
    assert!(refused.to_string().contains("the shelf broke; mend it"), "{refused}");
    assert_eq!(store.lookup("shopping"), None);
    shelf.fail(false);
    store.create("shopping").await.unwrap();
    store.stop().await.unwrap();
}

#[derive(Clone, Debug)]
enum Op {
    One(Operation),
    Several(Vec<Operation>),
    Update(Bytes, Option<Bytes>),
    CompareAndSet(Bytes, Option<Bytes>, Option<Bytes>),
    Fail(bool),
    Crash,
}

fn key() -> impl Strategy<Value = Bytes> {
    (0..6_u8).prop_map(|byte| Bytes::copy_from_slice(&[b'a' + byte]))
}

fn value() -> impl Strategy<Value = Option<Bytes>> {
    proptest::option::of((0..4_u8).prop_map(|byte| Bytes::copy_from_slice(&[b'0' + byte])))
}

fn page() -> impl Strategy<Value = KeyPage> {
    (proptest::option::of(key()), 0..4_usize).prop_map(|(after, limit)| KeyPage { after, limit })
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        key().prop_map(Operation::Get),
        (key(), value()).prop_map(|(key, value)| Operation::Put(key, value.unwrap_or_default())),
        key().prop_map(Operation::Delete),
        page().prop_map(Operation::Keys),
        page().prop_map(Operation::Entries),
        Just(Operation::Len),
        Just(Operation::Clear),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => operation().prop_map(Op::One),
        3 => proptest::collection::vec(operation(), 0..5).prop_map(Op::Several),
        2 => (key(), value()).prop_map(|(key, value)| Op::Update(key, value)),
        2 => (key(), value(), value()).prop_map(|(key, expected, new)| Op::CompareAndSet(key, expected, new)),
        1 => any::<bool>().prop_map(Op::Fail),
        1 => Just(Op::Crash),
    ]
}

/// What a bucket is: an ordered map, and nothing else.
fn model(entries: &mut Entries, operation: &Operation) -> OperationResult {
    let page = |page: &KeyPage| {
        let after = |key: &Bytes| page.after.as_ref().is_none_or(|after| key > after);
        entries.clone().into_iter().filter(|(key, _)| after(key)).take(page.limit).collect::<Vec<_>>()
    };
    match operation {
        Operation::Get(key) => OperationResult::Value(entries.get(key).cloned()),
        Operation::Put(key, value) => {
            entries.insert(key.clone(), value.clone());
            OperationResult::Put
        }
        Operation::Delete(key) => OperationResult::Value(entries.remove(key)),
        Operation::Keys(keys) => OperationResult::Keys(page(keys).into_iter().map(|(key, _)| key).collect()),
        Operation::Entries(both) => OperationResult::Entries(page(both)),
        Operation::Len => OperationResult::Len(entries.len()),
        Operation::Clear => OperationResult::Len(std::mem::take(entries).len()),
        operation => unreachable!("{operation:?} is not drawn here"),
    }
}

/// Does one thing, each by its own function.
async fn one(bucket: &kv_core::Bucket, operation: Operation) -> Result<OperationResult, WriteError> {
    Ok(match operation {
        Operation::Get(key) => OperationResult::Value(bucket.get(key).await?),
        Operation::Put(key, value) => {
            bucket.put(key, value).await?;
            OperationResult::Put
        }
        Operation::Delete(key) => OperationResult::Value(bucket.delete(key).await?),
        Operation::Keys(page) => OperationResult::Keys(bucket.keys(page).await?),
        Operation::Entries(page) => OperationResult::Entries(bucket.entries(page).await?),
        Operation::Len => OperationResult::Len(bucket.len().await?),
        Operation::Clear => OperationResult::Len(bucket.clear().await?),
        operation => unreachable!("{operation:?} is not drawn here"),
    })
}

async fn agrees(ops: Vec<Op>) {
    let shelf = Shelf::default();
    let store = store(&shelf).await;
    let mut bucket = store.create("shopping").await.unwrap();
    let mut entries = Entries::new();
    let mut fails = false;
    for op in ops {
        // What it comes to if the storage works; and if it does not, nothing has changed.
        let mut then = entries.clone();
        let failed = match op {
            Op::One(operation) => {
                let expected = model(&mut then, &operation);
                one(&bucket, operation).await.map(|done| assert_eq!(done, expected)).is_err()
            }
            Op::Several(operations) => {
                let expected: Vec<_> = operations.iter().map(|operation| model(&mut then, operation)).collect();
                bucket.apply(operations).await.map(|done| assert_eq!(done, expected)).is_err()
            }
            Op::Update(key, value) => {
                let before = entries.get(&key).cloned();
                match value.clone() {
                    Some(value) => then.insert(key.clone(), value),
                    None => then.remove(&key),
                };
                let put = move |it: &mut Option<Bytes>| std::mem::replace(it, value);
                bucket.update(key, put).await.map(|seen| assert_eq!(seen, before)).is_err()
            }
            Op::CompareAndSet(key, expected, new) => {
                let found = entries.get(&key).cloned();
                let set = bucket.compare_and_set(key.clone(), expected.clone(), new.clone()).await;
                if found == expected {
                    match new {
                        Some(new) => then.insert(key, new),
                        None => then.remove(&key),
                    };
                    set.is_err()
                } else if fails && set != Err(CompareAndSetError::Differs { found: found.clone() }) {
                    true
                } else {
                    assert_eq!(set, Err(CompareAndSetError::Differs { found }));
                    false
                }
            }
            Op::Fail(now) => {
                fails = now;
                shelf.fail(now);
                false
            }
            Op::Crash => {
                bucket.kill();
                shelf.fail(false);
                fails = false;
                bucket = store.create("shopping").await.unwrap();
                false
            }
        };
        assert!(fails || !failed, "what the storage can keep is done");
        if !failed {
            entries = then;
        }
        assert_eq!(bucket.entries(KeyPage::first(100)).await.unwrap(), entries.clone().into_iter().collect::<Vec<_>>());
        assert_eq!(shelf.entries("shopping").unwrap(), entries, "it is kept before it is answered");
    }
    store.stop().await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn a_bucket_is_an_ordered_map_whatever_befalls_its_storage_and_its_process(ops in proptest::collection::vec(op(), 0..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(agrees(ops));
    }
}
