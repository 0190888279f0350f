//! Starts of servers with names.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use futures::future::BoxFuture;
use genserver::{AsProcess, ProcessRef, Reason, ServerRef, StartError, StopError};

use crate::cluster::server::Running;
use crate::engine::Revision;
use crate::name::StartNamedError;
use crate::name::keeper::{Keeper, KeeperArgs};
use crate::wire::messages::Clustered;

/// A start of a server with a name, made by [`Cluster::start_named`](crate::Cluster::start_named). Awaiting it returns a
/// [`NamedServer`].
#[must_use = "nothing is started until this is awaited"]
pub struct StartNamed<S: Clustered> {
    running: Running,
    args: KeeperArgs<S>,
    is_linked: bool,
}

impl<S: Clustered> StartNamed<S> {
    pub(super) fn new(running: Running, args: KeeperArgs<S>) -> Self {
        Self { running, args, is_linked: false }
    }

    /// Links the server with the process that awaits the start, as [`genserver::start_link`] does. When either ends, the other gets
    /// its exit.
    ///
    /// From plain code the start fails with [`StartError::NotAProcess`].
    pub fn link(mut self) -> Self {
        self.is_linked = true;
        self
    }

    async fn run(self) -> Result<NamedServer<S>, StartNamedError> {
        let Self { running, args, is_linked } = self;
        let (name, started) = (Arc::clone(&args.name), Arc::clone(&args.started));
        let start = if is_linked {
            genserver::start_link::<Keeper<S>>(args)
        } else {
            let not_running = |_error| StartNamedError::NotRunning { name: Arc::clone(&name) };
            running.begin(args).await.map_err(not_running)?
        };
        let keeper = start.default_label(format!("keeper of {name}")).await.map_err(why)?;
        let started = started.lock().take();
        let (server, fence) = started.expect("a keeper that has started has put its server there");
        Ok(NamedServer { keeper, server, fence, name })
    }
}

/// The error with which the keeper's init has failed, if it is one of ours.
fn why(error: StartError) -> StartNamedError {
    match &error {
        StartError::Failed { reason, .. } => reason.downcast_ref::<StartNamedError>().cloned(),
        _ => None,
    }
    .unwrap_or(StartNamedError::Server(error))
}

impl<S: Clustered> IntoFuture for StartNamed<S> {
    type Output = Result<NamedServer<S>, StartNamedError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<S: Clustered> fmt::Debug for StartNamed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartNamed")
            .field("name", &self.args.name)
            .field("is_linked", &self.is_linked)
            .finish_non_exhaustive()
    }
}

/// A server that was started with a name on this machine. It is a [`ServerRef`] to it, which also gives the name back.
///
/// Its calls go straight to the server, without the network. So they may reach it in the moment in which its lease ends; those of
/// [`Cluster::named`](crate::Cluster::named) do not, and find the next owner.
pub struct NamedServer<S: Clustered> {
    keeper: ServerRef<Keeper<S>>,
    server: ServerRef<S>,
    fence: Revision,
    name: Arc<str>,
}

impl<S: Clustered> NamedServer<S> {
    /// The name in the cluster.
    pub fn cluster_name(&self) -> &str {
        &self.name
    }

    /// The revision by which it has the name: every later owner has a larger one. A store that takes no write with a smaller fence than
    /// the largest it has seen is safe from an owner that does not know yet that it is none.
    pub fn fence(&self) -> Revision {
        self.fence
    }

    /// The server.
    pub fn server(&self) -> &ServerRef<S> {
        &self.server
    }

    /// Stops the server with the reason `normal`, and gives the name back: it is free when this returns, unless the engine did not
    /// answer.
    ///
    /// # Errors
    ///
    /// As [`ServerRef::stop`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it does not withdraw the order.
    pub async fn stop(&self) -> Result<(), StopError> {
        self.stop_with(Reason::Normal).await
    }

    pub(super) async fn stop_with(&self, reason: Reason) -> Result<(), StopError> {
        self.keeper.stop().reason(reason).await
    }

    /// Waits until the server has ended and the name was given back. Returns the reason.
    ///
    /// # Cancel safety
    ///
    /// It can be dropped and called again at any time.
    pub async fn ended(&self) -> Reason {
        self.keeper.ended().await
    }
}

impl<S: Clustered> Deref for NamedServer<S> {
    type Target = ServerRef<S>;

    fn deref(&self) -> &ServerRef<S> {
        &self.server
    }
}

impl<S: Clustered> AsProcess for NamedServer<S> {
    fn as_process(&self) -> Option<ProcessRef> {
        self.server.as_process()
    }
}

impl<S: Clustered> Clone for NamedServer<S> {
    fn clone(&self) -> Self {
        let (keeper, server, name) = (self.keeper.clone(), self.server.clone(), Arc::clone(&self.name));
        Self { keeper, server, fence: self.fence, name }
    }
}

impl<S: Clustered> fmt::Debug for NamedServer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamedServer")
            .field("name", &self.name)
            .field("server", &self.server)
            .field("fence", &self.fence)
            .finish_non_exhaustive()
    }
}
