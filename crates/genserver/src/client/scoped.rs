//! A server that lives no longer than a value of the program.

use std::fmt;
use std::ops::Deref;

use crate::client::server_ref::ServerRef;
use crate::client::stop::StopError;
use crate::process::Signal;
use crate::server::GenServer;
use crate::values::reason::Reason;

/// A reference that stops its server when it is dropped.
///
/// Other references end nothing, as in OTP, where a process lives until somebody stops it. This one is for who wants a server
/// to go with the value that uses it.
///
/// Dropping it orders the server to stop, as [`ServerRef::stop`] does, and does not wait; [`stop`](ScopedServer::stop) waits.
///
/// # Examples
///
/// ```
/// use genserver::ScopedServer;
/// # use genserver::{Cx, GenServer, Init, Never, Reason};
/// # use genserver_doc::quiet::*;
/// # genserver_doc::run! {
/// let scoped = ScopedServer::from(genserver::start::<Quiet>(()).await?);
/// let reference = scoped.clone();
/// assert!(scoped.is_alive());
///
/// let ended = reference.ended();
/// drop(scoped);
/// assert_eq!(ended.await, Reason::Normal);
/// # }
/// ```
pub struct ScopedServer<S: GenServer> {
    server: ServerRef<S>,
    released: bool,
}

impl<S: GenServer> ScopedServer<S> {
    /// Stops the server with the reason `normal`, and waits until everybody has been told: see [`ServerRef::stop`].
    ///
    /// # Errors
    ///
    /// As [`ServerRef::stop`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it does not withdraw the order, and if there was none yet, gives it.
    pub async fn stop(self) -> Result<(), StopError> {
        self.server.stop().await
    }

    /// Lets the server live on: an ordinary reference to it.
    pub fn release(mut self) -> ServerRef<S> {
        self.released = true;
        self.server.clone()
    }
}

impl<S: GenServer> From<ServerRef<S>> for ScopedServer<S> {
    fn from(server: ServerRef<S>) -> Self {
        Self { server, released: false }
    }
}

impl<S: GenServer> Deref for ScopedServer<S> {
    type Target = ServerRef<S>;

    fn deref(&self) -> &ServerRef<S> {
        &self.server
    }
}

impl<S: GenServer> Drop for ScopedServer<S> {
    fn drop(&mut self) {
        if !self.released {
            // A server that has ended does not take the order, and need not.
            let _ = self.server.process().signal(Signal::Stop(Reason::Normal.into()));
        }
    }
}

impl<S: GenServer> fmt::Debug for ScopedServer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScopedServer({:?})", self.server)
    }
}
