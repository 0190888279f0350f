//! The answers in JSON, and the actions.

use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures::future::join_all;
use genserver::{AsProcess as _, Pid, Reason, sys};
use serde::{Deserialize, Serialize};

use super::routes::Shared;
use crate::data::{Action, HandlerRow, ManagerRow, ProcessQuery, StateShown};
use crate::observe::{Gone, json};

/// How many event managers are asked for their handlers.
const MANAGERS_MAX: usize = 100;

/// For how long the reader waits for an action that the process itself has to do.
const PATIENCE: Duration = Duration::from_secs(1);

/// An answer, or the line of text that says why there is none.
type Answer = Result<Response, (StatusCode, String)>;

impl From<Gone> for (StatusCode, String) {
    fn from(Gone: Gone) -> Self {
        (StatusCode::SERVICE_UNAVAILABLE, "the observer has ended\n".to_owned())
    }
}

pub(super) async fn summary(State(shared): State<Shared>) -> Answer {
    Ok(as_json(&shared.watch.summary().await?))
}

pub(super) async fn processes(State(shared): State<Shared>, Query(query): Query<ProcessQuery>) -> Answer {
    Ok(as_json(&shared.watch.page(query).await?))
}

pub(super) async fn process(State(shared): State<Shared>, Path(number): Path<u64>) -> Answer {
    let (pid, mut detail) = shared.watch.outside(number).await?.ok_or_else(|| nobody(number))?;
    detail.state = match shared.watch.states.of(pid).await {
        Ok(status) => StateShown::Yes {
            state: status.state.clone(),
            details: status.details.clone(),
            log: status.log.clone(),
            suspended: status.suspended,
        },
        Err(why) => StateShown::No { why },
    };
    detail.actions.clone_from(&shared.options.actions);
    Ok(as_json(&detail))
}

pub(super) async fn managers(State(shared): State<Shared>) -> Answer {
    let managers = shared.watch.managers(MANAGERS_MAX).await?;
    // All at once: one that does not answer keeps nobody waiting for the others.
    let asked = managers.into_iter().map(async |(pid, row)| match shared.watch.states.of(pid).await {
        Ok(status) => {
            let handlers = status.details.iter().cloned().map(|(id, state)| HandlerRow { id, state }).collect();
            ManagerRow { row, handlers, unanswered: None }
        }
        Err(why) => ManagerRow { row, handlers: Vec::new(), unanswered: Some(why) },
    });
    Ok(as_json(&join_all(asked).await))
}

/// Which reports are asked for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct After {
    after: u64,
}

pub(super) async fn reports(State(shared): State<Shared>, Query(After { after }): Query<After>) -> Answer {
    Ok(as_json(&shared.watch.reports(after).await?))
}

pub(super) async fn act(State(shared): State<Shared>, Path((number, action)): Path<(u64, String)>) -> Answer {
    let action: Action =
        action.parse().map_err(|error| (StatusCode::NOT_FOUND, format!("there is no action `{action}`: {error}\n")))?;
    if !shared.options.actions.contains(&action) {
        let text = format!("the program does not allow `{action}` here; it would with `Observer::allow`\n");
        return Err((StatusCode::FORBIDDEN, text));
    }
    let pid = shared.watch.pid(number).await?.ok_or_else(|| nobody(number))?;
    carry_out(pid, action).await.ok_or_else(|| nobody(number))??;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Does something to a process; `None` if it has ended.
async fn carry_out(pid: Pid, action: Action) -> Option<Result<(), (StatusCode, String)>> {
    let process = pid.as_process()?;
    let request = match action {
        Action::Stop => {
            process.exit(Reason::Shutdown);
            return Some(Ok(()));
        }
        Action::Kill => {
            process.kill();
            return Some(Ok(()));
        }
        Action::Suspend => sys::suspend(&pid),
        Action::Resume => sys::resume(&pid),
        Action::Log => sys::log(&pid, sys::LOG_LENGTH),
        Action::LogOff => sys::log_off(&pid),
    };
    let Ok(done) = tokio::time::timeout(PATIENCE, request).await else {
        let text = "it is in a callback; the request waits in its mailbox, and is done when the callback returns\n";
        return Some(Err((StatusCode::ACCEPTED, text.to_owned())));
    };
    Some(done.map_err(|error| (StatusCode::CONFLICT, format!("{error}\n"))))
}

fn nobody(number: u64) -> (StatusCode, String) {
    (StatusCode::NOT_FOUND, format!("there is no process <{number}> any more\n"))
}

fn as_json(value: &impl Serialize) -> Response {
    ([(CONTENT_TYPE, "application/json")], json(value).to_string()).into_response()
}
