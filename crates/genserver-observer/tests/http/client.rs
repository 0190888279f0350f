//! Asking a router as this machine does, and reading what it answers.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::request::Builder;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use genserver::Node;
use genserver_observer::Observer;
use genserver_observer::data::{ProcessPage, ReportRow, Summary};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use tower::ServiceExt as _;

pub(crate) fn router(node: &Node) -> Router {
    Observer::new(node).router().unwrap()
}

/// A request from this machine.
pub(crate) fn request(path: &str) -> Builder {
    let peer: SocketAddr = "127.0.0.1:50000".parse().unwrap();
    Request::builder().uri(path).header("host", "localhost:4000").extension(ConnectInfo(peer))
}

pub(crate) async fn send(router: &Router, request: Builder) -> Response {
    router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

pub(crate) async fn text(answer: Response) -> String {
    String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// The answer to a question that is answered.
pub(crate) async fn get<T: DeserializeOwned>(router: &Router, path: &str) -> T {
    let answer = send(router, request(path)).await;
    let status = answer.status();
    let text = text(answer).await;
    assert_eq!(status, StatusCode::OK, "{path}: {text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error} in {text}"))
}

pub(crate) async fn status(router: &Router, path: &str) -> StatusCode {
    send(router, request(path)).await.status()
}

pub(crate) async fn summary(router: &Router) -> Summary {
    get(router, "/api/summary").await
}

pub(crate) async fn table(router: &Router, query: &str) -> ProcessPage {
    get(router, &format!("/api/processes?{query}")).await
}

/// Asks until there is an answer that one is looking for. The observer samples once a second.
pub(crate) async fn until<T, R>(mut ask: impl AsyncFnMut() -> T, find: impl Fn(T) -> Option<R>) -> R {
    loop {
        if let Some(found) = find(ask().await) {
            return found;
        }
        tokio::task::yield_now().await;
    }
}

/// The first report that one is looking for.
pub(crate) async fn report(router: &Router, find: impl Fn(&ReportRow) -> bool) -> ReportRow {
    let find = |reports: Vec<ReportRow>| reports.into_iter().find(&find);
    until(async || get::<Vec<ReportRow>>(router, "/api/reports").await, find).await
}
