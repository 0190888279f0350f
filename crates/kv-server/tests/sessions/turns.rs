//! What a session does in one turn, so that a client does not hold up those beside it. It is counted in turns, not in time.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::future::poll_fn;
use std::pin::pin;

use futures::future::{Either, select};
use futures::io::Cursor;
use kv_core::Store;
use kv_server::Session;

/// A store and a bucket of it, with some thousand names and keys.
async fn many() -> Store {
    let store = Store::start().await.unwrap();
    let bucket = store.create("many").await.unwrap();
    for number in 0..3000 {
        store.create(&format!("n{number}")).await.unwrap();
        bucket.put(format!("k{number}"), "").await.unwrap();
    }
    store
}

/// How many turns a session takes for these commands.
async fn turns(store: &Store, commands: &str) -> usize {
    let mut turns = 0;
    let mut answers = Cursor::new(Vec::new());
    let mut serving = pin!(Session::new(store.clone()).serve(commands.as_bytes(), &mut answers));
    poll_fn(|cx| {
        turns += 1;
        serving.as_mut().poll(cx)
    })
    .await
    .unwrap();
    turns
}

#[tokio::test]
async fn each_page_of_a_list_is_a_turn_of_its_own() {
    let store = many().await;
    for list in ["BUCKETS\n", "LIST many\n", "BUCKETS n\n", "LIST many k\n"] {
        let turns = turns(&store, list).await;
        assert!(turns >= 3000 / 256, "{list:?} took {turns} turns");
    }
}

#[tokio::test]
async fn a_read_full_of_lists_is_as_many_turns() {
    let store = Store::start().await.unwrap();
    store.create("one").await.unwrap();
    for command in ["BUCKETS\n", "LIST one\n", "HELP\n"] {
        let turns = turns(&store, &command.repeat(1000)).await;
        assert!(turns >= 1000, "{command:?} took {turns} turns");
    }
}

#[tokio::test]
async fn a_client_that_never_stops_sending_takes_many_turns() {
    let store = Store::start().await.unwrap();
    store.create("a").await.unwrap();
    for command in [
        "PING\n",
        "nonsense\n",
        "GET a k\n",
        "GET b k\n",
        "PUT a k 1\n",
        "TTL a k\n",
        "CAS a k 1 2\n",
        "CREATE a\n",
        "DROP b\n",
        "COUNT a\n",
    ] {
        let turns = turns(&store, &command.repeat(20_000)).await;
        assert!(turns >= 20_000 / 2_200, "{command:?} took {turns} turns");
    }
}

#[tokio::test]
async fn a_ping_beside_a_long_list_does_not_wait_for_it() {
    let store = many().await;
    for list in ["BUCKETS\n", "LIST many\n"] {
        let (mut listed, mut ponged) = (Cursor::new(Vec::new()), Cursor::new(Vec::new()));
        {
            let listing = pin!(Session::new(store.clone()).serve(list.as_bytes(), &mut listed));
            let ping = pin!(Session::new(store.clone()).serve(&b"PING\n"[..], &mut ponged));
            // The list is polled first each time.
            let Either::Right((_, listing)) = select(listing, ping).await else { panic!("the list was first") };
            listing.await.unwrap();
        }
        assert_eq!(ponged.into_inner(), b"PONG\r\n");
        assert!(listed.into_inner().split(|byte| *byte == b'\n').count() > 3000);
    }
}
