//! What is stuck, slow or broken.

use std::sync::mpsc;

use axum::Router;
use futures::poll;
use genserver::supervisor::Supervisor;
use genserver::{AsServer as _, Node, Probe, ServerRef};
use genserver_observer::data::{Trouble, TroubleKind};

use crate::client::{router, summary, until};
use crate::servers::{Ask, Shows, Tell, Worker, patient};

async fn named(node: &Node, name: &'static str) -> ServerRef<Worker> {
    node.start::<Worker>(Shows::default()).name(name).await.unwrap()
}

/// Waits for a trouble of this kind.
async fn trouble(router: &Router, kind: TroubleKind) -> Trouble {
    let find = |troubles: Vec<Trouble>| troubles.into_iter().find(|trouble| trouble.kind == kind);
    until(async || summary(router).await.troubles, find).await
}

#[tokio::test]
async fn a_program_without_trouble_has_none() {
    let node = Node::new();
    named(&node, "fine").await;
    assert_eq!(summary(&router(&node)).await.troubles, []);
}

#[tokio::test]
async fn the_cycle_that_a_call_would_have_closed_is_shown() {
    let node = Node::new();
    let router = router(&node);
    let (first, second) = (named(&node, "first").await, named(&node, "second").await);
    first.cast(Tell::Next(second.clone())).unwrap();
    second.cast(Tell::Next(first.clone())).unwrap();
    assert!(first.call(Ask::Around).await.unwrap().is_err());
    let cycle = trouble(&router, TroubleKind::Cycle).await;
    assert!(cycle.text.contains("first <1> → second <2>"), "{}", cycle.text);
    assert!(summary(&router).await.tiles.cycles > 0);
}

#[tokio::test]
async fn a_callback_that_everybody_waits_for_is_shown_with_those_who_wait() {
    let node = Node::new();
    let router = router(&node);
    let slow = named(&node, "slow").await;
    let clients: Vec<Probe<()>> = (0..3).map(|_| Probe::on(&node)).collect();
    let mut asks: Vec<_> = clients.iter().map(|client| Box::pin(client.scope(slow.call(Ask::Forever)))).collect();
    for ask in &mut asks {
        assert!(poll!(ask).is_pending());
    }
    let waited = trouble(&router, TroubleKind::Waited).await;
    assert_eq!((&*waited.title, waited.count), ("slow <1>", 3));
    assert_eq!(waited.text, "awaits in handle_call; 3 processes wait for it, 2 in its mailbox");
    let detail: genserver_observer::data::ProcessDetail = crate::client::get(&router, "/api/process/1").await;
    assert_eq!(detail.waited_for_by.len(), 3);
    assert!(detail.row.busy_ms >= Some(500));
}

#[tokio::test]
async fn a_callback_that_awaits_and_keeps_nobody_waiting_is_not_a_trouble() {
    let node = Node::new();
    let router = router(&node);
    let session = named(&node, "session").await;
    session.cast(Tell::Await).unwrap();
    let row = async || crate::client::table(&router, "").await.rows.remove(0);
    until(row, |row| (row.busy_ms >= Some(600)).then_some(())).await;
    assert_eq!(summary(&router).await.troubles, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callback_that_keeps_its_thread_is_shown_with_the_time_since_it_was_seen() {
    let node = Node::new();
    let router = router(&node);
    let worker = named(&node, "blocked").await;
    let ((began, begins), (_go_on, goes_on)) = (mpsc::channel(), mpsc::channel());
    worker.cast(Tell::Block(began, goes_on)).unwrap();
    tokio::task::spawn_blocking(move || begins.recv().unwrap()).await.unwrap();
    let stuck = trouble(&router, TroubleKind::Stuck).await;
    assert_eq!(stuck.text, "runs handle_cast without awaiting, and keeps a thread of its runtime");
    assert!(summary(&router).await.tiles.at >= stuck.since + 1000);
}

#[tokio::test]
async fn a_mailbox_that_fills_is_shown_and_one_that_refuses_too() {
    let node = Node::new();
    let router = router(&node);
    let full = node.start::<Worker>(Shows::default()).name("full").mailbox(1500).await.unwrap();
    full.cast(Tell::Await).unwrap();
    while full.info().mailbox > 0 {
        tokio::task::yield_now().await;
    }
    for _ in 0..1200 {
        full.cast(Tell::Nothing).unwrap();
    }
    let filling = trouble(&router, TroubleKind::Mailbox).await;
    assert_eq!((&*filling.text, filling.count), ("has 1200 messages in its mailbox", 1200));
    while full.cast(Tell::Nothing).is_ok() {}
    let refusing = trouble(&router, TroubleKind::Refusing).await;
    assert!(refusing.text.starts_with("has no space in its mailbox"), "{}", refusing.text);
}

#[tokio::test]
async fn a_supervisor_that_restarts_without_end_is_shown_with_the_last_reason() {
    let node = Node::new();
    let router = router(&node);
    let supervisor = Supervisor::start_with(|| Some(patient("fragile"))).on(&node).name("patient").await.unwrap();
    let child = supervisor.child::<Worker>("fragile").await.unwrap();
    for _ in 0..5 {
        child.waiting().call(Ask::Ping).await.unwrap();
        let current = child.current().unwrap();
        current.cast(Tell::Crash).unwrap();
        current.ended().await;
    }
    let restarting =
        until(async || trouble(&router, TroubleKind::Restarting).await, |it| (it.count == 5).then_some(it));
    let text = "restarted its children 5 times within a minute, fragile last: panicked: it was told to";
    assert_eq!(restarting.await.text, text);
    assert_eq!(summary(&router).await.tiles.restarts, 5);
}

#[tokio::test]
async fn a_handler_that_everybody_waits_for_is_named() {
    use genevent::{AsyncHandler, HandlerCx, Manager, Reaction};

    struct Slow;

    impl AsyncHandler<u32> for Slow {
        type Call = genserver::Never;

        async fn handle_event(&mut self, _event: &u32, _cx: &mut HandlerCx<u32>) -> Reaction<u32> {
            std::future::pending().await
        }
    }

    let node = Node::new();
    let router = router(&node);
    let manager = Manager::<u32>::start().on(&node).name("events").await.unwrap();
    manager.add_async_handler(Slow).await.unwrap();
    manager.notify(1).unwrap();
    manager.notify(2).unwrap();
    let handler = trouble(&router, TroubleKind::Handler).await;
    assert_eq!(handler.title, "events <1>");
    assert!(handler.text.contains("Slow"), "{}", handler.text);
    assert!(handler.text.ends_with("; 1 in its mailbox"), "{}", handler.text);
}
