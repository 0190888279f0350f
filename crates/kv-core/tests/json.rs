//! Export and import: what is written is read again, and is one point in time for each bucket.
#![cfg(all(feature = "tokio", feature = "json"))]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::time::Duration;

use kv_core::{Bucket, Entry, ImportError, KeyPage, Operation, Store, TimeToLive};
use proptest::prelude::*;

async fn exported(store: &Store) -> String {
    let mut lines = Vec::new();
    store.export(&mut lines, |_| {}).await.unwrap();
    String::from_utf8(lines).unwrap()
}

#[tokio::test]
async fn a_store_is_the_same_after_export_and_import() {
    let store = Store::start().await.unwrap();
    store.create("empty").await.unwrap();
    let many = store.create("many").await.unwrap();
    many.apply((0..1000).map(|key| Operation::Put(format!("{key:04}").into(), "v".into())).collect()).await.unwrap();
    store.create("odd").await.unwrap().put(&b"\xff"[..], &b"\x00\xfe"[..]).await.unwrap();
    let lines = exported(&store).await;
    assert!(
        lines.starts_with("{\"format\":\"kv export\",\"version\":1}\n{\"bucket\":\"empty\"}\n{\"bucket\":\"many\",")
    );

    let other = Store::start().await.unwrap();
    let mut seen = Vec::new();
    let done = other.import(lines.as_bytes(), |done| seen.push(*done)).await.unwrap();
    assert_eq!((done.buckets, done.entries, done.bytes), (3, 1001, lines.len() as u64));
    assert_eq!(seen.last(), Some(&done));
    assert_eq!(exported(&other).await, lines);

    // Beside what is there, and again.
    other.create("many").await.unwrap().put("more", "1").await.unwrap();
    other.import(lines.as_bytes(), |_| {}).await.unwrap();
    assert_eq!(other.lookup("many").unwrap().len().await.unwrap(), 1001);
}

#[tokio::test]
async fn a_key_expires_at_the_same_time_after_export_and_import() {
    let store = Store::start().await.unwrap();
    let tomorrow = std::time::UNIX_EPOCH + Duration::from_millis(4_102_444_800_123);
    store.create("a").await.unwrap().put_expiring("k", "1", tomorrow).await.unwrap();
    let lines = exported(&store).await;
    assert!(lines.contains("\"expires\":4102444800123,"), "{lines}");

    let other = Store::start().await.unwrap();
    other.import(lines.as_bytes(), |_| {}).await.unwrap();
    assert!(matches!(other.lookup("a").unwrap().time_to_live("k").await.unwrap(), TimeToLive::Left(_)));
    assert_eq!(exported(&other).await, lines);
}

#[tokio::test]
async fn some_buckets_are_exported_and_one_that_is_not_there_is_an_error() {
    let store = Store::start().await.unwrap();
    for name in ["a", "b"] {
        store.create(name).await.unwrap().put("k", name).await.unwrap();
    }
    let mut lines = Vec::new();
    let done = store.export_buckets(&["b"], &mut lines, |_| {}).await.unwrap();
    assert_eq!((done.buckets, done.entries, done.bytes), (1, 1, lines.len() as u64));
    assert!(lines.ends_with(b"{\"bucket\":\"b\",\"key\":\"k\",\"value\":\"b\"}\n{\"end\":true}\n"));
    lines.clear();
    let refused = store.export_buckets(&["a", "c"], &mut lines, |_| {}).await.unwrap_err();
    assert!(refused.to_string().starts_with("there is no bucket \"c\""), "{refused}");
    assert!(lines.is_empty());
}

#[tokio::test]
async fn a_bad_line_is_named_and_what_comes_before_it_is_imported() {
    let store = Store::start().await.unwrap();
    let entry = |key| format!("{{\"bucket\":\"a\",\"key\":\"{key}\",\"value\":\"1\"}}\n");
    let format = "{\"format\":\"kv export\",\"version\":1}\n";
    for (lines, number, what) in [
        (String::new(), 1, "is not JSON"),
        (entry("k"), 1, "does not say the format"),
        (format.repeat(2), 2, "says the format once more"),
        (format!("{format}{}nonsense\n{}", entry("k"), entry("l")), 3, "is not JSON"),
        (format!("{format}{}{}", entry("m"), &entry("n")[..20]), 3, "is not JSON"),
        (format!("{format}{{\"end\":true}}\n{}", entry("o")), 3, "comes after the end"),
    ] {
        let error = store.import(lines.as_bytes(), |_| {}).await.unwrap_err();
        assert!(error.to_string().starts_with(&format!("line {number} {what}")), "{error}");
        assert!(matches!(error, ImportError::Line { .. }));
    }
    assert_eq!(store.lookup("a").unwrap().keys(KeyPage::first(9)).await.unwrap(), ["k", "m"]);
}

#[tokio::test]
async fn an_export_that_was_cut_off_between_two_lines_is_imported_and_said_to_be_cut_off() {
    let store = Store::start().await.unwrap();
    store.create("a").await.unwrap().put("k", "1").await.unwrap();
    let lines = exported(&store).await;
    let cut = lines.strip_suffix("{\"end\":true}\n").unwrap();
    let other = Store::start().await.unwrap();
    let error = other.import(cut.as_bytes(), |_| {}).await.unwrap_err();
    assert!(error.to_string().starts_with("the export was cut off after line 2"), "{error}");
    assert_eq!(other.lookup("a").unwrap().get("k").await.unwrap(), Some("1".into()));
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8),
    Delete(u8),
    Clear,
    Page,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => any::<u8>().prop_map(Step::Put),
        6 => any::<u8>().prop_map(Step::Delete),
        1 => Just(Step::Clear),
        3 => Just(Step::Page),
    ]
}

fn key(byte: u8) -> String {
    // More keys than a page has: each stands for four.
    format!("{byte:03}")
}

async fn change(bucket: &Bucket, step: &Step, value: usize) {
    let four = |byte: u8| (0..4).map(move |end| format!("{}{end}", key(byte)));
    match step {
        Step::Put(byte) => {
            let puts = four(*byte).map(|key| Operation::Put(key.into(), value.to_string().into())).collect();
            bucket.apply(puts).await.unwrap();
        }
        Step::Delete(byte) => {
            bucket.apply(four(*byte).map(|key| Operation::Delete(key.into())).collect()).await.unwrap();
        }
        Step::Clear => drop(bucket.clear().await.unwrap()),
        Step::Page => {}
    }
}

async fn is_one_point_in_time(before: Vec<Step>, meanwhile: Vec<Step>) {
    let bucket = Bucket::start().await.unwrap();
    let all = (0..=255).map(|byte| Operation::Put(format!("{}0", key(byte)).into(), "first".into())).collect();
    bucket.apply(all).await.unwrap();
    for (value, step) in before.iter().enumerate() {
        change(&bucket, step, value).await;
    }
    let then = bucket.entries(KeyPage::first(10_000)).await.unwrap();
    let expected: Vec<Entry> = then.into_iter().map(|(key, value)| Entry::new(key, value)).collect();

    let mut snapshot = bucket.snapshot();
    let mut found = snapshot.next_page().await.unwrap().unwrap();
    for (value, step) in meanwhile.iter().enumerate() {
        change(&bucket, step, 1_000 + value).await;
        if matches!(step, Step::Page) {
            found.extend(snapshot.next_page().await.unwrap().unwrap_or_default());
        }
    }
    while let Some(page) = snapshot.next_page().await.unwrap() {
        found.extend(page);
    }
    assert_eq!(found, expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn a_snapshot_is_one_point_in_time(
        before in proptest::collection::vec(step(), 0..200),
        meanwhile in proptest::collection::vec(step(), 0..50),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(is_one_point_in_time(before, meanwhile));
    }
}
