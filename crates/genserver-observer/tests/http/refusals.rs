//! Who may ask: names, origins, machines, tokens, lengths.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::request::Builder;
use axum::http::{Request, StatusCode};
use genserver::Node;
use genserver_observer::Observer;

use crate::client::{request, router, send, status};

const TOKEN: &str = "k7Zq1xVw9TnR4bLc";

fn with_token() -> Router {
    Observer::new(&Node::new()).token(TOKEN.parse().unwrap()).router().unwrap()
}

/// A request to a host, from a machine.
fn from(peer: &str, host: &str) -> Builder {
    let peer: SocketAddr = peer.parse().unwrap();
    Request::builder().uri("/api/summary").header("host", host).extension(ConnectInfo(peer))
}

#[track_caller]
fn check(answer: StatusCode, expected: u16, what: &str) {
    assert_eq!(answer.as_u16(), expected, "{what}");
}

#[tokio::test]
async fn a_name_that_is_not_known_is_refused_for_every_route() {
    let router = router(&Node::new());
    for host in ["localhost", "LOCALHOST:4000", "127.0.0.1:4000", "[::1]:4000", "192.0.2.7:80"] {
        check(send(&router, from("127.0.0.1:1", host)).await.status(), 200, host);
    }
    for host in [
        "0.0.0.0:4000",
        "[::]:4000",
        "evil.example",
        "localhost.evil.example:4000",
        "127.0.0.1.evil.example",
        "user@localhost",
        "",
        "::1",
        "a b",
    ] {
        check(send(&router, from("127.0.0.1:1", host)).await.status(), 421, host);
    }
    let page = Request::builder().uri("/").header("host", "evil.example");
    check(send(&router, page).await.status(), 421, "the page");
    check(send(&router, Request::builder().uri("/")).await.status(), 421, "no host");
    let named = Observer::new(&Node::new()).host("observer.example.org").router().unwrap();
    check(send(&named, from("127.0.0.1:1", "observer.example.org:4000")).await.status(), 200, "a name that is allowed");
}

#[tokio::test]
async fn a_page_of_another_site_is_refused() {
    let router = router(&Node::new());
    for (name, value, expected) in [
        ("origin", "http://localhost:4000", 200),
        ("origin", "http://localhost:4001", 403),
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("sec-fetch-site", "same-origin", 200),
        ("sec-fetch-site", "none", 200),
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-site", 403),
    ] {
        check(send(&router, request("/sse").header(name, value)).await.status(), expected, value);
    }
    let link = |path| request(path).header("sec-fetch-site", "cross-site").header("sec-fetch-mode", "navigate");
    check(send(&router, link("/")).await.status(), 200, "a link to the page");
    for path in ["/sse", "/api/summary", "/metrics"] {
        check(send(&router, link(path)).await.status(), 403, "a link to data");
    }
}

#[tokio::test]
async fn without_a_token_only_this_machine_may_ask() {
    let router = router(&Node::new());
    for peer in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
        check(send(&router, from(peer, "127.0.0.1")).await.status(), 200, peer);
    }
    for peer in ["192.0.2.1:1", "[::ffff:192.0.2.1]:1", "[fe80::1]:1", "0.0.0.0:1"] {
        check(send(&router, from(peer, "127.0.0.1")).await.status(), 403, peer);
    }
    for name in ["forwarded", "x-forwarded-for", "x-real-ip", "via"] {
        let forwarded = from("127.0.0.1:1", "127.0.0.1").header(name, "for=192.0.2.1");
        check(send(&router, forwarded).await.status(), 403, name);
    }
    let unknown = Request::builder().uri("/api/summary").header("host", "localhost");
    check(send(&router, unknown).await.status(), 403, "a machine that is not known");
}

#[tokio::test]
async fn with_a_token_every_machine_needs_it_and_this_one_too() {
    let router = with_token();
    let with = |value: &str| from("192.0.2.1:1", "192.0.2.7").header("authorization", value);
    check(send(&router, with(&format!("Bearer {TOKEN}"))).await.status(), 200, "the token");
    check(send(&router, with(&format!("bearer {TOKEN}"))).await.status(), 200, "in any case");
    for wrong in [&TOKEN[1..], "", "k7Zq1xVw9TnR4bLd", "k7Zq1xVw9TnR4bLc1"] {
        check(send(&router, with(&format!("Bearer {wrong}"))).await.status(), 401, wrong);
    }
    check(send(&router, with(TOKEN)).await.status(), 401, "without a scheme");
    check(send(&router, with(&format!("Basic {TOKEN}"))).await.status(), 401, "another scheme");
    check(status(&router, "/api/summary").await, 401, "this machine");
    for path in ["/sse", "/metrics", "/api/processes", "/api/process/1", "/api/managers", "/api/reports"] {
        check(status(&router, path).await, 401, path);
    }
    let in_the_address = from("192.0.2.1:1", "192.0.2.7").uri(format!("/api/summary?token={TOKEN}"));
    check(send(&router, in_the_address).await.status(), 401, "an address is written into logs");
    for open in ["/", "/healthz", "/readyz"] {
        check(status(&router, open).await, 200, open);
    }
}

#[tokio::test]
async fn a_router_that_is_trusted_decides_itself() {
    let router = Observer::new(&Node::new()).trust_router().router().unwrap();
    check(send(&router, from("192.0.2.1:1", "app.example.org")).await.status(), 200, "another machine");
    let nested = Router::new().nest("/observer", router);
    let answer = send(&nested, from("192.0.2.1:1", "app.example.org").uri("/observer/api/summary")).await;
    check(answer.status(), 200, "nested");
}

#[tokio::test]
async fn a_router_that_is_nested_judges_as_ever() {
    let nested = Router::new().nest("/observer", router(&Node::new()));
    check(send(&nested, request("/observer/api/summary")).await.status(), 200, "this machine");
    check(send(&nested, request("/observer")).await.status(), 200, "the page");
    check(send(&nested, from("192.0.2.1:1", "127.0.0.1").uri("/observer/api/summary")).await.status(), 403, "another");
}

#[tokio::test]
async fn a_request_that_is_too_long_is_refused() {
    let router = router(&Node::new());
    let long = format!("/api/processes?search={}", "a".repeat(2048));
    check(status(&router, &long).await, 414, "a long search");
    check(status(&router, &long[..2000]).await, 200, "a shorter one");
}

#[tokio::test]
async fn what_changes_something_needs_its_header_and_the_right_method() {
    let router = router(&Node::new());
    let post = |path: &str| request(path).method("POST");
    check(send(&router, post("/api/process/1/kill")).await.status(), 403, "without the header");
    check(send(&router, post("/api/summary").header("x-observer", "1")).await.status(), 405, "not a question");
    check(status(&router, "/api/process/1/kill").await, 405, "by a link");
    let preflight = request("/api/process/1/kill").method("OPTIONS").header("origin", "https://evil.example");
    check(send(&router, preflight).await.status(), 403, "a preflight");
}

#[tokio::test]
async fn no_answer_may_be_kept_framed_or_read_by_another_site() {
    let router = router(&Node::new());
    for path in ["/", "/api/summary", "/nothing", "/metrics"] {
        let answer = send(&router, request(path)).await;
        if answer.status() == StatusCode::NOT_FOUND && path == "/nothing" {
            continue;
        }
        let headers = answer.headers();
        assert_eq!(headers["cache-control"], "no-store", "{path}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["cross-origin-resource-policy"], "same-origin", "{path}");
        assert!(headers["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'"), "{path}");
        assert!(!headers.contains_key("access-control-allow-origin"), "{path}");
    }
}
