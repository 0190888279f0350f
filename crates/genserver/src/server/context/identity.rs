//! The server's own pid, name, node and clock.

use std::time::{Instant, SystemTime};

use crate::node::Node;
use crate::node::name::Name;
use crate::node::process_ref::ProcessRef;
use crate::server::GenServer;
use crate::server::context::Cx;
use crate::values::pid::Pid;

impl<S: GenServer> Cx<S> {
    /// The server's own pid.
    pub fn pid(&self) -> Pid {
        self.process.head.pid
    }

    /// The name it was started with, if any.
    pub fn name(&self) -> Option<&Name> {
        self.process.head.name()
    }

    /// The node it lives in.
    pub fn node(&self) -> &Node {
        self.process.head.home.node()
    }

    /// The current time for this server: the runtime's clock, which a simulation or a paused test controls.
    pub fn now(&self) -> Instant {
        self.process.head.home.runtime().now()
    }

    /// The current date and time for this server: see [`time::system_now`](crate::time::system_now).
    pub fn system_now(&self) -> SystemTime {
        self.process.head.home.runtime().system_time()
    }

    /// An untyped reference to this process.
    pub fn process_ref(&self) -> ProcessRef {
        ProcessRef::new(self.erased())
    }
}
