//! Keys that expire: gone at their time for every operation, with and without a storage.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use genserver::time::system_now;
use kv_core::{
    AddOutcome, Bucket, ExpireCondition, ExpireOutcome, Expiry, KeyPage, Operation, OperationResult, Store, TimeToLive,
};
use proptest::prelude::*;
use tokio::time::advance;

use crate::storage::{Shelf, store};

const MINUTE: Duration = Duration::from_mins(1);

async fn keys(bucket: &Bucket) -> Vec<Bytes> {
    bucket.keys(KeyPage::first(100)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_expired_key_is_gone_for_every_operation_at_its_time() {
    let bucket = Bucket::start().await.unwrap();
    bucket.put("bread", "1").await.unwrap();
    bucket.put_expiring("milk", "2", MINUTE).await.unwrap();
    advance(Duration::from_millis(59_999)).await;
    assert_eq!(bucket.get("milk").await.unwrap(), Some("2".into()));
    assert_eq!(bucket.time_to_live("milk").await.unwrap(), TimeToLive::Left(Duration::from_millis(1)));

    advance(Duration::from_millis(1)).await;
    assert_eq!(bucket.get("milk").await.unwrap(), None);
    assert_eq!(keys(&bucket).await, ["bread"]);
    assert_eq!(bucket.entries(KeyPage::first(9)).await.unwrap(), [("bread".into(), "1".into())]);
    assert_eq!(bucket.len().await.unwrap(), 1);
    assert_eq!(bucket.time_to_live("milk").await.unwrap(), TimeToLive::NoKey);
    assert_eq!(bucket.persist("milk").await.unwrap(), TimeToLive::NoKey);
    assert_eq!(bucket.expire("milk", MINUTE).await.unwrap(), TimeToLive::NoKey);
    assert_eq!(bucket.update("milk", |value| value.clone()).await.unwrap(), None);
    assert_eq!(bucket.delete("milk").await.unwrap(), None);
    assert_eq!(bucket.clear().await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_put_makes_a_key_stay_and_a_change_leaves_its_time() {
    let bucket = Bucket::start().await.unwrap();
    for key in ["put", "persist", "update", "compare", "add", "new"] {
        bucket.put_expiring(key, "1", MINUTE).await.unwrap();
    }
    bucket.put("put", "2").await.unwrap();
    assert_eq!(bucket.persist("persist").await.unwrap(), TimeToLive::Left(MINUTE));
    bucket.update("update", |value| *value = Some("2".into())).await.unwrap();
    bucket.compare_and_set("compare", Some("1".into()), Some("2".into())).await.unwrap();
    bucket.apply_one(Operation::Add("add".into(), 1)).await.unwrap();
    // A key that is removed and comes again is another one.
    bucket.update("new", |value| *value = None).await.unwrap();
    bucket.update("new", |value| *value = Some("2".into())).await.unwrap();
    assert_eq!(bucket.time_to_live("update").await.unwrap(), TimeToLive::Left(MINUTE));
    advance(MINUTE).await;
    assert_eq!(keys(&bucket).await, ["new", "persist", "put"]);
}

#[tokio::test(start_paused = true)]
async fn a_time_that_has_passed_ends_the_key_at_once() {
    let bucket = Bucket::start().await.unwrap();
    for expiry in [Expiry::After(Duration::ZERO), Expiry::At(SystemTime::UNIX_EPOCH), Expiry::At(system_now())] {
        bucket.put("milk", "1").await.unwrap();
        assert_eq!(bucket.expire("milk", expiry).await.unwrap(), TimeToLive::Unlimited);
        let left = match expiry {
            // The millisecond that has begun is not over.
            Expiry::At(at) if at > SystemTime::UNIX_EPOCH => Duration::from_millis(1),
            _ => Duration::ZERO,
        };
        advance(left).await;
        assert_eq!(bucket.get("milk").await.unwrap(), None, "{expiry:?}");
    }
    bucket.put_expiring("milk", "1", Duration::MAX).await.unwrap();
    assert_eq!(bucket.len().await.unwrap(), 1);
}

/// How many keys a bucket has, and how many of them have expired and are not removed yet.
async fn shown(bucket: &Bucket) -> String {
    genserver::sys::with_state(bucket, |bucket| format!("{bucket:?}")).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn expired_keys_are_removed_at_their_time_though_nobody_asks_for_them() {
    let bucket = Bucket::start().await.unwrap();
    for number in 0..1_000 {
        bucket.put_expiring(number.to_string(), "1", MINUTE).await.unwrap();
    }
    bucket.put("stays", "1").await.unwrap();
    advance(MINUTE).await;
    assert_eq!(bucket.len().await.unwrap(), 1);
    assert!(shown(&bucket).await.starts_with("BucketServer { keys: 1, expired: "));
    // A hundred in a turn, and a turn in a millisecond.
    genserver::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(shown(&bucket).await, "BucketServer { keys: 1, .. }");
}

#[tokio::test(start_paused = true)]
async fn an_expired_key_does_not_come_back_with_another_process() {
    let shelf = Shelf::default();
    let store = store(&shelf).await;
    let bucket = store.create("shopping").await.unwrap();
    bucket.put_expiring("milk", "1", MINUTE).await.unwrap();
    bucket.put_expiring("bread", "1", 2 * MINUTE).await.unwrap();
    bucket.kill();
    advance(MINUTE).await;
    let bucket = store.create("shopping").await.unwrap();
    assert_eq!(bucket.get("milk").await.unwrap(), None);
    assert_eq!(keys(&bucket).await, ["bread"]);
    assert_eq!(bucket.time_to_live("bread").await.unwrap(), TimeToLive::Left(MINUTE));
    // And it is removed from the storage.
    genserver::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(shelf.kept("shopping").unwrap().len(), 1);
    store.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_key_that_the_storage_does_not_remove_stays_expired_and_is_removed_when_it_works_again() {
    let shelf = Shelf::default();
    let store = store(&shelf).await;
    let bucket = store.create("shopping").await.unwrap();
    bucket.put_expiring("milk", "1", MINUTE).await.unwrap();
    shelf.fail(true);
    for _ in 0..5 {
        genserver::time::sleep(MINUTE).await;
        assert_eq!(bucket.get("milk").await.unwrap(), None);
        assert_eq!(bucket.len().await.unwrap(), 0);
    }
    assert_eq!(shelf.kept("shopping").unwrap().len(), 1);
    shelf.fail(false);
    genserver::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(shelf.kept("shopping").unwrap(), []);
    store.stop().await.unwrap();
}

#[derive(Clone, Debug)]
enum Op {
    One(Operation),
    Several(Vec<Operation>),
    Update(Bytes, Option<Bytes>),
    Wait(Duration),
    Fail(bool),
    Crash,
}

fn key() -> impl Strategy<Value = Bytes> {
    (0..4_u8).prop_map(|byte| Bytes::copy_from_slice(&[b'a' + byte]))
}

fn value() -> impl Strategy<Value = Bytes> {
    (0..4_u8).prop_map(|byte| Bytes::copy_from_slice(&[b'0' + byte]))
}

fn addend() -> impl Strategy<Value = i64> {
    prop_oneof![Just(1), Just(-5), Just(i64::MAX), Just(i64::MIN)]
}

fn milliseconds() -> impl Strategy<Value = Duration> {
    (0..8_u64).prop_map(Duration::from_millis)
}

fn condition() -> impl Strategy<Value = ExpireCondition> {
    use ExpireCondition::{Earlier, Later, Limited, Unlimited};
    prop_oneof![Just(Unlimited), Just(Limited), Just(Earlier), Just(Later)]
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        1 => key().prop_map(Operation::Get),
        2 => (key(), value()).prop_map(|(key, value)| Operation::Put(key, value)),
        1 => (key(), value()).prop_map(|(key, value)| Operation::Replace(key, value)),
        1 => (key(), value()).prop_map(|(key, value)| Operation::PutNew(key, value)),
        2 => (key(), addend()).prop_map(|(key, more)| Operation::Add(key, more)),
        1 => key().prop_map(Operation::Delete),
        4 => (key(), milliseconds()).prop_map(|(key, time)| Operation::Expire(key, time.into())),
        3 => (key(), milliseconds(), condition()).prop_map(|(key, time, only)| Operation::ExpireIf(key, time.into(), only)),
        1 => key().prop_map(Operation::Persist),
        1 => key().prop_map(Operation::TimeToLive),
        1 => (0..4_usize).prop_map(|limit| Operation::Keys(KeyPage::first(limit))),
        1 => (key(), 0..4_usize).prop_map(|(after, limit)| Operation::Entries(KeyPage::after(after, limit))),
        1 => Just(Operation::Len),
        1 => Just(Operation::Clear),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => operation().prop_map(Op::One),
        3 => proptest::collection::vec(operation(), 0..5).prop_map(Op::Several),
        2 => (key(), proptest::option::of(value())).prop_map(|(key, value)| Op::Update(key, value)),
        4 => milliseconds().prop_map(Op::Wait),
        1 => any::<bool>().prop_map(Op::Fail),
        1 => Just(Op::Crash),
    ]
}

/// A key's value, and the millisecond at which it expires.
type Model = BTreeMap<Bytes, (Bytes, Option<u128>)>;

fn millis() -> u128 {
    system_now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis()
}

/// What is not there any more.
fn expire(model: &mut Model) {
    let now = millis();
    model.retain(|_, (_, expires)| expires.is_none_or(|at| at > now));
}

fn time_to_live(model: &Model, key: &Bytes) -> TimeToLive {
    match model.get(key) {
        None => TimeToLive::NoKey,
        Some((_, None)) => TimeToLive::Unlimited,
        Some((_, Some(at))) => TimeToLive::Left(Duration::from_millis(u64::try_from(at - millis()).unwrap())),
    }
}

fn page(model: &Model, page: &KeyPage) -> Vec<(Bytes, Bytes)> {
    let after = model.iter().filter(|(key, _)| page.after.as_ref().is_none_or(|after| *key > after));
    after.take(page.limit).map(|(key, (value, _))| (key.clone(), value.clone())).collect()
}

fn apply(model: &mut Model, operation: &Operation) -> OperationResult {
    expire(model);
    match operation {
        Operation::Get(key) => OperationResult::Value(model.get(key).map(|(value, _)| value.clone())),
        Operation::Put(key, value) => {
            model.insert(key.clone(), (value.clone(), None));
            OperationResult::Put
        }
        Operation::Replace(key, value) => {
            let before = model.insert(key.clone(), (value.clone(), None));
            OperationResult::Value(before.map(|(value, _)| value))
        }
        Operation::PutNew(key, value) => {
            let there = model.get(key).map(|(value, _)| value.clone());
            model.entry(key.clone()).or_insert((value.clone(), None));
            OperationResult::Value(there)
        }
        Operation::Add(key, more) => {
            let (value, expires) = model.get(key).cloned().unwrap_or(("0".into(), None));
            // Every value that is drawn is a digit.
            let before: i64 = std::str::from_utf8(&value).unwrap().parse().unwrap();
            OperationResult::Add(match before.checked_add(*more) {
                None => AddOutcome::Overflow,
                Some(sum) => {
                    model.insert(key.clone(), (sum.to_string().into(), expires));
                    AddOutcome::Sum(sum)
                }
            })
        }
        Operation::Delete(key) => OperationResult::Value(model.remove(key).map(|(value, _)| value)),
        Operation::Keys(keys) => OperationResult::Keys(page(model, keys).into_iter().map(|(key, _)| key).collect()),
        Operation::Entries(both) => OperationResult::Entries(page(model, both)),
        Operation::Len => OperationResult::Len(model.len()),
        Operation::Clear => OperationResult::Len(std::mem::take(model).len()),
        Operation::Expire(key, expiry) => {
            let before = time_to_live(model, key);
            let Expiry::After(time) = expiry else { unreachable!("only this is drawn") };
            if let Some((_, expires)) = model.get_mut(key) {
                *expires = Some(millis() + time.as_millis());
            }
            OperationResult::TimeToLive(before)
        }
        Operation::ExpireIf(key, expiry, condition) => {
            let Expiry::After(time) = expiry else { unreachable!("only this is drawn") };
            let new = millis() + time.as_millis();
            OperationResult::ExpireIf(match model.get_mut(key) {
                None => ExpireOutcome::NoKey,
                Some((_, expires)) => {
                    let sets = match condition {
                        ExpireCondition::Unlimited => expires.is_none(),
                        ExpireCondition::Limited => expires.is_some(),
                        ExpireCondition::Earlier => expires.is_some_and(|at| at < new),
                        ExpireCondition::Later => expires.is_none_or(|at| at > new),
                    };
                    if sets {
                        *expires = Some(new);
                        ExpireOutcome::Set
                    } else {
                        ExpireOutcome::Kept
                    }
                }
            })
        }
        Operation::Persist(key) => {
            let before = time_to_live(model, key);
            if let Some((_, expires)) = model.get_mut(key) {
                *expires = None;
            }
            OperationResult::TimeToLive(before)
        }
        Operation::TimeToLive(key) => OperationResult::TimeToLive(time_to_live(model, key)),
    }
}

async fn agrees(ops: Vec<Op>, shelf: Option<Shelf>) {
    let store = match &shelf {
        Some(shelf) => store(shelf).await,
        None => Store::start().await.unwrap(),
    };
    let mut bucket = store.create("shopping").await.unwrap();
    let mut model = Model::new();
    for op in ops {
        expire(&mut model);
        // What it comes to if the storage works; and if it does not, nothing has changed.
        let mut then = model.clone();
        let done = match (op, &shelf) {
            (Op::One(operation), _) => {
                let expected = apply(&mut then, &operation);
                bucket.apply_one(operation).await.map(|done| assert_eq!(done, expected)).is_ok()
            }
            (Op::Several(operations), _) => {
                let expected: Vec<_> = operations.iter().map(|operation| apply(&mut then, operation)).collect();
                bucket.apply(operations).await.map(|done| assert_eq!(done, expected)).is_ok()
            }
            (Op::Update(key, value), _) => {
                let expires = then.get(&key).and_then(|(_, expires)| *expires);
                match value.clone() {
                    Some(value) => then.insert(key.clone(), (value, expires)),
                    None => then.remove(&key),
                };
                bucket.update(key, move |it| *it = value).await.is_ok()
            }
            (Op::Wait(time), _) => {
                advance(time).await;
                true
            }
            (Op::Fail(now), Some(shelf)) => {
                shelf.fail(now);
                true
            }
            (Op::Crash, Some(shelf)) => {
                bucket.kill();
                shelf.fail(false);
                bucket = store.create("shopping").await.unwrap();
                true
            }
            (Op::Fail(_) | Op::Crash, None) => true,
        };
        assert!(done || shelf.is_some(), "without a storage nothing fails");
        if done {
            model = then;
        }
        expire(&mut model);
        let all = page(&model, &KeyPage::first(100));
        assert_eq!(bucket.entries(KeyPage::first(100)).await.unwrap(), all);
        assert_eq!(bucket.len().await.unwrap(), model.len());
        for (key, (value, _)) in &model {
            assert_eq!(bucket.get(key.clone()).await.unwrap().as_ref(), Some(value));
            assert_eq!(bucket.time_to_live(key.clone()).await.unwrap(), time_to_live(&model, key));
        }
        if let Some(shelf) = &shelf {
            let now = system_now();
            let live =
                shelf.kept("shopping").unwrap().into_iter().filter(|entry| entry.expires.is_none_or(|at| at > now));
            assert_eq!(live.map(|entry| (entry.key, entry.value)).collect::<Vec<_>>(), all, "it is kept");
        }
    }
    store.stop().await.unwrap();
}

fn block_on(work: impl Future<Output = ()>) {
    let paused = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    paused.block_on(work);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_bucket_is_a_map_whose_keys_expire(ops in proptest::collection::vec(op(), 0..40)) {
        block_on(agrees(ops, None));
    }

    #[test]
    fn a_bucket_with_a_storage_is_the_same_whatever_befalls_both(ops in proptest::collection::vec(op(), 0..40)) {
        block_on(agrees(ops, Some(Shelf::default())));
    }
}
