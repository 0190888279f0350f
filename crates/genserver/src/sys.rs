//! Looking into a running server.

use crate::process::work::Actor;
use crate::reason::Reason;
use crate::server::GenServer;

/// How a state is shown.
#[derive(Debug, Default)]
pub struct Status {
    state: Option<String>,
}

/// A request that the library answers for the server, between two callbacks.
pub(crate) struct SystemRequest<S: GenServer>(pub(crate) Box<dyn FnOnce(&mut Actor<S>) -> Option<Reason> + Send>);

impl<S: GenServer> SystemRequest<S> {
    pub(crate) fn serve(self, actor: &mut Actor<S>) -> Option<Reason> {
        (self.0)(actor)
    }
}
