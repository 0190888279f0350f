//! What the program says of itself: `/healthz`, `/readyz` and `/metrics`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::routes::Shared;

/// For how long the runtime may take to begin with a task.
const HEALTHY_WITHIN: Duration = Duration::from_secs(1);

/// Whether a runtime runs its tasks: it is given one, and not another before that has run.
#[derive(Clone)]
pub(crate) struct Heartbeat {
    runtime: Handle,
    beat: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Heartbeat {
    pub(crate) fn of(runtime: Handle) -> Self {
        Self { runtime, beat: Arc::default() }
    }

    async fn is_there(&self) -> bool {
        let waiting = async {
            let mut beat = self.beat.lock().await;
            #[expect(clippy::disallowed_methods, reason = "whether this very runtime runs a task is what is asked")]
            let task = beat.get_or_insert_with(|| self.runtime.spawn(async {}));
            let ran = task.await.is_ok();
            *beat = None;
            ran
        };
        timeout(HEALTHY_WITHIN, waiting).await.unwrap_or(false)
    }
}

/// Whether the runtime that the observer was made in runs its tasks.
pub(super) async fn healthz(State(shared): State<Shared>) -> Response {
    match &shared.options.heartbeat {
        Some(heartbeat) if !heartbeat.is_there().await => {
            let text = "the runtime does not run its tasks: all of its threads are busy, or it was shut down\n";
            (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
        }
        _ => "ok\n".into_response(),
    }
}

/// Whether the program says that it is ready.
pub(super) async fn readyz(State(shared): State<Shared>) -> Response {
    match &shared.options.is_ready {
        Some(is_ready) if !is_ready() => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response(),
        _ => "ok\n".into_response(),
    }
}

/// The metrics of the program, as it renders them.
pub(super) async fn metrics(State(shared): State<Shared>) -> Response {
    let Some(render) = &shared.options.metrics else {
        let text = "the program gives the observer no metrics; see `Observer::metrics`\n";
        return (StatusCode::NOT_FOUND, text).into_response();
    };
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], render()).into_response()
}
