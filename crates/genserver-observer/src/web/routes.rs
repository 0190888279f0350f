//! All routes, and the layer that judges each request.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};

use super::guard::Guard;
use super::program::Heartbeat;
use super::{api, page, program, sse};
use crate::data::Action;
use crate::observe::Watch;

/// What the program has decided.
#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) guard: Guard,
    pub(crate) actions: Vec<Action>,
    pub(crate) streams_max: usize,
    /// Of the runtime whose health is asked for.
    pub(crate) heartbeat: Option<Heartbeat>,
    pub(crate) is_ready: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
    pub(crate) metrics: Option<Arc<dyn Fn() -> String + Send + Sync>>,
}

/// What every route has.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) watch: Watch,
    pub(super) options: Arc<Options>,
}

/// The router with all routes.
pub(crate) fn routes(watch: Watch, options: Options) -> Router {
    let shared = Shared { watch, options: Arc::new(options) };
    // Routes are told apart before the layer, so it sees the path within this router also where it is nested.
    let open = Router::new()
        .route("/", get(page::page))
        .route("/healthz", get(program::healthz))
        .route("/readyz", get(program::readyz))
        .layer(from_fn_with_state(Arc::clone(&shared.options), judge_open));
    let closed = Router::new()
        .route("/sse", get(sse::sse))
        .route("/metrics", get(program::metrics))
        .route("/api/summary", get(api::summary))
        .route("/api/processes", get(api::processes))
        .route("/api/process/{pid}", get(api::process))
        .route("/api/process/{pid}/{action}", post(api::act))
        .route("/api/managers", get(api::managers))
        .route("/api/reports", get(api::reports))
        .layer(from_fn_with_state(Arc::clone(&shared.options), judge));
    open.merge(closed).with_state(shared)
}

async fn judge_open(State(options): State<Arc<Options>>, request: Request, next: Next) -> Response {
    pass(&options, request, next, true).await
}

async fn judge(State(options): State<Arc<Options>>, request: Request, next: Next) -> Response {
    pass(&options, request, next, false).await
}

async fn pass(options: &Options, request: Request, next: Next, is_open: bool) -> Response {
    let (parts, body) = request.into_parts();
    let answer = match options.guard.check(&parts, is_open) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(refusal) => refusal.into_response(),
    };
    page::harden(answer)
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("guard", &self.guard).field("actions", &self.actions).finish_non_exhaustive()
    }
}
