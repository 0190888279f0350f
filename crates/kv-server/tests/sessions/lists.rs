//! `LIST` and `BUCKETS`: their parts and their pages.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use crate::support::Client;
use kv_core::Store;
use kv_server::Session;

const NAMES: [&str; 5] = ["bread", "milk", "milk-rice", "millet", "soap"];

/// A client of a store with these buckets, and with a bucket `milk` that has these keys.
async fn client() -> Client {
    let store = Store::start().await.unwrap();
    for name in NAMES {
        store.create(name).await.unwrap();
        store.lookup("milk").unwrap_or(store.create("milk").await.unwrap()).put(name, "1").await.unwrap();
    }
    Client::of(Session::new(store))
}

/// Asks for a part of either list, which has the same items.
async fn check(client: &mut Client, arguments: &str, expected: &[&str]) {
    let mut lines: Vec<String> = expected.iter().map(|item| format!("* {item}")).collect();
    lines.push("OK".to_owned());
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    client.check(&format!("LIST milk {arguments}"), &lines).await;
    client.check(&format!("BUCKETS {arguments}"), &lines).await;
}

#[tokio::test]
async fn a_list_has_what_begins_with_a_prefix() {
    let mut client = client().await;
    check(&mut client, "", &NAMES).await;
    check(&mut client, "mil", &["milk", "milk-rice", "millet"]).await;
    check(&mut client, "milk", &["milk", "milk-rice"]).await;
    check(&mut client, "milks", &[]).await;
    check(&mut client, "zoo", &[]).await;
    check(&mut client, "a", &[]).await;
    check(&mut client, r#""""#, &NAMES).await;
}

#[tokio::test]
async fn a_list_has_no_more_items_than_its_limit_and_begins_behind_an_item() {
    let mut client = client().await;
    check(&mut client, r#""" 2"#, &NAMES[..2]).await;
    check(&mut client, r#""" 2 milk"#, &NAMES[2..4]).await;
    check(&mut client, r#""" 2 millet"#, &NAMES[4..]).await;
    check(&mut client, r#""" 2 soap"#, &[]).await;
    check(&mut client, r#""" "" milk-a"#, &NAMES[2..]).await;
    check(&mut client, "milk 1", &["milk"]).await;
    check(&mut client, "milk 1 milk", &["milk-rice"]).await;
    check(&mut client, "milk 1 a", &["milk"]).await;
    check(&mut client, "milk 1 n", &[]).await;
    check(&mut client, "milk 0", &[]).await;
    check(&mut client, "milk 99999", &["milk", "milk-rice"]).await;
}

#[tokio::test]
async fn a_limit_that_is_none_and_a_name_that_is_none_are_errors() {
    let mut client = client().await;
    let error = "ERROR the limit is not a whole number; write how many items to list at most, as in 100";
    for limit in ["many", "-1", "1.5", "99999999999999999999"] {
        client.check(&format!("LIST milk m {limit}"), &[error]).await;
        client.check(&format!("BUCKETS m {limit}"), &[error]).await;
    }
    client.check("LIST travel m 1", &["NOT FOUND"]).await;
    client.check("LIST milk m 1 milk bread", &["UNKNOWN COMMAND"]).await;
    client.send(b"BUCKETS \xFF\n").await;
    let error = "ERROR the names of buckets are UTF-8, and a word of this line is not; leave it out\r\n";
    assert_eq!(client.line().await, error);
    client.send(b"LIST milk \xFF\n").await;
    assert_eq!(client.line().await, "OK\r\n");
}

/// Quotes in a bucket's name are not an optional argument.
#[tokio::test]
async fn a_name_in_quotes_is_one_argument() {
    let store = Store::start().await.unwrap();
    store.create("soy milk").await.unwrap().put("a b", "1").await.unwrap();
    let mut client = Client::of(Session::new(store));
    client.check(r#"LIST "soy milk""#, &["* a b", "OK"]).await;
    client.check(r#"LIST "soy milk" "a b""#, &["* a b", "OK"]).await;
    client.check(r#"LIST "soy milk" b"#, &["OK"]).await;
    client.check(r#"BUCKETS "soy m""#, &["* soy milk", "OK"]).await;
}

#[tokio::test]
async fn pages_of_any_size_have_every_item_once() {
    let store = Store::start().await.unwrap();
    let mut all: Vec<String> = (0..700).map(|number| format!("n{number}")).collect();
    let bucket = store.create("n").await.unwrap();
    for name in &all {
        store.create(name).await.unwrap();
        bucket.put(name.clone(), "").await.unwrap();
    }
    bucket.put("n", "").await.unwrap();
    // An empty key comes first, and the next page begins behind it.
    bucket.put("", "").await.unwrap();
    all.push("n".to_owned());
    all.sort();
    let mut client = Client::of(Session::new(store));
    for (command, empty) in [("LIST n", true), ("BUCKETS", false)] {
        for limit in [1, 255, 256, 257, 1000] {
            let mut listed: Vec<String> = Vec::new();
            loop {
                let before = listed.len();
                let after = listed.last().map(|last| format!(r#""{last}""#)).unwrap_or_default();
                client.send(format!("{command} \"\" {limit} {after}\n")).await;
                loop {
                    let line = client.line().await;
                    let Some(item) = line.strip_prefix("* ") else { break };
                    listed.push(item.trim_end().to_owned());
                }
                assert!(listed.len() - before <= limit);
                if listed.len() == before {
                    break;
                }
            }
            let expected = [&vec![String::new(); usize::from(empty)][..], &all[..]].concat();
            assert_eq!(listed, expected, "{command} by {limit}");
        }
    }
}
