//! The owner's side: a request that has come is carried out on the server of this machine.

use std::convert::Infallible;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use genserver::{CallError, GenServer, Reason, ServerRef, time};
use serde::de::DeserializeOwned;

use crate::engine::Revision;
use crate::traces::Traces;
use crate::wire::FORMAT;
use crate::wire::answer::{Problem, encode_problem, encode_reply};
use crate::wire::body::{decode, guarded, text_of};
use crate::wire::envelope::{Envelope, Kind, NotAMessage, RequestHeader};
use crate::wire::messages::{Clustered, Messages, Remote};

/// A server that answers requests from other machines, as the owner of a name.
///
/// # Rules
///
/// - S1: A request is handed to the server before [`hand`](Self::hand) returns. So those that are handed over one after the other
///   arrive in that order. One that finds the mailbox full waits for space, and others may overtake it.
/// - S2: A call whose time is up is not handed over.
/// - S3: Bytes never harm the server: what cannot be read is refused before the server hears of it, and so is a message whose
///   `Deserialize` or [`Remote::local`] panics.
/// - S4: Every call is answered, if its answer is waited for.
/// - S5: A call that has to wait for space gets an eighth of its time less, so that its caller hears in time that it was not carried
///   out.
pub(crate) struct Service<S: Clustered> {
    server: ServerRef<S>,
    messages: Arc<Messages<S>>,
    /// The revision with which the owner has made the name.
    fence: Revision,
    /// The largest message.
    message_max: usize,
    traces: Traces,
}

/// What has become of a request.
pub(crate) enum Handed {
    /// The answer of a call, once it is there. Dropping it gives up the answer.
    Call(BoxFuture<'static, Bytes>),
    /// The server has the cast.
    Cast,
    /// The server does not get the cast, or it is not known what it was. Nobody hears of it but the caller of `hand`.
    Dropped(Dropped),
}

/// Why a request that nobody waits for is dropped.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a message from another machine was dropped: {0}")]
pub(crate) struct Dropped(String);

/// What is known about a call when it is handed over.
pub(super) struct CallContext {
    fence: Revision,
    message_max: usize,
    /// When nobody waits for the answer any more.
    until: Option<Instant>,
}

/// Decodes a call and hands it to a server.
pub(super) type CallFunction<S> =
    fn(&ServerRef<S>, Bytes, CallContext) -> Result<BoxFuture<'static, Result<Bytes, Problem>>, String>;

/// Decodes a cast and hands it to a server.
pub(super) type CastFunction<S> = fn(&ServerRef<S>, &[u8]) -> Result<(), String>;

impl<S: Clustered> Service<S> {
    /// The service of a server whose owner has this fence.
    pub(crate) fn new(server: ServerRef<S>, fence: Revision, message_max: usize) -> Self {
        let messages = Arc::new(S::messages());
        Self { server, messages, fence, message_max, traces: Traces::default() }
    }

    /// The same, in which the traces of callers go on.
    pub(crate) fn traced(self, traces: Traces) -> Self {
        Self { traces, ..self }
    }

    /// Hands a request, which came at `came`, to the server.
    pub(crate) fn hand(&self, request: &Bytes, came: Instant) -> Handed {
        let envelope = match Envelope::read(request, self.message_max) {
            Ok(envelope) => envelope,
            // Its kind is not known. If nobody waits, nobody reads the answer.
            Err(NotAMessage::OtherFormat(_)) => return self.refuse(&Problem::OtherFormat { known: FORMAT }),
            Err(why) => return self.refuse(&Problem::BadRequest { text: why.to_string() }),
        };
        match envelope.kind {
            Kind::Call => match self.call(&envelope, came) {
                Ok(answer) => Handed::Call(answer),
                Err(problem) => self.refuse(&problem),
            },
            Kind::Cast => match self.cast(&envelope) {
                Ok(()) => Handed::Cast,
                Err(dropped) => Handed::Dropped(dropped),
            },
            other => self.refuse(&Problem::BadRequest { text: format!("it is {other}") }),
        }
    }

    fn refuse(&self, problem: &Problem) -> Handed {
        Handed::Call(std::future::ready(encode_problem(self.fence, problem)).boxed())
    }

    fn call(&self, envelope: &Envelope<'_>, came: Instant) -> Result<BoxFuture<'static, Bytes>, Problem> {
        let header = header_of(envelope)?;
        self.expect(&header)?;
        let until = header.left.and_then(|left| came.checked_add(Duration::from_millis(left)));
        // By S2.
        if until.is_some_and(|until| until <= time::now()) {
            return Err(Problem::Timeout);
        }
        let version = self.messages.version();
        let hand = self.messages.find_call(header.message).ok_or(Problem::UnknownMessage { version })?;
        let context = CallContext { fence: self.fence, message_max: self.message_max, until };
        let span = self.traces.serve_call(header.server, header.message, header.trace());
        let answer = span
            .run(|| hand(&self.server, envelope.body.clone(), context))
            .map_err(|text| Problem::Undecodable { version, text })?;
        let fence = self.fence;
        let answer = answer.map(move |reply| reply.unwrap_or_else(|problem| encode_problem(fence, &problem)));
        Ok(span.around(answer.boxed()))
    }

    fn cast(&self, envelope: &Envelope<'_>) -> Result<(), Dropped> {
        let header = header_of(envelope).map_err(|problem| Dropped(problem.to_string()))?;
        let RequestHeader { server, version, message, .. } = header;
        // What others have written is quoted, and not at any length.
        let what = text_of(&format_args!("the cast {message:?} of {server:?} {version}"), 400);
        let dropped = |why: &dyn fmt::Display| Dropped(format!("{what}: {why}"));
        self.expect(&header).map_err(|problem| dropped(&problem))?;
        let version = self.messages.version();
        let unknown = || dropped(&Problem::UnknownMessage { version });
        let hand = self.messages.find_cast(message).ok_or_else(unknown)?;
        let span = self.traces.serve_cast(server, message, header.trace());
        span.run(|| hand(&self.server, &envelope.body)).map_err(|why| dropped(&why))
    }

    /// Whether the request is for this server and its owner.
    fn expect(&self, header: &RequestHeader<'_>) -> Result<(), Problem> {
        let (server, version) = (self.messages.server(), self.messages.version());
        if (header.server, header.version) != (server, version) {
            return Err(Problem::OtherServer { server: server.to_owned(), version });
        }
        if header.fence.is_some_and(|fence| fence != self.fence.0) {
            return Err(Problem::OtherOwner);
        }
        Ok(())
    }
}

fn header_of<'a>(envelope: &Envelope<'a>) -> Result<RequestHeader<'a>, Problem> {
    envelope.header().map_err(|why| Problem::BadRequest { text: why.to_string() })
}

impl<S: Clustered> fmt::Debug for Service<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("server", &self.server).field("fence", &self.fence).finish_non_exhaustive()
    }
}

impl fmt::Debug for Handed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(_) => f.write_str("Call"),
            Self::Cast => f.write_str("Cast"),
            Self::Dropped(dropped) => f.debug_tuple("Dropped").field(dropped).finish(),
        }
    }
}

/// How a call of this type is handed over.
pub(super) fn call_function<S, M>() -> CallFunction<S>
where
    S: Remote<M>,
    M: DeserializeOwned + Send + 'static,
{
    |server, body, context| {
        let message: M = decode(&body)?;
        let mut request = guarded(|| Ok::<_, Infallible>(server.send_request(|caller| S::local(message, caller))))?;
        let at_once = request.check();
        let server = server.clone();
        let answer = async move {
            let reply = match at_once {
                // By S1. The message went with the request, and is read again.
                Some(Err(CallError::Overloaded { .. })) => {
                    wait_for_space::<S, M>(&server, &body, context.until).await?
                }
                Some(answer) => answer?,
                None => match context.until {
                    Some(until) => match time::timeout(left(until), request).await {
                        Ok(answer) => answer?,
                        Err(_elapsed) => return Err(Problem::Timeout),
                    },
                    None => request.await?,
                },
            };
            encode_reply(context.fence, &reply, context.message_max)
        };
        Ok(answer.boxed())
    }
}

/// Asks a server whose mailbox is full, once it has space, by S5.
async fn wait_for_space<S: Remote<M>, M: DeserializeOwned>(
    server: &ServerRef<S>,
    body: &[u8],
    until: Option<Instant>,
) -> Result<S::Reply, Problem> {
    let failed = |text| Problem::Failed { text };
    let message: M = decode(body).map_err(failed)?;
    let call = server.call(|caller| S::local(message, caller));
    let call = match until {
        Some(until) => call.timeout(left(until) / 8 * 7),
        None => call.no_timeout(),
    };
    let answer = AssertUnwindSafe(call).catch_unwind().await;
    answer.map_err(|payload| failed(Reason::caught(payload).to_string()))?.map_err(Problem::from)
}

/// How a cast of this type is handed over.
pub(super) fn cast_function<S, M>() -> CastFunction<S>
where
    S: GenServer,
    M: Into<S::Cast> + DeserializeOwned,
{
    |server, body| {
        let message: M = decode(body)?;
        guarded(|| server.cast(message.into()))
    }
}

/// The time from now on.
fn left(until: Instant) -> Duration {
    until.saturating_duration_since(time::now())
}

#[cfg(test)]
mod tests;
