//! What a server can do in a callback: its own reference, monitors, links, timers.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::exit::Exit;
use crate::monitor::{Down, MonitorRef};
use crate::pid::Pid;
use crate::process::{Process, Signal};
use crate::server::GenServer;
use crate::server_ref::ServerRef;

/// A server's side of its own process. Every callback gets it.
pub struct Cx<S: GenServer> {
    pub(crate) process: Arc<Process<S>>,
    more: Option<Box<More<S>>>,
}

/// What only some servers have.
struct More<S: GenServer> {
    downs: BTreeMap<MonitorRef, (Pid, Box<dyn FnOnce(Down) -> S::Info + Send>)>,
    exits: Option<Box<dyn FnMut(Exit) -> S::Info + Send>>,
    timers: BTreeMap<TimerRef, S::Info>,
}

/// A timer that was set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TimerRef(pub(crate) u64);

impl<S: GenServer> Cx<S> {
    pub(crate) fn new(process: Arc<Process<S>>) -> Self {
        Self { process, more: None }
    }

    /// The server's own reference.
    #[doc(alias = "self")]
    pub fn this(&self) -> ServerRef<S> {
        ServerRef::new(Arc::clone(&self.process))
    }

    /// The server's own pid.
    pub fn pid(&self) -> Pid {
        self.process.head.pid
    }

    pub(crate) fn note_step(&mut self, _replied: bool) {}

    pub(crate) fn unexpected_type<T>(&mut self) {}

    /// Makes a signal into the server's own info. Nothing, if it was called off before it was handled.
    pub(crate) fn translate(&mut self, signal: Signal<S>) -> Option<S::Info> {
        match signal {
            Signal::Down(down) => {
                let (_, make) = self.more.as_mut()?.downs.remove(&down.reference)?;
                Some(make(down))
            }
            Signal::Exit(exit) => self.more.as_mut()?.exits.as_mut().map(|make| make(exit)),
            Signal::Timer(timer) => self.more.as_mut()?.timers.remove(&timer),
            Signal::Attached(make) => Some(make()),
            Signal::Info(info) | Signal::Continue(info) => Some(info),
            Signal::Stop(_) | Signal::Idle | Signal::System(_) => None,
        }
    }
}
