//! The table, the inspector, the tree, event managers, reports.

use std::sync::atomic::Ordering;
use std::sync::mpsc;

use axum::http::StatusCode;
use genevent::{LoggerHandler, Manager};
use genserver::supervisor::{ChildSpec, Supervisor};
use genserver::{Cx, GenServer, Init, Never, Node, Outcome, sys};
use genserver_observer::data::{Kind, ManagerRow, ProcessDetail, ProcessRow, ReportLevel, ReportRow, StateShown};

use crate::client::{get, report, router, status, summary, table, until};
use crate::servers::{Shows, Tell, Worker, patient};

async fn three(node: &Node) {
    for name in ["beta", "Alpha", "gamma"] {
        node.start::<Worker>(Shows::default()).name(name).await.unwrap();
    }
}

#[tokio::test]
async fn a_started_server_is_a_row_of_the_table() {
    let node = Node::new();
    let worker = node.start::<Worker>(Shows::default()).name("orders").await.unwrap();
    for _ in 0..3 {
        worker.call(crate::servers::Ask::Ping).await.unwrap();
    }
    let page = table(&router(&node), "").await;
    let [row] = &*page.rows else { panic!("{page:?}") };
    assert_eq!((page.total, page.found, row.pid), (1, 1, 1));
    assert_eq!((row.name.as_deref(), &*row.state, row.handled), (Some("orders"), "waiting", 3));
    assert_eq!(
        (row.kind, row.server.ends_with("::Worker"), row.title()),
        (Kind::Server, true, "orders <1>".to_owned())
    );
}

#[tokio::test]
async fn the_table_is_sorted_searched_and_cut_into_pages_by_the_server() {
    let node = Node::new();
    three(&node).await;
    let router = router(&node);
    let names = async |query: &str| {
        let page = table(&router, query).await;
        let names = page.rows.into_iter().map(|row| row.name.unwrap_or_default()).collect::<Vec<_>>();
        (names.join(" "), page.found)
    };
    assert_eq!(names("sort=name").await, ("Alpha beta gamma".to_owned(), 3));
    assert_eq!(names("sort=name&descending=true").await, ("gamma beta Alpha".to_owned(), 3));
    assert_eq!(names("sort=pid&descending=true").await, ("gamma Alpha beta".to_owned(), 3));
    assert_eq!(names("limit=1&offset=1").await, ("Alpha".to_owned(), 3));
    assert_eq!(names("offset=3").await, (String::new(), 3));
    assert_eq!(names("search=ALPH").await, ("Alpha".to_owned(), 1));
    assert_eq!(names("search=%3C3%3E").await, ("gamma".to_owned(), 1), "a pid as it is printed");
    assert_eq!(names("search=nothing").await, (String::new(), 0));
    assert_eq!(names("kind=supervisor").await.1, 0);
    assert_eq!(names("named=true").await.1, 3);
    assert_eq!(status(&router, "/api/processes?sort=colour").await, StatusCode::BAD_REQUEST);
    assert_eq!(status(&router, "/api/processes?limit=-1").await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn every_column_sorts() {
    let node = Node::new();
    three(&node).await;
    let busy = node.start::<Worker>(Shows::default()).name("busy").await.unwrap();
    busy.cast(Tell::Await).unwrap();
    for _ in 0..5 {
        busy.cast(Tell::Nothing).unwrap();
    }
    let router = router(&node);
    for sort in ["server", "state", "busy", "mailbox", "rate", "handled", "refused", "restarts"] {
        assert_eq!(table(&router, &format!("sort={sort}")).await.rows.len(), 4, "{sort}");
    }
    let first = async || table(&router, "sort=mailbox&descending=true").await.rows.remove(0);
    // It may be seen when it has taken a message and its callback has not come to its first await.
    let awaits = |row: &ProcessRow| row.mailbox == 5 && row.state == "awaiting in handle_cast";
    let row = until(first, |row| awaits(&row).then_some(row)).await;
    assert_eq!(row.name.as_deref(), Some("busy"));
}

#[tokio::test]
async fn the_state_is_what_the_server_itself_shows() {
    let node = Node::new();
    let worker = node.start::<Worker>(Shows::default()).await.unwrap();
    sys::log(&worker, 10).await.unwrap();
    worker.cast(Tell::Nothing).unwrap();
    let detail: ProcessDetail = get(&router(&node), "/api/process/1").await;
    let StateShown::Yes { state, details, log, suspended } = detail.state else { panic!("{detail:?}") };
    assert_eq!((&*state, suspended), ("password: ***", false));
    assert_eq!(details, [("next".to_owned(), "None".to_owned())]);
    assert!(log[0].contains("cast"), "{log:?}");
    assert_eq!(detail.actions, [], "nothing is allowed");
}

#[tokio::test]
async fn a_process_that_is_not_there_is_not_found() {
    let router = router(&Node::new());
    assert_eq!(status(&router, "/api/process/1").await, StatusCode::NOT_FOUND);
    assert_eq!(status(&router, "/api/process/one").await, StatusCode::BAD_REQUEST);
    assert_eq!(status(&router, "/api/nothing").await, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_stuck_is_shown_without_its_state_and_asked_only_once() {
    let node = Node::new();
    let shows = Shows::default();
    let worker = node.start::<Worker>(shows.clone()).await.unwrap();
    let ((began, begins), (go_on, goes_on)) = (mpsc::channel(), mpsc::channel());
    worker.cast(Tell::Block(began, goes_on)).unwrap();
    tokio::task::spawn_blocking(move || begins.recv().unwrap()).await.unwrap();
    let router = router(&node);
    for _ in 0..3 {
        let detail: ProcessDetail = get(&router, "/api/process/1").await;
        let StateShown::No { why } = detail.state else { panic!("{detail:?}") };
        assert!(why.starts_with("no answer for "), "{why}");
        assert_eq!(detail.row.state, "running handle_cast");
    }
    go_on.send(()).unwrap();
    let ask = async || get::<ProcessDetail>(&router, "/api/process/1").await;
    let found = |detail: ProcessDetail| matches!(detail.state, StateShown::Yes { .. }).then_some(());
    until(ask, found).await;
    let shown = shows.load(Ordering::Relaxed);
    assert_eq!(
        shown, 2,
        "one request for those who asked while it was stuck, whose answer is old, and one for the last"
    );
}

#[tokio::test]
async fn a_process_without_a_server_is_shown_without_a_state() {
    let node = Node::new();
    let _probe = genserver::Probe::<()>::on(&node);
    let detail: ProcessDetail = get(&router(&node), "/api/process/1").await;
    assert_eq!(detail.row.kind, Kind::Plain);
    assert!(matches!(&detail.state, StateShown::No { why } if !why.is_empty()), "{detail:?}");
}

#[tokio::test]
async fn the_tree_shows_which_process_started_which_and_follows_a_restart() {
    let node = Node::new();
    let supervisor = Supervisor::start_with(|| Some(patient("worker"))).on(&node).name("top").await.unwrap();
    let router = router(&node);
    let shown = async || {
        let tree = summary(&router).await.tree;
        tree.into_iter().map(|node| (node.title, node.depth, node.kind, node.restarts, node.pid)).collect::<Vec<_>>()
    };
    let top = |restarts| ("top".to_owned(), 0, Kind::Supervisor, restarts, 1);
    assert_eq!(shown().await, [top(0), ("worker".to_owned(), 1, Kind::Server, 0, 2)]);
    supervisor.child::<Worker>("worker").await.unwrap().current().unwrap().kill();
    let restarted = |tree: Vec<_>| (tree == [top(1), ("worker".to_owned(), 1, Kind::Server, 1, 3)]).then_some(());
    until(shown, restarted).await;
}

#[tokio::test]
async fn a_restart_leaves_the_order_of_the_tree_as_it_was() {
    let node = Node::new();
    let worker = |name| ChildSpec::server(name, || genserver::start_link::<Worker>(Shows::default()));
    let workers =
        ["one", "three", "two"].into_iter().fold(Supervisor::one_for_one(), |all, name| all.child(worker(name)));
    let supervisor = workers.child(worker("a")).start().on(&node).await.unwrap();
    let router = router(&node);
    let restarted = async || {
        let tree = summary(&router).await.tree;
        tree.into_iter().map(|node| (node.title, node.restarts)).collect::<Vec<_>>()
    };
    let tree = |restarts| [("supervisor", restarts), ("a", 0), ("one", restarts), ("three", 0), ("two", 0)];
    let is =
        |shown: &[(String, u64)], restarts| shown.iter().map(|(title, count)| (&**title, *count)).eq(tree(restarts));
    until(restarted, |shown| is(&shown, 0).then_some(())).await;
    supervisor.child::<Worker>("one").await.unwrap().current().unwrap().kill();
    until(restarted, |shown| is(&shown, 1).then_some(())).await;
}

#[tokio::test]
async fn every_supervisor_is_in_the_tree_and_what_plain_code_started_is_counted() {
    let node = Node::new();
    let probes: Vec<_> = (0..25).map(|_| genserver::Probe::<()>::on(&node)).collect();
    for _ in 0..20 {
        Supervisor::one_for_one().start().on(&node).await.unwrap();
    }
    let router = router(&node);
    let seen = summary(&router).await;
    assert_eq!((seen.tiles.top, seen.tree.len()), (45, 20));
    assert!(seen.tree.iter().all(|node| node.kind == Kind::Supervisor && node.depth == 0 && !node.named), "{seen:?}");
    assert_eq!(table(&router, "parent=0").await.found, 45);
    drop(probes);
}

#[tokio::test]
async fn a_reason_whose_text_panics_is_reported_all_the_same() {
    struct Broken;

    impl std::fmt::Debug for Broken {
        fn fmt(&self, _f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("it has no text")
        }
    }

    impl std::fmt::Display for Broken {
        fn fmt(&self, _f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("it has no text")
        }
    }

    impl std::error::Error for Broken {}

    struct Fails;

    impl GenServer for Fails {
        type Args = ();
        type Call = Never;
        type Cast = ();
        type Info = Never;

        async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
            Init::Run(Self)
        }

        async fn handle_cast(&mut self, (): (), _cx: &mut Cx<Self>) -> Outcome<Self> {
            Err(Broken.into())
        }
    }

    let node = Node::new();
    let router = router(&node);
    node.start::<Fails>(()).name("broken").await.unwrap().cast(()).unwrap();
    report(&router, |report| report.title == "Server broken <1> terminating").await;
    node.start::<Worker>(Shows::default()).name("later").await.unwrap().cast(Tell::Crash).unwrap();
    report(&router, |report| report.title == "Server later <2> terminating").await;
}

#[tokio::test]
async fn many_children_are_counted_and_few_of_them_shown() {
    let node = Node::new();
    let supervisor = genserver::dynamic_supervisor::DynamicSupervisor::new().start().on(&node).await.unwrap();
    for _ in 0..100 {
        let child = || genserver::start_link::<Worker>(Shows::default());
        supervisor.start_child(genserver::supervisor::ChildSpec::server("worker", child)).await.unwrap();
    }
    let tree = summary(&router(&node)).await.tree;
    assert_eq!((tree[0].children, tree[0].hidden, tree.len()), (100, 90, 11));
    assert_eq!(table(&router(&node), "parent=1").await.found, 100);
}

#[tokio::test]
async fn an_event_manager_is_shown_with_its_handlers() {
    let node = Node::new();
    let manager = Manager::<u32>::start().on(&node).name("events").await.unwrap();
    manager.add_handler(LoggerHandler::new()).await.unwrap();
    let router = router(&node);
    let managers: Vec<ManagerRow> = get(&router, "/api/managers").await;
    let [row] = &*managers else { panic!("{managers:?}") };
    assert_eq!((row.row.name.as_deref(), row.row.kind), (Some("events"), Kind::EventManager));
    assert!(row.handlers[0].id.contains("LoggerHandler"), "{row:?}");
    assert_eq!((row.handlers.len(), &row.unanswered), (1, &None));
}

#[tokio::test]
async fn a_crash_is_among_the_reports_with_its_reason() {
    let node = Node::new();
    let router = router(&node);
    let worker = node.start::<Worker>(Shows::default()).name("fragile").await.unwrap();
    worker.cast(Tell::Crash).unwrap();
    let crash = report(&router, |report| report.title == "Server fragile <1> terminating").await;
    assert_eq!((crash.pid, crash.level), (1, ReportLevel::Error));
    assert_eq!(crash.reason.as_deref(), Some("panicked: it was told to"));
    assert!(crash.text.contains("state: password: ***"), "{}", crash.text);
    let later: Vec<ReportRow> = get(&router, &format!("/api/reports?after={}", crash.number)).await;
    assert!(later.iter().all(|report| report.number > crash.number));
}

#[tokio::test]
async fn the_last_five_hundred_reports_are_kept() {
    let node = Node::new();
    let router = router(&node);
    for _ in 0..300 {
        node.start::<Worker>(Shows::default()).await.unwrap().cast(Tell::Crash).unwrap();
        tokio::task::yield_now().await;
    }
    // Each end makes two.
    report(&router, |report| report.number == 600).await;
    let reports: Vec<ReportRow> = get(&router, "/api/reports").await;
    assert_eq!((reports.len(), reports[0].number), (500, 101));
}
