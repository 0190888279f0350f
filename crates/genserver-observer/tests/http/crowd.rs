//! Many processes.

use genserver::{Node, Probe};

use crate::client::{router, summary, table};

#[tokio::test]
async fn a_hundred_thousand_processes_are_searched_and_paged() {
    let node = Node::new();
    let probes: Vec<Probe<()>> = (0..100_000).map(|_| Probe::on(&node)).collect();
    let router = router(&node);
    let page = table(&router, "limit=100000&offset=99000&search=probe").await;
    assert_eq!((page.total, page.found, page.rows.len()), (100_000, 100_000, 500), "a page is bounded");
    assert_eq!(page.rows[0].pid, 99_001);
    let seen = summary(&router).await;
    assert_eq!(seen.tiles.processes, 100_000);
    assert!(seen.tree.len() <= 500);
    drop(probes);
}

#[tokio::test]
async fn a_mailbox_of_a_million_is_a_number() {
    let node = Node::new();
    let full = Probe::<u8>::on(&node);
    let sender = full.sender();
    let mut sent = 0_u64;
    while sent < 1_000_000 && sender.send(1).is_ok() {
        sent += 1;
    }
    assert_eq!(summary(&router(&node)).await.tiles.queued as u64, sent);
}
