//! The stream of what changes: when it is sent, to how many, and what it costs if nobody looks.

use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::http::StatusCode;
use axum::response::Response;
use futures::StreamExt as _;
use genserver::Node;
use genserver_observer::data::{ReportRow, Tiles, TreeNode};

use crate::client::{request, router, send, summary, until};
use crate::servers::{Shows, Tell, Worker};

/// The events of a stream, one after the other.
struct Events {
    body: BodyDataStream,
    rest: String,
}

impl Events {
    fn of(answer: Response) -> Self {
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self { body: Body::into_data_stream(answer.into_body()), rest: String::new() }
    }

    async fn open(router: &Router) -> Self {
        Self::of(send(router, request("/sse")).await)
    }

    /// The next event: its name and its data.
    async fn next(&mut self) -> (String, String) {
        loop {
            if let Some(end) = self.rest.find("\n\n") {
                let event: String = self.rest.drain(..end + 2).collect();
                let (name, data) = event.trim_end().split_once('\n').unwrap();
                return (name["event: ".len()..].to_owned(), data["data: ".len()..].to_owned());
            }
            let more = self.body.next().await.unwrap().unwrap();
            self.rest.push_str(std::str::from_utf8(&more).unwrap());
        }
    }

    /// The data of the next event of this name, and the names of those before it.
    async fn next_of(&mut self, name: &str) -> (String, Vec<String>) {
        let mut others = Vec::new();
        loop {
            let (event, data) = self.next().await;
            if event == name {
                return (data, others);
            }
            others.push(event);
        }
    }
}

#[tokio::test]
async fn a_stream_begins_with_everything_and_goes_on_with_what_has_changed() {
    let node = Node::new();
    node.start::<Worker>(Shows::default()).name("one").await.unwrap();
    let router = router(&node);
    let mut events = Events::open(&router).await;
    let (tiles, _) = events.next_of("tiles").await;
    assert_eq!(serde_json::from_str::<Tiles>(&tiles).unwrap().processes, 1);
    assert_eq!(events.next().await.0, "troubles");
    assert_eq!(events.next().await.0, "tree");
    // Nothing has changed, so only the numbers come.
    assert_eq!(events.next().await.0, "tiles");
    assert_eq!(events.next().await.0, "tiles");
    node.start::<Worker>(Shows::default()).name("two").await.unwrap();
    let (tree, others) = events.next_of("tree").await;
    let tree: Vec<TreeNode> = serde_json::from_str(&tree).unwrap();
    assert_eq!(tree.iter().map(|node| &*node.title).collect::<Vec<_>>(), ["one", "two"]);
    assert!(others.iter().all(|name| name == "tiles"), "{others:?}");
}

#[tokio::test]
async fn a_stream_brings_reports_once() {
    let node = Node::new();
    let router = router(&node);
    let crash = async || {
        let worker = node.start::<Worker>(Shows::default()).await.unwrap();
        worker.cast(Tell::Crash).unwrap();
        worker.ended().await;
    };
    crash().await;
    // Until the observer has them.
    crate::client::report(&router, |report| report.number == 2).await;
    let mut events = Events::open(&router).await;
    let numbers = |data: (String, Vec<String>)| {
        let reports: Vec<ReportRow> = serde_json::from_str(&data.0).unwrap();
        reports.into_iter().map(|report| report.number).collect::<Vec<_>>()
    };
    assert_eq!(numbers(events.next_of("reports").await), [1, 2]);
    crash().await;
    let mut later = numbers(events.next_of("reports").await);
    if later == [3] {
        later.extend(numbers(events.next_of("reports").await));
    }
    assert_eq!(later, [3, 4]);
}

#[tokio::test]
async fn sixty_four_streams_are_open_at_most_and_one_that_closes_makes_space() {
    let router = router(&Node::new());
    let mut open = Vec::new();
    for _ in 0..64 {
        let answer = send(&router, request("/sse")).await;
        assert_eq!(answer.status(), StatusCode::OK);
        open.push(answer);
    }
    let refused = send(&router, request("/sse")).await;
    assert_eq!(
        (refused.status(), &refused.headers()["retry-after"]),
        (StatusCode::SERVICE_UNAVAILABLE, &"5".parse().unwrap())
    );
    assert_eq!(summary(&router).await.tiles.streams, 64);
    drop(open.pop());
    assert_eq!(send(&router, request("/sse")).await.status(), StatusCode::OK);
    drop(open);
    until(async || summary(&router).await.tiles.streams, |open| (open == 0).then_some(())).await;
}

#[tokio::test]
async fn all_streams_share_one_sample_a_second() {
    let node = Node::new();
    let router = router(&node);
    let (mut one, mut other) = (Events::open(&router).await, Events::open(&router).await);
    let at = async |events: &mut Events| serde_json::from_str::<Tiles>(&events.next_of("tiles").await.0).unwrap().at;
    let mut seen = (Vec::new(), Vec::new());
    for _ in 0..3 {
        seen.0.push(at(&mut one).await);
        seen.1.push(at(&mut other).await);
    }
    // The second one may have begun with a frame that the first has got before.
    let shared = seen.0.iter().filter(|at| seen.1.contains(at)).count();
    assert!(shared >= 2, "{seen:?}");
    seen.0.dedup();
    assert!(seen.0.windows(2).all(|pair| pair[1] - pair[0] >= 950), "{seen:?}");
}
