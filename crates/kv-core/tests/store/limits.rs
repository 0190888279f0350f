//! The limits of a store: what is refused, what goes on, and what is given back.

use std::time::Duration;

use bytes::Bytes;
use genserver::AsProcess;
use genserver::supervisor::Supervisor;
use kv_core::{
    AddOutcome, Bucket, CompareAndSetError, CreateError, LimitError, Operation, OperationError, OperationResult, Store,
    WriteError,
};
use proptest::prelude::*;

use crate::storage::Shelf;

const MAX: usize = 20_000;

fn put(key: &'static str, bytes: usize) -> Operation {
    Operation::Put(key.into(), vec![0; bytes].into())
}

fn full() -> WriteError {
    WriteError::Limit(LimitError::Memory { max: MAX })
}

#[tokio::test]
async fn a_full_store_refuses_writes_and_nothing_else() {
    let store = Store::options().max_memory(MAX).start().await.unwrap();
    let shopping = store.create("shopping").await.unwrap();
    shopping.put("milk", vec![1; 10_000]).await.unwrap();
    let before = store.memory();
    assert_eq!(shopping.put("eggs", vec![1; 10_000]).await, Err(full()));
    assert_eq!(shopping.put("milk", vec![1; 20_000]).await, Err(full()));
    let update = shopping.update("eggs", |value| *value = Some(vec![1; 10_000].into())).await;
    assert_eq!(update, Err(full()));
    let set = shopping.compare_and_set("eggs", None, Some(vec![1; 10_000].into())).await;
    assert_eq!(set, Err(CompareAndSetError::Write(full())));
    assert_eq!(store.memory(), before, "what was refused does not count");

    assert_eq!(shopping.get("milk").await.unwrap().unwrap().len(), 10_000);
    assert_eq!(shopping.get("eggs").await.unwrap(), None);
    shopping.put("milk", vec![1; 9_000]).await.unwrap();
    shopping.delete("milk").await.unwrap();
    shopping.put("eggs", vec![1; 10_000]).await.unwrap();
    store.stop().await.unwrap();
}

#[tokio::test]
async fn several_operations_are_all_refused_or_none_and_each_by_itself() {
    let store = Store::options().max_memory(MAX).start().await.unwrap();
    let bucket = store.create("shopping").await.unwrap();
    let both = vec![put("milk", 10_000), put("eggs", 10_000)];
    assert_eq!(bucket.apply(both.clone()).await, Err(full()));
    assert_eq!(bucket.len().await.unwrap(), 0);
    let each = bucket.apply_each(both).await.unwrap();
    let refused = Err(OperationError::Limit(LimitError::Memory { max: MAX }));
    assert_eq!(each, [Ok(OperationResult::Put), refused]);

    // What is removed in the same list makes room.
    bucket.apply(vec![Operation::Delete("milk".into()), put("eggs", 10_000)]).await.unwrap();
    bucket.apply(vec![Operation::Clear, put("milk", 10_000), put("milk", 11_000)]).await.unwrap();
    assert_eq!(bucket.len().await.unwrap(), 1);
    store.stop().await.unwrap();
}

#[tokio::test]
async fn an_integer_has_limits_too() {
    let store = Store::options().max_memory(MAX).max_key(4).start().await.unwrap();
    let bucket = store.create("shopping").await.unwrap();
    let add = |key: &'static str| bucket.apply_one(Operation::Add(key.into(), i64::MIN));
    assert_eq!(add("bread").await, Err(WriteError::Limit(LimitError::Key { bytes: 5, max: 4 })));
    assert_eq!(add("milk").await, Ok(OperationResult::Add(AddOutcome::Sum(i64::MIN))));
    assert_eq!(add("milk").await, Ok(OperationResult::Add(AddOutcome::Overflow)));
    let rest = MAX - store.memory() - 200;
    bucket.put("eggs", vec![b'x'; rest]).await.unwrap();
    assert_eq!(add("eggs").await, Ok(OperationResult::Add(AddOutcome::NotAnInteger)));
    let many = (0..100).map(|key: u8| Operation::Add(vec![key].into(), 1)).collect();
    assert_eq!(bucket.apply(many).await, Err(full()));
    assert_eq!(bucket.len().await.unwrap(), 2);
    store.stop().await.unwrap();

    let store = Store::options().max_value(19).start().await.unwrap();
    let refused = store.create("shopping").await.unwrap().apply_one(Operation::Add("milk".into(), 1)).await;
    assert_eq!(refused, Err(WriteError::Limit(LimitError::Value { bytes: 20, max: 19 })));
    store.stop().await.unwrap();
}

#[tokio::test]
async fn a_key_or_a_value_that_is_too_long_is_refused() {
    let store = Store::options().max_key(4).max_value(2).start().await.unwrap();
    let bucket = store.create("shopping").await.unwrap();
    bucket.put("milk", "12").await.unwrap();
    let key = bucket.put("bread", "1").await.unwrap_err();
    assert_eq!(key, WriteError::Limit(LimitError::Key { bytes: 5, max: 4 }));
    let value = bucket.apply(vec![put("eggs", 1), put("milk", 3)]).await.unwrap_err();
    assert_eq!(value, WriteError::Limit(LimitError::Value { bytes: 3, max: 2 }));
    assert!(value.to_string().ends_with("store a shorter one, or raise the store's `max_value`"));
    assert_eq!(bucket.delete("bread").await.unwrap(), None);
    assert_eq!(bucket.len().await.unwrap(), 1);
    store.stop().await.unwrap();
}

#[tokio::test]
async fn a_bucket_gives_back_what_it_held_whatever_ends_it() {
    let store = Store::options().max_memory(MAX).max_buckets(1).start().await.unwrap();
    for end in ["stop", "remove", "kill", "panic"] {
        let bucket = store.create("shopping").await.unwrap();
        let another = store.create("travel").await.unwrap_err();
        assert!(matches!(another, CreateError::Limit { why: LimitError::Buckets { max: 1 }, .. }), "{another:?}");
        bucket.put("milk", vec![1; 15_000]).await.unwrap();
        match end {
            "stop" => bucket.stop().await.unwrap(),
            "remove" => bucket.remove().await.unwrap(),
            "kill" => bucket.kill(),
            _ => assert!(bucket.update("milk", |_| panic!("as the test wants it")).await.is_err()),
        }
        bucket.ended().await;
        store.lookup_ordered("shopping").await.unwrap();
        assert_eq!(store.memory(), 0, "{end}");
    }
    store.stop().await.unwrap();
}

#[tokio::test]
async fn a_bucket_is_refused_for_its_own_memory_too() {
    let store = Store::options().max_memory(1_000).start().await.unwrap();
    store.create("shopping").await.unwrap();
    let refused = store.create("travel").await.unwrap_err();
    assert!(matches!(refused, CreateError::Limit { why: LimitError::Memory { max: 1_000 }, .. }), "{refused:?}");
    assert!(refused.to_string().ends_with("delete something, or raise its `max_memory`"), "{refused}");
    store.create("shopping").await.unwrap();
    store.stop().await.unwrap();
}

#[tokio::test]
async fn what_the_storage_keeps_is_loaded_over_every_limit_and_counts() {
    let shelf = Shelf::default();
    let first = crate::storage::store(&shelf).await;
    for name in ["shopping", "travel"] {
        first.create(name).await.unwrap().put("milk", vec![1; 10_000]).await.unwrap();
    }
    first.stop().await.unwrap();

    let second = Store::options().storage(shelf.clone()).max_memory(MAX).max_buckets(1).start().await.unwrap();
    assert_eq!(second.names(None, 9), ["shopping", "travel"]);
    // Answered by buckets that have loaded their entries.
    for name in ["shopping", "travel"] {
        assert_eq!(second.lookup(name).unwrap().len().await.unwrap(), 1);
    }
    assert!(second.memory() > MAX);
    let bucket = second.lookup("shopping").unwrap();
    assert_eq!(bucket.put("eggs", "1").await, Err(full()));
    assert!(matches!(second.create("new").await, Err(CreateError::Limit { .. })));
    bucket.kill();
    let again = second.create("shopping").await.unwrap();
    assert_eq!(again.len().await.unwrap(), 1);
    // Once it is forgotten, it is a new one.
    again.remove().await.unwrap();
    assert!(matches!(second.create("shopping").await, Err(CreateError::Limit { .. })));
    second.stop().await.unwrap();
}

#[tokio::test]
async fn what_the_storage_refuses_does_not_count() {
    let shelf = Shelf::default();
    let store = Store::options().storage(shelf.clone()).max_memory(MAX).start().await.unwrap();
    let bucket = store.create("shopping").await.unwrap();
    bucket.put("milk", "1").await.unwrap();
    shelf.fail(true);
    for _ in 0..10 {
        assert!(matches!(bucket.put("eggs", vec![1; 10_000]).await, Err(WriteError::Storage(_))));
    }
    shelf.fail(false);
    bucket.put("eggs", vec![1; 10_000]).await.unwrap();
    store.stop().await.unwrap();
}

#[tokio::test]
async fn of_a_list_that_the_storage_refuses_each_change_has_its_own_error_and_each_read_what_is_there() {
    let shelf = Shelf::default();
    let store = Store::options().storage(shelf.clone()).max_value(2).start().await.unwrap();
    let bucket = store.create("shopping").await.unwrap();
    bucket.put("milk", "1").await.unwrap();
    shelf.fail(true);
    let list = vec![put("milk", 2), put("eggs", 3), Operation::Get("milk".into())];
    let results = bucket.apply_each(list).await.unwrap();
    let [milk, eggs, read] = &results[..] else { panic!("{results:?}") };
    assert!(matches!(milk, Err(OperationError::Storage(_))), "{milk:?}");
    assert_eq!(*eggs, Err(OperationError::Limit(LimitError::Value { bytes: 3, max: 2 })));
    assert_eq!(*read, Ok(OperationResult::Value(Some("1".into()))));
    shelf.fail(false);
    store.stop().await.unwrap();
}

#[tokio::test]
async fn a_store_that_its_supervisor_has_started_again_counts_from_nothing() {
    let (spec, store) = Store::options().max_memory(MAX).max_buckets(1).child_spec("store");
    assert_eq!(store.memory(), 0, "it has not been started");
    let application = Supervisor::one_for_one().child(spec).start().await.unwrap();
    for _ in 0..2 {
        store.create("shopping").await.unwrap().put("milk", vec![1; 15_000]).await.unwrap();
        assert!(store.memory() > 15_000);
        store.as_process().unwrap().kill();
        // Waits for the restart.
        store.events().await.unwrap();
        assert_eq!(store.memory(), 0);
    }
    application.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_makes_room() {
    let store = Store::options().max_memory(MAX).start().await.unwrap();
    let bucket = store.create("shopping").await.unwrap();
    bucket.put_expiring("milk", vec![1; 10_000], Duration::from_secs(1)).await.unwrap();
    assert_eq!(bucket.put("eggs", vec![1; 10_000]).await, Err(full()));
    genserver::time::sleep(Duration::from_secs(2)).await;
    bucket.put("eggs", vec![1; 10_000]).await.unwrap();
    store.stop().await.unwrap();
}

async fn carry_out(bucket: &Bucket, operations: Vec<Operation>, together: bool) {
    if together {
        let _ = bucket.apply(operations).await;
    } else {
        let _ = bucket.apply_each(operations).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_store_never_holds_more_than_it_may_by_more_than_a_tenth(
        lists in proptest::collection::vec((proptest::collection::vec((0..40_u8, 0..3_000_usize), 0..6), any::<bool>()), 0..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let store = Store::options().max_memory(MAX).start().await.unwrap();
            let bucket = store.create("shopping").await.unwrap();
            for (list, together) in lists {
                let operation = |(key, bytes): (u8, usize)| {
                    let key = Bytes::copy_from_slice(&[key]);
                    if bytes < 500 { Operation::Delete(key) } else { Operation::Put(key, vec![0; bytes].into()) }
                };
                carry_out(&bucket, list.into_iter().map(operation).collect(), together).await;
                assert!(store.memory() <= MAX + MAX / 10, "it holds {} bytes", store.memory());
            }
            store.stop().await.unwrap();
        });
    }
}
