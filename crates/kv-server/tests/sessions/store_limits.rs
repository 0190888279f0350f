//! The limits of the store: each refusal reaches the client as one line that names the limit.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use crate::support::Client;
use kv_core::{Store, StoreOptions};
use kv_server::Session;

async fn with(options: StoreOptions) -> Client {
    let mut client = Client::of(Session::new(options.start().await.unwrap()));
    client.check("CREATE a", &["OK"]).await;
    client.check("PUT a k 1", &["OK"]).await;
    client
}

#[tokio::test]
async fn a_value_that_is_too_long_is_an_error() {
    let mut client = with(Store::options().max_value(3)).await;
    let error = "ERROR the value has 4 bytes, and may have 3; store a shorter one, or raise the store's `max_value`";
    for line in ["PUT a k 1234", "PUTNEW a l 1234", "CAS a k 1 1234", "PUTEX a k 1234 60s"] {
        client.check(line, &[error]).await;
    }
    client.check("GET a k", &["1", "OK"]).await;
    client.check("TTL a k", &["never", "OK"]).await;
    client.check("COUNT a", &["1", "OK"]).await;
}

#[tokio::test]
async fn a_key_that_is_too_long_is_an_error() {
    let mut client = with(Store::options().max_key(3)).await;
    let error = "ERROR the key has 4 bytes, and may have 3; use a shorter one, or raise the store's `max_key` if its storage \
                 allows that";
    for line in ["PUT a milk 1", "PUTNEW a milk 1", "PUTEX a milk 1 60s"] {
        client.check(line, &[error]).await;
    }
    client.check("FETCH a milk", &["KEY NOT FOUND"]).await;
    client.check("DELETE a milk", &["OK"]).await;
}

#[tokio::test]
async fn one_bucket_too_many_is_an_error() {
    let mut client = with(Store::options().max_buckets(1)).await;
    let error = "ERROR the bucket \"b\" was not created: the store may have 1 buckets, and this would be one more; remove \
                 one, or raise its `max_buckets`";
    client.check("CREATE b", &[error]).await;
    client.check("CREATE a", &["OK"]).await;
    client.check("BUCKETS", &["* a", "OK"]).await;
}

#[tokio::test]
async fn a_store_that_is_full_is_an_error_and_reads_and_deletes_go_on() {
    let mut client = with(Store::options().max_memory(20_000)).await;
    let long = "x".repeat(20_000);
    let error =
        "ERROR the store may hold 20000 bytes, and this would be more; delete something, or raise its `max_memory`";
    for line in [
        format!("PUT a k {long}"),
        format!("PUTNEW a l {long}"),
        format!("CAS a k 1 {long}"),
        format!("PUTEX a k {long} 60s"),
    ] {
        client.check(&line, &[error]).await;
    }
    let half = &long[..10_000];
    client.send(format!("PUT a l {half}\nPUT a m {half}\nGET a k\nDELETE a l\nPUT a m {half}\n")).await;
    assert_eq!(client.leave().await.0, format!("OK\r\n{error}\r\n1\r\nOK\r\nOK\r\nOK\r\n"));
}
