//! What a reader may do: nothing that the program does not allow.

use axum::Router;
use axum::http::StatusCode;
use genserver::{Node, Reason};
use genserver_observer::Observer;
use genserver_observer::data::{Action, ProcessDetail, StateShown};

use crate::client::{get, request, router, send, text};
use crate::servers::{Shows, Tell, Worker};

async fn act(router: &Router, action: &str) -> (StatusCode, String) {
    let path = format!("/api/process/1/{action}");
    let answer = send(router, request(&path).method("POST").header("x-observer", "1")).await;
    (answer.status(), text(answer).await)
}

#[tokio::test]
async fn nothing_is_allowed_unless_the_program_says_so() {
    let node = Node::new();
    let worker = node.start::<Worker>(Shows::default()).await.unwrap();
    let router = router(&node);
    for action in Action::ALL {
        let (status, text) = act(&router, &action.to_string()).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{action}");
        assert!(text.contains("Observer::allow"), "{text}");
    }
    assert_eq!(act(&router, "explode").await.0, StatusCode::NOT_FOUND);
    assert!(worker.is_alive());
}

#[tokio::test]
async fn what_is_allowed_is_done() {
    let node = Node::new();
    let worker = node.start::<Worker>(Shows::default()).await.unwrap();
    let router = Observer::new(&node).allow(Action::ALL).router().unwrap();
    let done = async |action: &str| assert_eq!(act(&router, action).await, (StatusCode::NO_CONTENT, String::new()));
    let state = async || match get::<ProcessDetail>(&router, "/api/process/1").await.state {
        StateShown::Yes { suspended, log, .. } => (suspended, !log.is_empty()),
        other => panic!("{other:?}"),
    };
    done("suspend").await;
    assert_eq!(state().await, (true, false));
    done("resume").await;
    done("log").await;
    worker.cast(Tell::Nothing).unwrap();
    assert_eq!(state().await, (false, true));
    done("log_off").await;
    assert_eq!(state().await, (false, false));
    assert_eq!(get::<ProcessDetail>(&router, "/api/process/1").await.actions, Action::ALL);
    done("kill").await;
    assert_eq!(worker.ended().await, Reason::Killed);
    assert_eq!(act(&router, "kill").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_stop_is_an_exit_signal() {
    let node = Node::new();
    let worker = node.start::<Worker>(Shows::default()).await.unwrap();
    let router = Observer::new(&node).allow([Action::Stop]).router().unwrap();
    assert_eq!(act(&router, "stop").await.0, StatusCode::NO_CONTENT);
    assert_eq!(worker.ended().await, Reason::Shutdown);
    assert_eq!(act(&router, "kill").await.0, StatusCode::FORBIDDEN, "only one was allowed");
}
