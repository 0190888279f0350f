//! References to servers by their names in a cluster: the owner of a name may be on any machine.

use std::any::type_name;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use crate::engine::Revision;
use crate::space::Space;
use crate::traces::TraceFields;
use crate::wire::messages::{Clustered, Messages, Remote};
use crate::wire::{EncodeError, Kind, RequestHeader, encode};

// Calls.
pub(crate) mod call;
// Casts.
pub(crate) mod cast;
// Why a message was not sent.
pub(crate) mod not_sent;

use call::RemoteCall;
use cast::RemoteCast;

/// A server by its name in a cluster, wherever it runs.
///
/// It is valid before the server starts, and stays valid when another owner takes the name, on this machine or another. Each call
/// and each cast goes to the one that has the name then. A reference is cheap to clone, and holds nothing that has to be given back.
///
/// A call may be carried out although its answer never comes: what an error says of that is in
/// [`RemoteCallError::may_have_been_carried_out`](crate::RemoteCallError::may_have_been_carried_out). A cast may be lost.
pub struct RemoteRef<S: Clustered> {
    target: Arc<Target<S>>,
    fence: Option<Revision>,
}

/// What all clones of a reference share.
struct Target<S: Clustered> {
    space: Space,
    name: Arc<str>,
    is_named: bool,
    /// Where requests go.
    subject: String,
    messages: Messages<S>,
}

impl<S: Clustered> RemoteRef<S> {
    /// The server with this name in a cluster.
    pub(crate) fn new(space: Space, name: Arc<str>) -> Self {
        let subject = space.call_subject(&name);
        let target = Target { space, name, is_named: true, subject, messages: S::messages() };
        Self { target: Arc::new(target), fence: None }
    }

    /// A process of a group, which is asked at this subject and has no name. Errors call it `name`.
    pub(crate) fn at(space: Space, name: Arc<str>, subject: String) -> Self {
        let target = Target { space, name, is_named: false, subject, messages: S::messages() };
        Self { target: Arc::new(target), fence: None }
    }

    /// Whether it is a name, and not the address of one process.
    pub(crate) fn is_named(&self) -> bool {
        self.target.is_named
    }

    pub(crate) fn space(&self) -> &Space {
        &self.target.space
    }

    /// The name. A process of a [group](crate::Cluster::group_members) has none, and this is the name of its member with a number, such
    /// as `b/3`.
    pub fn name(&self) -> &str {
        &self.target.name
    }

    /// The same server, as long as it has the name by the change with this revision. Another owner refuses its calls with
    /// [`RemoteCallError::OtherOwner`](crate::RemoteCallError::OtherOwner), and carries out none of them.
    #[must_use = "it is the reference that is pinned"]
    pub fn pinned(&self, fence: Revision) -> Self {
        Self { target: Arc::clone(&self.target), fence: Some(fence) }
    }

    /// The owner that it is [pinned](Self::pinned) to, if it is.
    pub fn fence(&self) -> Option<Revision> {
        self.fence
    }

    /// Asks the server, and waits for the answer.
    ///
    /// It waits [`CALL_TIMEOUT`](genserver::CALL_TIMEOUT), unless the call has another [`timeout`](RemoteCall::timeout). There is no
    /// call without one: what is sent between machines may be lost, and a caller that waits for a lost answer would wait for ever.
    ///
    /// Calls and casts that one member sends to a name, one after the other, reach the server in that order, as long as its mailbox
    /// has space.
    ///
    /// # Errors
    ///
    /// [`RemoteCallError`](crate::RemoteCallError), which has a variant for each thing that a caller can do.
    ///
    /// # Cancel safety
    ///
    /// Dropping the call gives up the answer, never the request: once it was sent the server may carry it out.
    pub fn call<M>(&self, message: M) -> RemoteCall<S, M>
    where
        S: Remote<M>,
        M: Serialize + Send + 'static,
    {
        RemoteCall::new(self.clone(), message)
    }

    /// Tells the server something. The future is ready when the message is on its way.
    ///
    /// That is all that is known: whether anybody has the name, and whether the server takes the message, is not told. OTP does the
    /// same when it casts to another node. Use [`call`](Self::call) for what must arrive.
    ///
    /// # Errors
    ///
    /// [`RemoteCastError`](crate::RemoteCastError) if the message was not sent. It has the message.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped before it is ready, the message may have been sent.
    pub fn cast<M>(&self, message: M) -> RemoteCast<S, M>
    where
        M: Into<S::Cast> + Serialize + Send + 'static,
    {
        RemoteCast::new(self.clone(), message)
    }

    /// A request as it travels, with the trace of the code that runs here.
    fn encode<M: Serialize>(
        &self,
        kind: Kind,
        name: &str,
        left: Option<u64>,
        message: &M,
    ) -> Result<Bytes, EncodeError> {
        let Target { space, messages, .. } = &*self.target;
        let trace = space.traces.here();
        let TraceFields { traceparent, tracestate } = trace.fields();
        let header = RequestHeader {
            server: messages.server(),
            version: messages.version(),
            message: name,
            fence: self.fence.map(|fence| fence.0),
            left,
            traceparent,
            tracestate,
        };
        encode(kind, &header, message, space.message_max)
    }
}

impl<S: Clustered> Clone for RemoteRef<S> {
    fn clone(&self) -> Self {
        Self { target: Arc::clone(&self.target), fence: self.fence }
    }
}

impl<S: Clustered> fmt::Debug for RemoteRef<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteRef")
            .field("name", &self.target.name)
            .field("server", &type_name::<S>())
            .field("fence", &self.fence)
            .finish()
    }
}

#[cfg(test)]
mod tests;
