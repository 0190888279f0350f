//! References to servers.

use std::fmt;
use std::sync::Arc;

use crate::call::Call;
use crate::caller::Caller;
use crate::cast::{CastError, CastWait, unpack};
use crate::pid::Pid;
use crate::process::{AnyProcess, Envelope, Process};
use crate::reason::Reason;
use crate::server::GenServer;
use crate::stop::Stop;

/// A reference to a server.
pub struct ServerRef<S: GenServer> {
    process: Arc<Process<S>>,
}

impl<S: GenServer> ServerRef<S> {
    pub(crate) fn new(process: Arc<Process<S>>) -> Self {
        Self { process }
    }

    pub(crate) fn process(&self) -> &Arc<Process<S>> {
        &self.process
    }

    /// The server's pid.
    pub fn pid(&self) -> Pid {
        self.process.head.pid
    }

    /// Asks, and waits for the answer.
    pub fn call<R: Send + 'static, F: FnOnce(Caller<R>) -> S::Call>(&self, make: F) -> Call<'_, S, R, F> {
        Call::new(self, make)
    }

    /// Tells, and does not wait.
    pub fn cast(&self, cast: S::Cast) -> Result<(), CastError<S::Cast>> {
        self.process.push(Envelope::Cast(cast)).map_err(|(refused, cast)| CastError::new(refused, unpack(cast)))
    }

    /// Tells, and waits until the mailbox has room.
    pub fn cast_wait(&self, cast: S::Cast) -> CastWait<'_, S> {
        CastWait::new(&self.process, cast)
    }

    /// Stops the server in order, and waits until everybody has been told.
    pub fn stop(&self) -> Stop {
        Stop::new(Arc::clone(&self.process) as Arc<dyn AnyProcess>, Reason::Normal)
    }

    /// Whether the server takes messages.
    pub fn is_alive(&self) -> bool {
        self.process.is_alive()
    }
}

impl<S: GenServer> Clone for ServerRef<S> {
    fn clone(&self) -> Self {
        Self { process: Arc::clone(&self.process) }
    }
}

impl<S: GenServer> fmt::Debug for ServerRef<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerRef({})", self.process.head.title())
    }
}
