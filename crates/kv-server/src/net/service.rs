//! Serving a connection: the seam between sockets and sessions.

use std::future::Future;
use std::io;

use super::incoming::Incoming;
use super::stream::Writer;
use crate::drain::Drain;
use crate::session::Session;

/// Serves connections. The program has one implementation, and tests have others.
pub(super) trait Service: Send + Sync + 'static {
    /// Serves one client until it leaves, or `drain` begins.
    fn serve(&self, reader: Incoming, writer: Writer, drain: Drain) -> impl Future<Output = io::Result<()>> + Send;
}

/// Sessions on a store.
pub(super) struct Sessions {
    /// Cloned for each connection, so that they know of each other.
    pub(super) session: Session,
}

impl Service for Sessions {
    fn serve(&self, reader: Incoming, writer: Writer, drain: Drain) -> impl Future<Output = io::Result<()>> + Send {
        let session = self.session.clone().drain(&drain);
        let session = match reader.peer() {
            Some(peer) => session.peer(peer),
            None => session,
        };
        async move { session.serve(reader, writer).await.map(drop) }
    }
}
