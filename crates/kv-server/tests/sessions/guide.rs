//! The server of the Elixir guide: its own test, and each of its answers.

use crate::support::Client;

/// `KVServerTest`, "server interaction".
#[tokio::test]
async fn the_servers_test_of_the_guide_passes() {
    let mut client = Client::new().await;
    client.check("UNKNOWN shopping", &["UNKNOWN COMMAND"]).await;
    client.check("GET shopping eggs", &["NOT FOUND"]).await;
    client.check("CREATE shopping", &["OK"]).await;
    client.check("PUT shopping eggs 3", &["OK"]).await;
    client.check("GET shopping eggs", &["3", "OK"]).await;
    client.check("DELETE shopping eggs", &["OK"]).await;
    client.check("GET shopping eggs", &["", "OK"]).await;
}

#[tokio::test]
async fn each_command_of_the_guide_is_answered_as_there() {
    let mut client = Client::new().await;
    for missing in ["PUT shopping eggs 3", "GET shopping eggs", "DELETE shopping eggs"] {
        client.check(missing, &["NOT FOUND"]).await;
    }
    client.check("CREATE shopping", &["OK"]).await;
    client.check("CREATE shopping", &["OK"]).await;
    client.check("DELETE shopping eggs", &["OK"]).await;
    client.check("PUT shopping eggs 3", &["OK"]).await;
    client.check("PUT shopping eggs 4", &["OK"]).await;
    client.check("GET shopping eggs", &["4", "OK"]).await;
    client.check("GET shopping milk", &["", "OK"]).await;
}

#[tokio::test]
async fn what_is_not_a_command_of_the_guide_is_unknown() {
    let mut client = Client::new().await;
    client.check("CREATE shopping", &["OK"]).await;
    for line in [
        "",
        "   ",
        "create shopping",
        "CREATE",
        "CREATE shopping list",
        "PUT shopping eggs",
        "PUT shopping milk 1 2",
        "GET shopping",
        "GET shopping eggs 3",
        "DELETE shopping",
        "*3",
    ] {
        client.check(line, &["UNKNOWN COMMAND"]).await;
    }
}

#[tokio::test]
async fn blanks_do_not_count_and_a_line_feed_is_enough() {
    let mut client = Client::new().await;
    client.check("  CREATE \t shopping  ", &["OK"]).await;
    client.send("PUT shopping eggs 3\nGET shopping eggs\n").await;
    assert_eq!(client.line().await, "OK\r\n");
    assert_eq!(client.line().await, "3\r\n");
    assert_eq!(client.line().await, "OK\r\n");
}

#[tokio::test]
async fn a_value_of_twenty_thousand_bytes_is_stored_whole() {
    let mut client = Client::new().await;
    let value = "x".repeat(20_000);
    client.check("CREATE shopping", &["OK"]).await;
    client.check(&format!("PUT shopping eggs {value}"), &["OK"]).await;
    client.check("GET shopping eggs", &[&value, "OK"]).await;
}
