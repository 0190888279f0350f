//! The stream of what changes: events for as long as the reader stays.

use std::convert::Infallible;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::{self, StreamExt as _};

use super::routes::Shared;
use crate::observe::{Frame, Stream, json};

pub(super) async fn sse(State(shared): State<Shared>) -> Response {
    match shared.watch.open(shared.options.streams_max).await {
        Ok(Some(stream)) => Sse::new(events(stream)).into_response(),
        Ok(None) => {
            let text = "as many streams are open as are allowed; close one\n";
            (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "5")], text).into_response()
        }
        Err(_gone) => (StatusCode::SERVICE_UNAVAILABLE, "the observer has ended\n").into_response(),
    }
}

/// What the reader has got.
struct Sent {
    stream: Stream,
    /// Nothing before the first frame.
    frame: Option<Frame>,
}

fn events(stream: Stream) -> impl futures::Stream<Item = Result<Event, Infallible>> {
    let batches = stream::unfold(Sent { stream, frame: None }, async |mut sent| {
        let next = match &sent.frame {
            None => sent.stream.now(),
            Some(_) => sent.stream.next().await?,
        };
        let events = changes(&sent, &next).await;
        sent.frame = Some(next);
        Some((events, sent))
    });
    batches.flat_map(|events| stream::iter(events.into_iter().map(Ok)))
}

/// The events that lead from what was sent to the next frame.
async fn changes(Sent { stream, frame }: &Sent, next: &Frame) -> Vec<Event> {
    let event = |name: &str, data: &str| Event::default().event(name).data(data);
    let mut events = Vec::new();
    let is_new = |part: fn(&Frame) -> &std::sync::Arc<str>| {
        frame.as_ref().is_none_or(|sent| !std::sync::Arc::ptr_eq(part(sent), part(next)))
    };
    if is_new(|frame| &frame.tiles) {
        events.push(event("tiles", &next.tiles));
    }
    if is_new(|frame| &frame.troubles) {
        events.push(event("troubles", &next.troubles));
    }
    if is_new(|frame| &frame.tree) {
        events.push(event("tree", &next.tree));
    }
    let known = frame.as_ref().map_or(0, |sent| sent.reports);
    if next.reports > known {
        // Those that have come since the frame was made come with the next one.
        let mut reports = stream.reports(known).await;
        reports.retain(|report| report.number <= next.reports);
        events.push(event("reports", &json(&reports)));
    }
    events
}
