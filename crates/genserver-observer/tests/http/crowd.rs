//! A program in trouble: many processes, many messages, many restarts.

use std::time::Duration;

use genserver::supervisor::{ChildSpec, Supervisor};
use genserver::{Cx, GenServer, Init, Never, Next, Node, Outcome, Probe, Reason};
use genserver_observer::data::{ReportRow, TroubleKind};

use crate::client::{get, router, summary, table, until};
use crate::servers::{Shows, Tell, Worker};

#[tokio::test]
async fn a_hundred_thousand_processes_are_searched_and_paged() {
    let node = Node::new();
    let probes: Vec<Probe<()>> = (0..100_000).map(|_| Probe::on(&node)).collect();
    let router = router(&node);
    let page = table(&router, "limit=100000&offset=99000&search=probe").await;
    assert_eq!((page.total, page.found, page.rows.len()), (100_000, 100_000, 500), "a page is bounded");
    assert_eq!(page.rows[0].pid, 99_001);
    let seen = summary(&router).await;
    assert_eq!((seen.tiles.processes, seen.tiles.top), (100_000, 100_000));
    assert!(seen.tree.len() <= 500);
    for sort in ["name", "server", "state", "busy", "mailbox", "rate", "handled", "refused", "restarts"] {
        // They are equal in every column, and then the order is that of their pids: on every page, in both directions.
        for (descending, offset) in [(false, 0), (true, 0), (true, 99_950)] {
            let page = table(&router, &format!("sort={sort}&descending={descending}&offset={offset}")).await;
            let pids: Vec<u64> = page.rows.iter().map(|row| row.pid).collect();
            assert_eq!(pids, (offset + 1..=offset + 50).collect::<Vec<_>>(), "{sort}");
        }
    }
    drop(probes);
}

#[tokio::test]
async fn a_mailbox_of_a_million_is_a_number() {
    let node = Node::new();
    let full = node.start::<Worker>(Shows::default()).name("full").mailbox(1_000_000).await.unwrap();
    full.cast(Tell::Await).unwrap();
    let router = router(&node);
    let begun = async || table(&router, "").await.rows.remove(0).state;
    until(begun, |state| (state == "awaiting in handle_cast").then_some(())).await;
    for _ in 0..1_000_000 {
        full.cast(Tell::Nothing).unwrap();
    }
    let filling = async || summary(&router).await.troubles.into_iter().find(|it| it.kind == TroubleKind::Mailbox);
    let filling = until(filling, |trouble| trouble.filter(|it| it.count == 1_000_000)).await;
    assert_eq!(filling.text, "has 1000000 messages in its mailbox");
    assert_eq!(summary(&router).await.tiles.queued, 1_000_000);
    full.kill();
}

/// Ends as soon as it has started.
struct Hopeless;

impl GenServer for Hopeless {
    type Args = ();
    type Call = Never;
    type Cast = Never;
    type Info = ();

    async fn init((): (), cx: &mut Cx<Self>) -> Init<Self> {
        cx.send_after(Duration::ZERO, ());
        Init::Run(Self)
    }

    async fn handle_info(&mut self, (): (), _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::stop(Reason::term("it has no hope"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_supervisor_that_restarts_without_end_keeps_nobody_from_looking() {
    let node = Node::new();
    let router = router(&node);
    let child = ChildSpec::server("hopeless", || genserver::start_link::<Hopeless>(()));
    let spec = Supervisor::one_for_one().max_restarts(u32::MAX).child(child);
    let supervisor = spec.start().on(&node).name("patient").await.unwrap();
    let restarting = async || summary(&router).await.troubles.into_iter().find(|it| it.kind == TroubleKind::Restarting);
    let seen = until(restarting, |trouble| trouble.filter(|it| it.count > 1000)).await;
    assert!(seen.text.ends_with("hopeless last: it has no hope"), "{}", seen.text);
    assert_eq!(get::<Vec<ReportRow>>(&router, "/api/reports").await.len(), 500);
    supervisor.stop().await.unwrap();
}
