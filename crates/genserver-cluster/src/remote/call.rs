//! Calls to a server by its name in a cluster.

use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use genserver::{CALL_TIMEOUT, poll_alive};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::engine::{RequestError, Revision};
use crate::remote::not_sent::NotSent;
use crate::remote::{RemoteRef, Target};
use crate::wire::messages::{Clustered, Remote};
use crate::wire::{Answer, Kind, decode};

// Why a call has no answer.
mod error;

pub use error::RemoteCallError;

/// A call under way, made by [`RemoteRef::call`].
///
/// # Cancel safety
///
/// Dropping it gives up the answer, never the request: once it was sent the server may carry it out.
#[must_use = "nothing is sent until the call is awaited"]
pub struct RemoteCall<S: Remote<M> + Clustered, M> {
    remote: RemoteRef<S>,
    timeout: Duration,
    stage: Stage<S::Reply, M>,
}

enum Stage<R, M> {
    Unsent(M),
    Sent(BoxFuture<'static, Result<R, RemoteCallError>>),
    Answered(Result<R, RemoteCallError>),
    Over,
}

impl<S: Remote<M> + Clustered, M> RemoteCall<S, M> {
    pub(super) fn new(remote: RemoteRef<S>, message: M) -> Self {
        Self { remote, timeout: CALL_TIMEOUT, stage: Stage::Unsent(message) }
    }

    /// Sets the timeout; it is five seconds unless set. It is sent with the message: the server does not begin with a call whose
    /// time is up.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl<S: Remote<M> + Clustered, M: Serialize + 'static> RemoteCall<S, M> {
    fn encode(&self, message: &M) -> Result<(Bytes, &'static str), NotSent> {
        let target = &*self.remote.target;
        let name = target
            .messages
            .name_of_call::<M>()
            .ok_or_else(|| NotSent::Unlisted { message: type_name::<M>(), server: type_name::<S>() })?;
        Ok((self.remote.encode(Kind::Call, name, Some(milliseconds(self.timeout)), message)?, name))
    }

    fn send(&self, message: &M) -> Stage<S::Reply, M> {
        match self.encode(message) {
            Ok((payload, message)) => {
                let asked = Asked { target: Arc::clone(&self.remote.target), fence: self.remote.fence, message };
                Stage::Sent(asked.answer(payload, self.timeout).boxed())
            }
            Err(why) => {
                let name = Arc::clone(&self.remote.target.name);
                Stage::Answered(Err(RemoteCallError::NotSent { name, why }))
            }
        }
    }
}

/// Rounded up, so that a short time is not none.
fn milliseconds(duration: Duration) -> u64 {
    duration.as_micros().div_ceil(1_000).try_into().unwrap_or(u64::MAX)
}

/// What an answer is read with.
pub(super) struct Asked<S: Clustered> {
    target: Arc<Target<S>>,
    fence: Option<Revision>,
    /// The name of the message.
    message: &'static str,
}

impl<S: Clustered> Asked<S> {
    /// Sends the request, and waits for its answer.
    async fn answer<R: DeserializeOwned>(self, payload: Bytes, timeout: Duration) -> Result<R, RemoteCallError> {
        let Target { space, subject, .. } = &*self.target;
        let name = || Arc::clone(&self.target.name);
        let answer = match space.engine.request(subject, payload, timeout).await {
            Ok(answer) => answer,
            Err(RequestError::NoResponders) => return Err(RemoteCallError::NoProc { name: name() }),
            Err(RequestError::TimedOut) => return Err(RemoteCallError::Timeout { name: name(), after: timeout }),
            Err(RequestError::Engine(error)) => {
                return Err(RemoteCallError::NotSent { name: name(), why: NotSent::Engine(error) });
            }
        };
        let unreadable = |why: String| RemoteCallError::BadAnswer { name: name(), why };
        let answer = Answer::read(&answer, space.message_max).map_err(|why| unreadable(why.to_string()))?;
        // What answers for another owner is not asked for, whatever it says.
        if let Some(wanted) = self.fence.filter(|wanted| *wanted != answer.fence) {
            return Err(RemoteCallError::OtherOwner { name: name(), wanted, found: answer.fence });
        }
        match answer.result {
            Ok(body) => decode(&body).map_err(|why| unreadable(self.version_note(&why))),
            Err(problem) => Err(self.error(problem, answer.fence, timeout)),
        }
    }
}

// Nothing in it is pinned: what is polled is boxed.
impl<S: Remote<M> + Clustered, M> Unpin for RemoteCall<S, M> {}

impl<S: Remote<M> + Clustered, M: Serialize + 'static> Future for RemoteCall<S, M> {
    type Output = Result<S::Reply, RemoteCallError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        ready!(poll_alive(cx));
        loop {
            match &mut this.stage {
                Stage::Unsent(_) => {
                    let Stage::Unsent(message) = std::mem::replace(&mut this.stage, Stage::Over) else { continue };
                    this.stage = this.send(&message);
                }
                Stage::Sent(answer) => this.stage = Stage::Answered(ready!(answer.as_mut().poll(cx))),
                Stage::Answered(_) => {
                    // It may have been told to end by what it has waited for.
                    ready!(poll_alive(cx));
                    let Stage::Answered(answer) = std::mem::replace(&mut this.stage, Stage::Over) else { continue };
                    return Poll::Ready(answer);
                }
                Stage::Over => return Poll::Pending,
            }
        }
    }
}

impl<S: Remote<M> + Clustered, M> fmt::Debug for RemoteCall<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteCall").field("to", &self.remote).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
