//! Commands of one key that the guide does not have: a missing key, values that are expected, times.

use std::time::Duration;

use crate::support::Client;
use kv_core::Store;
use kv_server::Session;
use tokio::time::advance;

async fn shopping() -> Client {
    let mut client = Client::new().await;
    client.check("CREATE shopping", &["OK"]).await;
    client
}

#[tokio::test]
async fn a_missing_key_is_told_from_an_empty_value_and_from_a_missing_bucket() {
    let mut client = shopping().await;
    client.check("FETCH travel milk", &["NOT FOUND"]).await;
    client.check("FETCH shopping milk", &["KEY NOT FOUND"]).await;
    client.check(r#""PUT" shopping milk """#, &["OK"]).await;
    client.check("FETCH shopping milk", &["", "OK"]).await;
    client.check("PUT shopping milk 1", &["OK"]).await;
    client.check("FETCH shopping milk", &["1", "OK"]).await;
    client.check("FETCH shopping", &["UNKNOWN COMMAND"]).await;
}

#[tokio::test]
async fn a_new_key_is_put_once() {
    let mut client = shopping().await;
    client.check("PUTNEW travel milk 1", &["NOT FOUND"]).await;
    client.check("PUTNEW shopping milk 1", &["OK"]).await;
    client.check("PUTNEW shopping milk 2", &["EXISTS"]).await;
    client.check("PUTNEW shopping milk 1", &["EXISTS"]).await;
    client.check("GET shopping milk", &["1", "OK"]).await;
    client.check("DELETE shopping milk", &["OK"]).await;
    client.check("PUTNEW shopping milk 2", &["OK"]).await;
}

#[tokio::test]
async fn a_value_is_replaced_if_it_is_the_expected_one() {
    let mut client = shopping().await;
    client.check("CAS travel milk 1 2", &["NOT FOUND"]).await;
    client.check("CAS shopping milk 1 2", &["KEY NOT FOUND"]).await;
    client.check("PUT shopping milk 1", &["OK"]).await;
    client.check("CAS shopping milk 2 3", &["DIFFERS"]).await;
    client.check("GET shopping milk", &["1", "OK"]).await;
    client.check("CAS shopping milk 1 2", &["OK"]).await;
    client.check(r#"CAS shopping milk 2 "two litres""#, &["OK"]).await;
    client.check(r#"CAS shopping milk "two litres" """#, &["OK"]).await;
    client.check(r#""CAS" shopping milk "" 1"#, &["OK"]).await;
    client.check("GET shopping milk", &["1", "OK"]).await;
    client.check("CAS shopping milk 1", &["UNKNOWN COMMAND"]).await;
}

#[tokio::test]
async fn a_key_is_removed_if_it_has_the_expected_value() {
    let mut client = shopping().await;
    client.check("CAD travel lock me", &["NOT FOUND"]).await;
    client.check("CAD shopping lock me", &["KEY NOT FOUND"]).await;
    client.check("PUTNEW shopping lock me", &["OK"]).await;
    client.check("CAD shopping lock you", &["DIFFERS"]).await;
    client.check("FETCH shopping lock", &["me", "OK"]).await;
    client.check("CAD shopping lock me", &["OK"]).await;
    client.check("FETCH shopping lock", &["KEY NOT FOUND"]).await;
    client.check(r#"PUT shopping "my lock" """#, &["OK"]).await;
    client.check(r#"CAD shopping "my lock" """#, &["OK"]).await;
    client.check("CAD shopping lock", &["UNKNOWN COMMAND"]).await;
}

/// Each of them has seen the same value, and one of them replaces it.
#[tokio::test]
async fn of_many_clients_that_expect_the_same_one_replaces_it() {
    let store = Store::start().await.unwrap();
    store.create("shopping").await.unwrap().put("milk", "0").await.unwrap();
    let mut clients: Vec<_> = (0..10).map(|_| Client::of(Session::new(store.clone()))).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.send(format!("CAS shopping milk 0 {}\n", number + 1)).await;
    }
    let mut answers = Vec::new();
    for client in &mut clients {
        answers.push(client.line().await);
    }
    answers.sort();
    assert_eq!(answers, [vec!["DIFFERS\r\n"; 9], vec!["OK\r\n"]].concat());
}

#[tokio::test(start_paused = true)]
async fn a_key_lives_for_its_time() {
    let mut client = shopping().await;
    client.check("PUTEX travel milk 1 60s", &["NOT FOUND"]).await;
    client.check("PUTEX shopping milk 1 60s", &["OK"]).await;
    client.check("TTL shopping milk", &["60000ms", "OK"]).await;
    advance(Duration::from_millis(59_999)).await;
    client.check("TTL shopping milk", &["1ms", "OK"]).await;
    client.check("FETCH shopping milk", &["1", "OK"]).await;
    advance(Duration::from_millis(1)).await;
    client.check("FETCH shopping milk", &["KEY NOT FOUND"]).await;
    client.check("TTL shopping milk", &["KEY NOT FOUND"]).await;
    client.check("TTL travel milk", &["NOT FOUND"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_time_is_set_and_taken_away() {
    let mut client = shopping().await;
    for command in ["EXPIRE shopping milk 1d", "PERSIST shopping milk"] {
        client.check(command, &["KEY NOT FOUND"]).await;
        client.check(&command.replace("shopping", "travel"), &["NOT FOUND"]).await;
    }
    client.check("PUT shopping milk 1", &["OK"]).await;
    client.check("TTL shopping milk", &["never", "OK"]).await;
    client.check("PERSIST shopping milk", &["OK"]).await;
    client.check("EXPIRE shopping milk 2h", &["OK"]).await;
    client.check("CAS shopping milk 1 2", &["OK"]).await;
    client.check("TTL shopping milk", &["7200000ms", "OK"]).await;
    client.check("PERSIST shopping milk", &["OK"]).await;
    client.check("TTL shopping milk", &["never", "OK"]).await;
    client.check("EXPIRE shopping milk 5m", &["OK"]).await;
    client.check("PUT shopping milk 2", &["OK"]).await;
    client.check("TTL shopping milk", &["never", "OK"]).await;
    client.check("EXPIRE shopping milk 0s", &["OK"]).await;
    client.check("FETCH shopping milk", &["KEY NOT FOUND"]).await;
}

#[tokio::test]
async fn a_time_that_cannot_be_read_is_an_error_and_changes_nothing() {
    let mut client = shopping().await;
    let error = "ERROR the time is not a whole number and a unit; write it as in 100ms, 60s, 5m, 2h or 1d";
    client.check("PUT shopping milk 1", &["OK"]).await;
    for time in ["60", "-1s", "never", "1.5s", "99999999999999999999d"] {
        client.check(&format!("EXPIRE shopping milk {time}"), &[error]).await;
        client.check(&format!("PUTEX shopping milk 2 {time}"), &[error]).await;
    }
    client.send("GET shopping milk\nEXPIRE shopping milk 60\nTTL shopping milk\n").await;
    assert_eq!(client.leave().await.0, format!("1\r\nOK\r\n{error}\r\nnever\r\nOK\r\n"));
}
