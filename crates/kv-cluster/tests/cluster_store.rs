//! Buckets of a cluster of three members, on the model of an engine.
#![cfg(feature = "model")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use futures::StreamExt as _;
use genserver::time;
use genserver_cluster::Cluster;
use genserver_cluster::engine::model::Model;
use kv_cluster::{ClusterStore, ClusterStoreError, LogStorage};
use kv_core::{
    AddOutcome, Bucket, BucketName, Compared, ExpireCondition, Expiry, KeyEvent, KeyEventKind, KeyPage, LimitError,
    Operation, OperationError, OperationResult, RemoteEvent, Storage as _, StorageErrorKind,
};

const MEMBERS: [&str; 3] = ["a", "b", "c"];

struct Machine {
    name: &'static str,
    cluster: Cluster,
    store: ClusterStore,
}

async fn machine(model: &Model, name: &'static str) -> Machine {
    let cluster = Cluster::over(model.member(name)).member(name).start().await.unwrap();
    let store = ClusterStore::start(cluster.clone(), LogStorage::over(model.member(name))).await.unwrap();
    Machine { name, cluster, store }
}

/// Three members, and the bucket `shopping`.
async fn three() -> (Model, [Machine; 3]) {
    let model = Model::new();
    let machines = [machine(&model, "a").await, machine(&model, "b").await, machine(&model, "c").await];
    // Until all have seen all.
    for machine in &machines {
        while machine.cluster.members().await.unwrap().len() < MEMBERS.len() {
            time::sleep(Duration::from_millis(10)).await;
        }
    }
    machines[0].store.create("shopping").await.unwrap();
    (model, machines)
}

fn name(name: &str) -> BucketName {
    name.parse().unwrap()
}

fn put(key: &str, value: &str) -> Operation {
    Operation::Put(key.to_owned().into(), value.to_owned().into())
}

async fn one(store: &ClusterStore, operation: Operation) -> Result<OperationResult, ClusterStoreError> {
    Ok(store.apply_each("shopping", vec![operation]).await?.remove(0).unwrap())
}

async fn entries(store: &ClusterStore) -> BTreeMap<String, String> {
    let OperationResult::Entries(entries) = one(store, Operation::Entries(KeyPage::first(1_000))).await.unwrap() else {
        panic!("it lists entries")
    };
    let text = |bytes: bytes::Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    entries.into_iter().map(|(key, value)| (text(key), text(value))).collect()
}

/// The member that owns the bucket, and the two others.
async fn owner_first(machines: &[Machine; 3]) -> [&Machine; 3] {
    let owner = machines[0].store.whereis(&name("shopping")).await.unwrap().expect("it has an owner").member;
    let mut machines = machines.each_ref();
    machines.sort_by_key(|machine| machine.name != owner);
    machines
}

#[tokio::test(start_paused = true)]
async fn any_member_takes_the_requests_for_every_bucket() {
    let (_model, [a, b, c]) = three().await;
    for bucket in 0..20 {
        let bucket = format!("bucket-{bucket}");
        a.store.create(&bucket).await.unwrap();
        let results = b.store.apply_each(&bucket, vec![put("milk", "1"), Operation::Len]).await.unwrap();
        assert_eq!(results, [Ok(OperationResult::Put), Ok(OperationResult::Len(1))]);
        let results = c.store.apply_each(&bucket, vec![Operation::Get("milk".into())]).await.unwrap();
        assert_eq!(results, [Ok(OperationResult::Value(Some("1".into())))]);
    }
    let names = c.store.buckets(Some(&name("bucket-18")), 3).await.unwrap();
    assert_eq!(names, ["bucket-19", "bucket-2", "bucket-3"]);
}

#[tokio::test(start_paused = true)]
async fn the_buckets_are_spread_over_the_members() {
    let (_model, [a, b, c]) = three().await;
    let mut owned = BTreeMap::<String, usize>::new();
    for bucket in 0..60 {
        let bucket = format!("bucket-{bucket}");
        [&a, &b, &c][bucket.len() % 3].store.create(&bucket).await.unwrap();
        *owned.entry(a.store.whereis(&name(&bucket)).await.unwrap().unwrap().member).or_default() += 1;
    }
    assert!(owned.len() == 3 && owned.values().all(|owned| *owned >= 10), "{owned:?}");
}

#[tokio::test(start_paused = true)]
async fn every_answered_write_is_there_when_the_machine_of_the_owner_is_cut_off() {
    let (model, machines) = three().await;
    machines[0].store.create("shopping").await.unwrap();
    let [owner, writer, reader] = owner_first(&machines).await;
    let mut answered = BTreeMap::new();
    let mut unanswered = 0;
    for number in 0..60 {
        if number == 20 {
            model.cut(owner.name);
        }
        let key = format!("key-{number}");
        match one(&writer.store, put(&key, "1")).await {
            Ok(_) => {
                answered.insert(key, "1".to_owned());
            }
            Err(error) => {
                assert!(
                    matches!(error, ClusterStoreError::Unanswered { .. } | ClusterStoreError::NoOwner { .. }),
                    "{error}"
                );
                unanswered += 1;
            }
        }
    }
    assert!(unanswered < 10 && answered.len() + unanswered == 60, "{unanswered} of 60 were not answered");
    let found = entries(&reader.store).await;
    assert!(answered.iter().all(|(key, value)| found.get(key) == Some(value)), "{found:?}");
    let next = reader.store.whereis(&name("shopping")).await.unwrap().unwrap().member;
    assert_ne!(next, owner.name);

    // The one that was cut off answers nothing from its memory, and asks the next owner when it is back.
    one(&owner.store, Operation::Len).await.unwrap_err();
    model.rejoin(owner.name);
    let patient = owner.store.clone().timeout(Duration::from_mins(1));
    assert_eq!(entries(&patient).await, found);
}

#[tokio::test(start_paused = true)]
async fn a_patient_request_waits_until_the_name_of_a_machine_that_is_gone_is_free() {
    let (model, machines) = three().await;
    one(&machines[0].store, put("milk", "1")).await.unwrap();
    let [owner, writer, _] = owner_first(&machines).await;
    model.cut(owner.name);
    // The engine has noticed, and the name has not ended.
    time::sleep(Duration::from_secs(10)).await;
    assert!(writer.store.whereis(&name("shopping")).await.unwrap().is_some_and(|found| found.member == owner.name));
    let patient = writer.store.clone().timeout(Duration::from_mins(1));
    let sum = one(&patient, Operation::Add("milk".into(), 1)).await.unwrap();
    assert_eq!(sum, OperationResult::Add(AddOutcome::Sum(2)));
}

#[tokio::test(start_paused = true)]
async fn a_member_that_stops_its_store_leaves_its_buckets_to_the_others_at_once() {
    let (_model, machines) = three().await;
    one(&machines[0].store, put("milk", "1")).await.unwrap();
    let [owner, other, _] = owner_first(&machines).await;
    owner.store.stop().await.unwrap();
    let before = time::now();
    assert_eq!(
        one(&other.store, Operation::Get("milk".into())).await.unwrap(),
        OperationResult::Value(Some("1".into()))
    );
    assert!(time::now() - before < Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_is_asked_nothing_for_ten_minutes_has_no_owner_until_it_is_asked() {
    let (_model, [a, b, _c]) = three().await;
    one(&a.store, put("milk", "1")).await.unwrap();
    time::sleep(Duration::from_mins(9)).await;
    assert!(b.store.whereis(&name("shopping")).await.unwrap().is_some());
    time::sleep(Duration::from_mins(2)).await;
    assert_eq!(b.store.whereis(&name("shopping")).await.unwrap(), None);
    assert_eq!(entries(&b.store).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_owner_whose_log_was_taken_ends_and_the_request_goes_to_the_next() {
    let (model, machines) = three().await;
    let store = &machines[0].store;
    one(store, put("milk", "1")).await.unwrap();
    let before = store.whereis(&name("shopping")).await.unwrap().unwrap();
    LogStorage::over(model.member("stranger")).load(&name("shopping")).await.unwrap();
    one(store, put("eggs", "6")).await.unwrap();
    let after = store.whereis(&name("shopping")).await.unwrap().unwrap();
    assert!(after.fence > before.fence);
    assert_eq!(entries(&machines[1].store).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_was_removed_starts_empty() {
    let (_model, [a, b, c]) = three().await;
    one(&a.store, put("milk", "1")).await.unwrap();
    assert!(c.store.contains("shopping").await.unwrap());
    b.store.remove("shopping").await.unwrap();
    assert!(!c.store.contains("shopping").await.unwrap());
    assert_eq!(c.store.buckets(None, 10).await.unwrap(), [""; 0]);
    a.store.create("shopping").await.unwrap();
    assert!(entries(&c.store).await.is_empty());
    one(&a.store, put("eggs", "6")).await.unwrap();
    assert_eq!(entries(&b.store).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn every_operation_has_the_result_that_it_has_in_a_bucket_of_this_program() {
    let (_model, [a, _b, _c]) = three().await;
    let later = Expiry::At(SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000));
    let never_mind = Expiry::After(Duration::from_mins(1));
    let operations = vec![
        put("milk", "1"),
        Operation::Replace("milk".into(), "2".into()),
        Operation::PutNew("milk".into(), "3".into()),
        Operation::Add("milk".into(), -5),
        Operation::Add("milk".into(), i64::MIN),
        put("eggs", "many"),
        Operation::Add("eggs".into(), 1),
        Operation::Keys(KeyPage::first(1)),
        Operation::Entries(KeyPage::after("eggs", 10)),
        Operation::Expire("tea".into(), later),
        Operation::ExpireIf("milk".into(), never_mind, ExpireCondition::Limited),
        Operation::ExpireIf("milk".into(), later, ExpireCondition::Unlimited),
        Operation::ExpireIf("milk".into(), later, ExpireCondition::Earlier),
        Operation::ExpireIf("tea".into(), later, ExpireCondition::Later),
        Operation::Persist("eggs".into()),
        Operation::TimeToLive("tea".into()),
        Operation::Delete("eggs".into()),
        Operation::Get("eggs".into()),
        Operation::Len,
        Operation::Clear,
    ];
    let here = Bucket::start().await.unwrap().apply_each(operations.clone()).await.unwrap();
    let there = a.store.apply_each("shopping", operations).await.unwrap();
    assert_eq!(there, here);
    assert_eq!(there[4], Ok(OperationResult::Add(AddOutcome::Overflow)));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_refused_says_why_as_in_this_program() {
    let (_model, [a, _b, _c]) = three().await;
    let key = "k".repeat(600_000);
    let refused = a.store.apply_each("shopping", vec![put(&key, "1"), Operation::Len]).await.unwrap();
    assert!(
        matches!(refused[0], Err(OperationError::Limit(LimitError::Key { bytes: 600_000, .. }))),
        "{:?}",
        refused[0]
    );
    assert_eq!(refused[1], Ok(OperationResult::Len(0)));

    let value = "v".repeat(700_000);
    one(&a.store, put("first", &value)).await.unwrap();
    let full = a.store.apply_each("shopping", vec![put("second", &value)]).await.unwrap().remove(0);
    let Err(OperationError::Storage(full)) = full else { panic!("{full:?}") };
    assert_eq!(full.kind(), StorageErrorKind::Failed);
    assert!(full.to_string().starts_with("the storage failed: the bucket shopping: the bucket would take"), "{full}");

    let large = a.store.apply_each("shopping", vec![put("large", &"v".repeat(2_000_000))]).await.unwrap_err();
    assert!(matches!(large, ClusterStoreError::Refused { .. }), "{large}");
    assert!(matches!(a.store.create("").await, Err(ClusterStoreError::Name(_))));
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_is_not_there_is_not_made_by_a_request() {
    let (_model, [a, b, _c]) = three().await;
    let books = BucketName::new("books").unwrap();
    let not_found = Err(ClusterStoreError::NotFound { bucket: books.clone() });
    assert_eq!(a.store.apply_each("books", vec![put("emma", "1")]).await, not_found.clone().map(|()| Vec::new()));
    assert_eq!(b.store.remove("books").await, not_found);
    assert!(!a.store.contains("books").await.unwrap());
    assert_eq!(a.store.buckets(None, 10).await.unwrap(), [name("shopping")]);
    assert_eq!(a.store.whereis(&books).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn all_operations_are_carried_out_or_none() {
    let (_model, [a, b, _c]) = three().await;
    one(&a.store, put("milk", "1")).await.unwrap();
    let long = put(&"k".repeat(600_000), "1");
    let refused = b.store.apply("shopping", vec![put("milk", "2"), long]).await.unwrap().unwrap_err();
    assert!(matches!(refused, OperationError::Limit(LimitError::Key { .. })), "{refused}");
    assert_eq!(entries(&a.store).await["milk"], "1");
    let applied = b.store.apply("shopping", vec![put("milk", "2"), Operation::Len]).await.unwrap();
    assert_eq!(applied, Ok(vec![OperationResult::Put, OperationResult::Len(1)]));
}

#[tokio::test(start_paused = true)]
async fn a_value_is_replaced_only_if_it_is_the_expected_one() {
    let (_model, [a, b, _c]) = three().await;
    let set = async |store: &ClusterStore, expected: Option<&'static str>, new: Option<&'static str>| {
        let (expected, new) = (expected.map(Into::into), new.map(Into::into));
        store.compare_and_set("shopping", "milk", expected, new).await.unwrap().unwrap()
    };
    assert_eq!(set(&a.store, None, Some("1")).await, Compared::Set);
    assert_eq!(set(&b.store, None, Some("2")).await, Compared::Differs { found: Some("1".into()) });
    assert_eq!(set(&b.store, Some("1"), None).await, Compared::Set);
    assert_eq!(set(&a.store, Some("1"), Some("3")).await, Compared::Differs { found: None });
}

#[tokio::test(start_paused = true)]
async fn what_happens_to_buckets_and_keys_is_told_on_every_member() {
    let (_model, [a, b, c]) = three().await;
    let mut told = [a.store.events().await.unwrap(), b.store.events().await.unwrap(), c.store.events().await.unwrap()];
    a.store.create("books").await.unwrap();
    b.store.apply_each("books", vec![put("emma", "1"), Operation::Delete("emma".into())]).await.unwrap();
    c.store.remove("books").await.unwrap();
    let key = |kind| RemoteEvent::Key(KeyEvent { bucket: name("books"), key: "emma".into(), kind });
    for told in &mut told {
        // Keys and buckets have managers of their own, so only those of each are in order.
        let (mut buckets, mut keys) = (Vec::new(), Vec::new());
        while buckets.len() + keys.len() < 4 {
            match told.next().await.unwrap() {
                // A member begins, or is heard for the first time.
                RemoteEvent::Missed(None) => {}
                event @ RemoteEvent::Key(_) => keys.push(event),
                event => buckets.push(event),
            }
        }
        assert_eq!(buckets, [RemoteEvent::Created(name("books")), RemoteEvent::Removed(name("books"))]);
        assert_eq!(keys, [key(KeyEventKind::Put), key(KeyEventKind::Delete)]);
    }
}
