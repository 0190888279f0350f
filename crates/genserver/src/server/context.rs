//! What a server can do in a callback: its own reference, monitors, links, exits, timers, streams.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;

use crate::node::any_process::AnyProcess;
use crate::node::dense::{Dense, Keyed};
use crate::node::process_ref::AsProcess;
use crate::process::envelope::Signal;
use crate::process::mail::Process;
use crate::process::noted;
use crate::report::SentBy;
use crate::server::GenServer;
use crate::values::exit::Exit;
use crate::values::monitor::{Down, MonitorRef};
use crate::values::pid::Pid;
pub use timers::TimerRef;

// Pid, name, node and clock of the server.
mod identity;
// Monitors, and starts of servers that are linked or monitored.
mod monitors;
// Links and trapped exits.
mod links;
// Attached streams.
mod streams;
// Timers.
pub(crate) mod timers;

use streams::Attached;
use timers::OwnTimerEntry;

/// The context of a server's callbacks: a handle to its own process.
///
/// It sets up everything that can arrive besides calls and casts. Each function is told which [`Info`](GenServer::Info) the
/// event becomes: it takes a function for a `Down`, an exit or a stream's item, and the message itself for a timer. A variant of
/// the server's own enum is such a function.
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
/// use genserver::Down;
/// use std::time::Duration;
///
/// # struct Guard;
/// enum Info {
///     Down(Down),
///     Tick,
/// }
/// # impl GenServer for Guard {
/// # type Args = ProcessRef;
/// # type Call = Never;
/// # type Cast = Never;
/// # type Info = Info;
///
/// async fn init(guarded: ProcessRef, cx: &mut Cx<Self>) -> Init<Self> {
///     cx.monitor(&guarded, Info::Down);
///     cx.send_after(Duration::from_secs(60), Info::Tick);
///     Init::Run(Guard)
/// }
/// # async fn handle_info(&mut self, info: Info, _cx: &mut Cx<Self>) -> Outcome<Self> {
/// #     match info { Info::Down(down) => Next::stop(down.reason), Info::Tick => Next::wait() }
/// # }
/// # }
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// # let probe = Probe::<()>::new();
/// # let guard = genserver::start::<Guard>(probe.process_ref()).await.unwrap();
/// # drop(probe);
/// # assert_eq!(guard.ended().await, Reason::Normal);
/// # }
/// ```
pub struct Cx<S: GenServer> {
    pub(crate) process: Arc<Process<S>>,
    more: Option<Box<More<S>>>,
    /// What `sys` has switched on at this server; usually `None`.
    pub(crate) debug: Option<Box<crate::server::debug::Debug>>,
    /// Who sent the message whose callback is about to begin, with the feature `tracing`.
    pub(crate) sent_by: SentBy,
}

/// Makes a `Down` into the server's own info.
type DownInfo<S> = Box<dyn FnOnce(Down) -> <S as GenServer>::Info + Send>;

/// A monitor that is set: the watched process, and the info that its `Down` becomes.
struct Watched<S: GenServer> {
    reference: MonitorRef,
    pid: Pid,
    make: DownInfo<S>,
}

impl<S: GenServer> Keyed for Watched<S> {
    type Key = MonitorRef;

    fn key(&self) -> MonitorRef {
        self.reference
    }
}

/// The parts that only some servers use.
struct More<S: GenServer> {
    /// The process that each monitor watches, and the info that its `Down` becomes.
    downs: Dense<Watched<S>>,
    exits: Option<Box<dyn FnMut(Exit) -> S::Info + Send>>,
    timers: Dense<OwnTimerEntry<S>>,
    attached: Dense<Attached<S>>,
}

impl<S: GenServer> Default for More<S> {
    fn default() -> Self {
        Self { downs: Dense::default(), exits: None, timers: Dense::default(), attached: Dense::default() }
    }
}

impl<S: GenServer> Cx<S> {
    pub(crate) fn new(process: Arc<Process<S>>) -> Self {
        Self { process, more: None, debug: None, sent_by: SentBy::NONE }
    }

    fn more(&mut self) -> &mut More<S> {
        self.more.get_or_insert_default()
    }

    pub(crate) fn next_reference(&self) -> NonZeroU64 {
        self.node().next_reference()
    }

    pub(crate) fn erased(&self) -> Arc<dyn AnyProcess> {
        self.process.erased()
    }

    /// Turns a signal into the server's own info. `None` if it was cancelled before it was handled.
    pub(crate) fn translate(&mut self, signal: Signal<S>) -> Option<S::Info> {
        match signal {
            Signal::Down(down) => {
                noted::down_taken(&self.process, down.reference);
                let watched = self.more.as_mut()?.downs.remove(down.reference)?;
                Some((watched.make)(down))
            }
            Signal::Exit(exit, number) => {
                // An exit that was flushed is no longer in the set.
                if number.is_some_and(|number| !self.process.take_queued_exit(exit.from, number)) {
                    return None;
                }
                self.more.as_mut()?.exits.as_mut().map(|make| make(exit))
            }
            Signal::Timer(timer) => self.fire(timer),
            Signal::Attached(reference, item) => {
                let attached = self.more.as_mut()?.attached.get_mut(reference)?;
                let info = (attached.make)(item);
                attached.gate.open();
                info
            }
            Signal::Info(info) | Signal::Continue(info) => Some(info),
            Signal::Stop(_) | Signal::Idle | Signal::System(_) => None,
        }
    }
}

// The context is dropped with its server, and cancels what the server has set up.
impl<S: GenServer> Drop for Cx<S> {
    fn drop(&mut self) {
        let Some(more) = self.more.take() else { return };
        for watched in more.downs.iter() {
            if let Some(process) = watched.pid.as_process() {
                process.process().demonitor(watched.reference, self.process.head.pid.node());
            }
        }
        for entry in more.timers.iter() {
            self.process.head.home.alarm().cancel(entry.key);
        }
        for attached in more.attached.iter() {
            attached.gate.close();
        }
    }
}

impl<S: GenServer> fmt::Debug for Cx<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cx({})", self.process.head.title())
    }
}
