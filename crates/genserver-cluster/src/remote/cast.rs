//! Casts to a server by its name in a cluster.

use std::any::type_name;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use genserver::poll_alive;
use serde::Serialize;

use crate::remote::RemoteRef;
use crate::remote::not_sent::NotSent;
use crate::wire::Kind;
use crate::wire::messages::Clustered;

/// A message was not sent, or it is not known whether it was. It is inside, so that nothing is lost.
pub struct RemoteCastError<M> {
    /// The message.
    pub message: M,
    /// The name that it was for.
    pub name: Arc<str>,
    /// Why it was not sent.
    pub why: NotSent,
}

impl<M> RemoteCastError<M> {
    /// The message that was not sent.
    pub fn into_inner(self) -> M {
        self.message
    }
}

/// Written by hand, so that a message need not be `Debug` to be given back.
impl<M> fmt::Debug for RemoteCastError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteCastError").field("name", &self.name).field("why", &self.why).finish_non_exhaustive()
    }
}

impl<M> fmt::Display for RemoteCastError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the cast to the server named {} failed: {}", self.name, self.why)
    }
}

impl<M> Error for RemoteCastError<M> {}

/// A cast under way, made by [`RemoteRef::cast`].
///
/// # Cancel safety
///
/// If it is dropped before it is ready, the message may have been sent.
#[must_use = "nothing is sent until the cast is awaited"]
pub struct RemoteCast<S: Clustered, M> {
    remote: RemoteRef<S>,
    /// Until the cast is over.
    message: Option<M>,
    stage: Stage,
}

enum Stage {
    Unsent,
    Sending(BoxFuture<'static, Result<(), NotSent>>),
    Sent(Result<(), NotSent>),
}

impl<S: Clustered, M> RemoteCast<S, M> {
    pub(super) fn new(remote: RemoteRef<S>, message: M) -> Self {
        Self { remote, message: Some(message), stage: Stage::Unsent }
    }
}

impl<S: Clustered, M: Serialize + 'static> RemoteCast<S, M> {
    fn encode(&self, message: &M) -> Result<Bytes, NotSent> {
        let messages = &self.remote.target.messages;
        let name = messages
            .name_of_cast::<M>()
            .ok_or_else(|| NotSent::Unlisted { message: type_name::<M>(), server: type_name::<S>() })?;
        Ok(self.remote.encode(Kind::Cast, name, None, message)?)
    }

    fn send(&self, message: &M) -> Stage {
        match self.encode(message) {
            Ok(payload) => {
                let target = Arc::clone(&self.remote.target);
                let sending =
                    async move { target.space.engine.publish(&target.subject, payload).await.map_err(NotSent::Engine) };
                Stage::Sending(sending.boxed())
            }
            Err(why) => Stage::Sent(Err(why)),
        }
    }
}

// Nothing in it is pinned: what is polled is boxed.
impl<S: Clustered, M> Unpin for RemoteCast<S, M> {}

impl<S: Clustered, M: Serialize + 'static> Future for RemoteCast<S, M> {
    type Output = Result<(), RemoteCastError<M>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        ready!(poll_alive(cx));
        loop {
            match &mut this.stage {
                Stage::Unsent => {
                    let Some(message) = &this.message else { return Poll::Pending };
                    this.stage = this.send(message);
                }
                Stage::Sending(sending) => this.stage = Stage::Sent(ready!(sending.as_mut().poll(cx))),
                Stage::Sent(sent) => {
                    // It may have been told to end by what it has waited for.
                    ready!(poll_alive(cx));
                    let Some(message) = this.message.take() else { return Poll::Pending };
                    let name = || Arc::clone(&this.remote.target.name);
                    return Poll::Ready(sent.clone().map_err(|why| RemoteCastError { message, name: name(), why }));
                }
            }
        }
    }
}

impl<S: Clustered, M> fmt::Debug for RemoteCast<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteCast").field("to", &self.remote).finish_non_exhaustive()
    }
}
