//! Sessions: the commands that the guide does not have, and pipelines.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::disallowed_methods, reason = "a test's time and tasks are the runtime's own")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::Client;
use async_trait::async_trait;
use kv_core::{BucketName, Commit, Durability, Fence, Loaded, Storage, StorageChange, StorageError, Store};
use kv_server::{COMMANDS, Drain, Limits, Session, SessionEnd};

async fn with_store() -> (Store, Client) {
    let store = Store::start().await.unwrap();
    let client = Client::of(Session::new(store.clone()));
    (store, client)
}

/// A line, or a few, for each.
fn lines<T>(of: impl IntoIterator<Item = T>, line: impl FnMut(T) -> String) -> String {
    of.into_iter().map(line).collect::<Vec<_>>().concat()
}

#[tokio::test]
async fn a_list_has_the_keys_in_their_order() {
    let mut client = Client::new().await;
    client.check("LIST shopping", &["NOT FOUND"]).await;
    client.check("CREATE shopping", &["OK"]).await;
    client.check("LIST shopping", &["OK"]).await;
    client.check("PUT shopping milk 1", &["OK"]).await;
    client.check("PUT shopping eggs 12", &["OK"]).await;
    client.check("LIST shopping", &["* eggs", "* milk", "OK"]).await;
}

#[tokio::test]
async fn a_long_list_is_whole() {
    let (store, client) = with_store().await;
    let bucket = store.create("numbers").await.unwrap();
    let keys: Vec<String> = (0..1000).map(|number| format!("{number:04}")).collect();
    for key in &keys {
        bucket.put(key.clone(), "").await.unwrap();
    }
    let mut client = client;
    client.send("LIST numbers\n").await;
    let expected = lines(keys, |key| format!("* {key}\r\n"));
    assert_eq!(client.leave().await.0, expected + "OK\r\n");
}

#[tokio::test]
async fn a_count_is_the_number_of_keys() {
    let mut client = Client::new().await;
    client.check("COUNT shopping", &["NOT FOUND"]).await;
    client.check("CREATE shopping", &["OK"]).await;
    client.check("COUNT shopping", &["0", "OK"]).await;
    client
        .send("PUT shopping milk 1\nPUT shopping eggs 12\nCOUNT shopping\nDELETE shopping milk\nCOUNT shopping\n")
        .await;
    assert_eq!(client.leave().await.0, "OK\r\nOK\r\n2\r\nOK\r\nOK\r\n1\r\nOK\r\n");
}

#[tokio::test]
async fn buckets_are_listed_and_dropped() {
    let mut client = Client::new().await;
    client.check("BUCKETS", &["OK"]).await;
    client.check("CREATE shopping", &["OK"]).await;
    client.check("CREATE holidays", &["OK"]).await;
    client.check("BUCKETS", &["* holidays", "* shopping", "OK"]).await;
    client.check("PUT shopping milk 1", &["OK"]).await;
    client.check("DROP shopping", &["OK"]).await;
    client.check("DROP shopping", &["NOT FOUND"]).await;
    client.check("BUCKETS", &["* holidays", "OK"]).await;
    client.check("CREATE shopping", &["OK"]).await;
    client.check("GET shopping milk", &["", "OK"]).await;
}

#[tokio::test]
async fn ping_is_answered_and_quit_is_the_end() {
    let mut client = Client::new().await;
    client.check("PING", &["PONG"]).await;
    client.check("PING PONG", &["UNKNOWN COMMAND"]).await;
    client.send("QUIT\r\nPING\r\n").await;
    assert_eq!(client.rest().await, ("OK\r\n".to_owned(), SessionEnd::Quit));
}

#[tokio::test]
async fn help_has_a_line_for_each_command() {
    let mut client = Client::new().await;
    client.send("HELP\n").await;
    let (text, _) = client.leave().await;
    let words: Vec<_> = text.lines().map(|line| line.split([' ', ':']).next().unwrap()).collect();
    let commands: Vec<_> = COMMANDS.iter().map(|usage| usage.word).collect();
    assert_eq!(words, [&commands[..], &["AUTH", "OK"]].concat());
}

#[test]
fn the_page_of_the_crate_has_a_row_for_each_command() {
    let page = include_str!("../../src/lib.rs");
    let rows = page.lines().filter_map(|line| line.strip_prefix("//! | `")?.split([' ', '`']).next());
    let commands: Vec<_> = COMMANDS.iter().map(|usage| usage.word).collect();
    assert_eq!(rows.collect::<Vec<_>>(), [&commands[..], &["AUTH"]].concat());
}

#[tokio::test]
async fn quoted_values_have_blanks() {
    let mut client = Client::new().await;
    client.check("CREATE shopping", &["OK"]).await;
    client.check(r#"PUT shopping "soy milk" "two litres""#, &["OK"]).await;
    client.check(r#"GET shopping "soy milk""#, &["two litres", "OK"]).await;
    client.check("LIST shopping", &["* soy milk", "OK"]).await;
    client.check(r#"PUT shopping milk "1""#, &["OK"]).await;
    client.check("GET shopping milk", &["\"1\"", "OK"]).await;
}

/// What the words are without quotes decides, as in the guide.
#[tokio::test]
async fn quotes_that_do_not_fit_are_an_error_that_says_how() {
    let mut client = Client::new().await;
    client.check("CREATE shopping", &["OK"]).await;
    let open = r#"ERROR a quote is opened and not closed; close it, and write \" for a quote inside"#;
    for line in [
        r#"PUT shopping milk "two litres"#,
        r#"GET "shopping milk eggs bread"#,
        r#""PUT" shopping milk "1"#,
        r#"PING ""#,
        r#"""#,
    ] {
        client.check(line, &[open]).await;
    }
    let behind = r#"ERROR a closing quote has something behind it; put a blank there, or write \" for a quote inside"#;
    client.check(r#"PUT shopping milk "two "litres""#, &[behind]).await;
    let escape = r#"ERROR a backslash in quotes has to be followed by ", \, n, r, t, or x and two digits; write \\ for a backslash"#;
    client.check(r#"PUT shopping milk "two \litres""#, &[escape]).await;
    for line in [r#"BUY "milk"#, r#"say "hello there"#, "PUT shopping milk two litres", r#"GET "shopping""#] {
        client.check(line, &["UNKNOWN COMMAND"]).await;
    }
    client.check(r#"PUT shopping milk "1"#, &["OK"]).await;
    client.check("GET shopping milk", &["\"1", "OK"]).await;
}

#[tokio::test]
async fn a_name_that_is_none_is_refused() {
    let mut client = Client::new().await;
    let long = "x".repeat(256);
    let error = "ERROR the name has 256 bytes, and a bucket's name at most 255; use a shorter one";
    client.check(&format!("CREATE {long}"), &[error]).await;
    client.check(&format!("PUT {long} milk 1"), &["NOT FOUND"]).await;
    client.check(r#""CREATE" """#, &["ERROR the name is empty; give the bucket one of 1 to 255 bytes"]).await;
    client.send(b"CREATE \xFF\r\n").await;
    assert_eq!(client.line().await, "ERROR the name is not UTF-8; give the bucket one that is\r\n");
    client.send(b"GET \xFF milk\r\n").await;
    assert_eq!(client.line().await, "NOT FOUND\r\n");
}

#[tokio::test]
async fn what_holds_a_lines_end_forges_no_line() {
    let (store, mut client) = with_store().await;
    let bucket = store.create("a\r\nOK").await.unwrap();
    store.create("\"quoted\"").await.unwrap();
    bucket.put("k\nNOT FOUND", "v\r\nOK\r\nERROR").await.unwrap();
    client.check("BUCKETS", &[r#"* "\"quoted\"""#, r#"* "a\r\nOK""#, "OK"]).await;
    client.check(r#""LIST" "a\r\nOK""#, &[r#"* "k\nNOT FOUND""#, "OK"]).await;
    client.check(r#""GET" "a\r\nOK" "k\nNOT FOUND""#, &[r#""v\r\nOK\r\nERROR""#, "OK"]).await;
}

#[tokio::test]
async fn a_value_larger_than_all_replies_may_be_arrives() {
    let (store, mut client) = with_store().await;
    let bucket = store.create("shopping").await.unwrap();
    let plain = "x".repeat(3_000_000);
    bucket.put("plain", plain.clone()).await.unwrap();
    bucket.put("broken", plain.clone() + "\n").await.unwrap();
    client.send("GET shopping plain\nGET shopping broken\n").await;
    assert!(client.leave().await.0 == format!("{plain}\r\nOK\r\n\"{plain}\\n\"\r\nOK\r\n"));
}

#[tokio::test]
async fn a_browser_is_closed_without_an_answer() {
    for line in ["POST / HTTP/1.1", "Host: localhost", "host: localhost"] {
        let mut client = Client::new().await;
        client.send(format!("PING\r\n{line}\r\nCREATE shopping\r\n")).await;
        assert_eq!(client.rest().await, ("PONG\r\n".to_owned(), SessionEnd::Browser), "{line}");
    }
    let mut client = Client::new().await;
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(client.rest().await, ("NOT FOUND\r\n".to_owned(), SessionEnd::Browser));
}

#[tokio::test]
async fn a_line_without_an_end_is_not_carried_out() {
    let (store, mut client) = with_store().await;
    client.send("PING\r\nCREATE shopping").await;
    assert_eq!(client.leave().await, ("PONG\r\n".to_owned(), SessionEnd::Left));
    assert!(store.names(None, 1).is_empty());
}

/// What one client sends at once is in its order, whatever it is.
#[tokio::test]
async fn commands_sent_at_once_are_answered_as_if_one_by_one() {
    let mut client = Client::new().await;
    let lines = "PUT a k 1\nCREATE a\nPUT a k 2\nGET a k\nCREATE b\nPUT b k 3\nGET a k\nGET b k\nDROP a\nGET a k\nGET b k\n\
                 CREATE a\nGET a k\nPUT a k 4\nDELETE a k\nGET a k\nLIST b\nnonsense\nDELETE b k\nLIST b\nPING\n";
    client.send(lines).await;
    let expected =
        "NOT FOUND OK OK 2 OK OK OK 2 OK 3 OK OK NOT FOUND 3 OK OK  OK OK OK  OK * k OK UNKNOWN COMMAND OK OK PONG";
    let (answers, _) = client.leave().await;
    assert_eq!(answers.replace("\r\n", " ").trim_end(), expected);
}

#[tokio::test]
async fn more_commands_and_buckets_than_are_gathered_are_all_answered() {
    let mut client = Client::new().await;
    let create = lines(0..40, |bucket| format!("CREATE {bucket}\n"));
    let keyed = lines(0..1000, |number| format!("PUT {0} k {number}\nGET {0} k\n", number % 40));
    client.send(create + &keyed).await;
    let expected = lines(0..1000, |number| format!("OK\r\n{number}\r\nOK\r\n"));
    assert_eq!(client.leave().await.0, "OK\r\n".repeat(40) + &expected);
}

#[tokio::test]
async fn a_bucket_that_is_gone_is_not_found() {
    let (store, mut client) = with_store().await;
    client.check("CREATE shopping", &["OK"]).await;
    store.lookup("shopping").unwrap().kill();
    client.send("PUT shopping milk 1\nGET shopping milk\nLIST shopping\n").await;
    assert_eq!(client.leave().await.0, "NOT FOUND\r\nNOT FOUND\r\nNOT FOUND\r\n");
}

/// Whether it was carried out is not known, and the answer says so.
#[tokio::test(start_paused = true)]
async fn a_bucket_that_ends_before_it_answers_is_an_error() {
    let (store, mut client) = with_store().await;
    let bucket = store.create("shopping").await.unwrap();
    let busy = bucket.process_ref();
    genserver::sys::suspend(&busy).await.unwrap();
    client.send("PUT shopping milk 1\nGET shopping milk\n").await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    bucket.kill();
    for _ in 0..2 {
        let line = client.line().await;
        assert!(line.starts_with("ERROR ") && line.contains("is not known"), "{line}");
    }
    client.check("PUT shopping milk 1", &["NOT FOUND"]).await;
}

/// A storage that takes no value but `1`, and counts its commits.
#[derive(Clone, Debug, Default)]
struct Picky {
    commits: Arc<AtomicUsize>,
}

#[async_trait]
impl Storage for Picky {
    fn durability(&self) -> Durability {
        Durability::Program
    }

    async fn buckets(&self, _after: Option<&BucketName>, _limit: usize) -> Result<Vec<BucketName>, StorageError> {
        Ok(Vec::new())
    }

    async fn load(&self, _bucket: &BucketName) -> Result<Loaded, StorageError> {
        Ok(Loaded { fence: Fence::new(1), entries: Vec::new() })
    }

    async fn commit(&self, commits: Vec<Commit>) -> Vec<Result<(), StorageError>> {
        self.commits.fetch_add(1, Ordering::Relaxed);
        let picky = |change: &StorageChange| matches!(change, StorageChange::Put(entry) if entry.value != "1");
        let commit = |commit: &Commit| {
            if commit.changes.iter().any(picky) { Err(StorageError::new("only 1;\nput 1")) } else { Ok(()) }
        };
        commits.iter().map(commit).collect()
    }

    async fn remove(&self, _bucket: &BucketName, _fence: Fence) -> Result<(), StorageError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_change_that_the_storage_refuses_is_an_error_and_reads_go_on() {
    let store = Store::options().storage(Picky::default()).start().await.unwrap();
    let mut client = Client::of(Session::new(store));
    client.check("CREATE shopping", &["OK"]).await;
    client.check("PUT shopping milk 1", &["OK"]).await;
    client.send("PUT shopping eggs 12\nGET shopping milk\nGET shopping eggs\n").await;
    let error = "ERROR the storage failed: only 1; put 1; the bucket is as it was before";
    assert_eq!(client.leave().await.0, format!("{error}\r\n1\r\nOK\r\n\r\nOK\r\n"));
}

/// Otherwise a pipeline to many buckets would wait for the disk as often.
#[tokio::test]
async fn changes_of_several_buckets_that_were_sent_together_are_committed_together() {
    let storage = Picky::default();
    let store = Store::options().storage(storage.clone()).start().await.unwrap();
    let mut client = Client::of(Session::new(store));
    let names = 0..10;
    client.send(&lines(names.clone(), |name| format!("CREATE {name}\n"))).await;
    client.send(&lines(names.clone(), |name| format!("PUT {name} milk 1\n"))).await;
    client.send(&lines(names.clone(), |name| format!("GET {name} milk\n"))).await;
    let read = lines(names, |_| "1\r\nOK\r\n".to_owned());
    assert_eq!(client.leave().await.0, "OK\r\n".repeat(20) + &read);
    assert_eq!(storage.commits.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_told_to_leave_answers_what_was_sent() {
    let store = Store::start().await.unwrap();
    let drain = Drain::new();
    let mut client = Client::of(Session::new(store.clone()).drain(&drain));
    client.check("CREATE shopping", &["OK"]).await;
    client.send("PUT shopping milk 1\nGET shopping milk\n").await;
    drain.begin();
    client.send("PING\n").await;
    assert_eq!(client.rest().await, ("OK\r\n1\r\nOK\r\nPONG\r\n".to_owned(), SessionEnd::Drained));
}

/// A client that never stops sending does not keep the program from ending.
#[tokio::test(start_paused = true)]
async fn a_session_leaves_also_while_its_client_talks() {
    let store = Store::start().await.unwrap();
    let drain = Drain::new();
    drain.begin();
    let forever = futures::io::repeat(b'\n');
    let limits = Limits { linger: Duration::ZERO, ..Limits::default() };
    let end = Session::new(store).limits(limits).drain(&drain).serve(forever, futures::io::sink()).await.unwrap();
    assert_eq!(end, SessionEnd::Drained);
}
