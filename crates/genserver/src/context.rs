//! What a server can do in a callback: its own reference, monitors, links, exits, timers, streams.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::Stream;

use crate::alarm::AlarmKey;
use crate::attach::{AttachRef, Gate, Item, Pump};
use crate::exit::Exit;
use crate::link::{self, LinkError};
use crate::monitor::{Down, MonitorRef};
use crate::name::Name;
use crate::node::Node;
use crate::pid::Pid;
use crate::process::{AnyProcess, ExitKind, Process, Signal};
use crate::process_ref::{AsProcess, ProcessRef};
use crate::server::GenServer;
use crate::server_ref::ServerRef;
use crate::start::{Start, StartMonitor, start};
use crate::timer::{self, OwnTimer, TimerRef};

/// A server's side of its own process: every callback gets it.
///
/// What can arrive besides calls and casts is arranged here, and each arrangement names the [`Info`](GenServer::Info) it
/// arrives as: a function for a `Down`, an exit or a stream's item, the message itself for a timer. A variant of the server's
/// own enum is such a function.
pub struct Cx<S: GenServer> {
    pub(crate) process: Arc<Process<S>>,
    more: Option<Box<More<S>>>,
}

/// What only some servers have.
struct More<S: GenServer> {
    downs: BTreeMap<MonitorRef, (Pid, Box<dyn FnOnce(Down) -> S::Info + Send>)>,
    exits: Option<Box<dyn FnMut(Exit) -> S::Info + Send>>,
    timers: BTreeMap<TimerRef, OwnTimerEntry<S>>,
    attached: BTreeMap<AttachRef, Attached<S>>,
}

impl<S: GenServer> Default for More<S> {
    fn default() -> Self {
        Self { downs: BTreeMap::new(), exits: None, timers: BTreeMap::new(), attached: BTreeMap::new() }
    }
}

struct OwnTimerEntry<S: GenServer> {
    key: AlarmKey,
    alarmed: Arc<OwnTimer<S>>,
    message: TimerMessage<S>,
}

enum TimerMessage<S: GenServer> {
    Once(S::Info),
    Every(Duration, Box<dyn FnMut() -> S::Info + Send>),
}

struct Attached<S: GenServer> {
    make: Box<dyn FnMut(Item) -> Option<S::Info> + Send>,
    gate: Arc<Gate>,
}

impl<S: GenServer> Cx<S> {
    pub(crate) fn new(process: Arc<Process<S>>) -> Self {
        Self { process, more: None }
    }

    fn more(&mut self) -> &mut More<S> {
        self.more.get_or_insert_default()
    }

    fn next_reference(&self) -> u64 {
        self.node().next_reference()
    }

    fn erased(&self) -> Arc<dyn AnyProcess> {
        Arc::clone(&self.process) as Arc<dyn AnyProcess>
    }

    /// The server's own reference: OTP's `self()`.
    #[doc(alias = "self")]
    pub fn this(&self) -> ServerRef<S> {
        ServerRef::new(Arc::clone(&self.process))
    }

    /// The server's own pid.
    pub fn pid(&self) -> Pid {
        self.process.head.pid
    }

    /// The name it was started with, if it was.
    pub fn name(&self) -> Option<&Name> {
        self.process.head.name()
    }

    /// The node it lives in.
    pub fn node(&self) -> &Node {
        self.process.head.home.node()
    }

    /// What time it is for this server: the runtime's clock, which a simulation or a paused test moves.
    pub fn now(&self) -> Instant {
        self.process.head.home.runtime().now()
    }

    /// Watches a process: when it ends, `make` makes the `Down` into an info. OTP's `monitor/2`.
    ///
    /// Each call is a monitor of its own and brings exactly one `Down`, behind everything that process had sent to this one.
    /// For a process that has ended, or a name that nobody has, it comes at once, with [`Reason::NoProc`](crate::Reason).
    /// `make` runs here, when the `Down` has its turn.
    pub fn monitor(
        &mut self,
        target: &impl AsProcess,
        make: impl FnOnce(Down) -> S::Info + Send + 'static,
    ) -> MonitorRef {
        let reference = MonitorRef(self.next_reference());
        let process = target.as_process();
        let pid = target.pid_or_nobody();
        self.more().downs.insert(reference, (pid, Box::new(make)));
        link::watch(reference, pid, process, self.erased());
        reference
    }

    /// Takes a monitor back: nothing arrives from it after this, not even a `Down` that is queued already.
    ///
    /// Returns whether it was still to be handled; false if its `Down` has been, or it was taken back before. It is OTP's
    /// `demonitor` with `flush` and `info`.
    pub fn demonitor(&mut self, reference: MonitorRef) -> bool {
        let Some((pid, _)) = self.more.as_mut().and_then(|more| more.downs.remove(&reference)) else { return false };
        if let Some(process) = pid.as_process() {
            process.process().demonitor(reference);
        }
        true
    }

    /// Links this process with another: when one ends, the other gets its exit. OTP's `link/1`.
    ///
    /// There is at most one link between two processes, and a link with oneself is none.
    ///
    /// # Errors
    ///
    /// [`LinkError`] if the other has ended and this process does not trap exits. If it does, the exit arrives, with
    /// [`Reason::NoProc`](crate::Reason).
    pub fn link(&mut self, target: &impl AsProcess) -> Result<(), LinkError> {
        link::link(&self.erased(), target)
    }

    /// Takes a link away, on both sides. An exit that is queued already is still handled: see
    /// [`unlink_flush`](Cx::unlink_flush).
    ///
    /// Returns whether there was a link.
    pub fn unlink(&mut self, target: &impl AsProcess) -> bool {
        link::unlink(&self.erased(), target)
    }

    /// Takes a link away, and its exit too if that is queued already: nothing arrives from it after this.
    ///
    /// Returns whether an exit was thrown away.
    pub fn unlink_flush(&mut self, target: &impl AsProcess) -> bool {
        self.unlink(target);
        self.process.take_queued_exit(target.pid_or_nobody())
    }

    /// Traps exits from now on: `make` makes each exit signal into an info. OTP's `process_flag(trap_exit, true)`.
    ///
    /// Whether exits are trapped is looked up when a signal arrives. Not trapped are `kill`, and the exit of the process that
    /// started this one linked: that is an order to stop, and terminate runs.
    #[doc(alias = "process_flag")]
    pub fn trap_exits(&mut self, make: impl FnMut(Exit) -> S::Info + Send + 'static) {
        self.more().exits = Some(Box::new(make));
        self.process.set_traps_exits(true);
    }

    /// Traps exits no longer. What has been trapped before still arrives.
    pub fn untrap_exits(&mut self) {
        self.process.set_traps_exits(false);
    }

    /// Sends this server `info` when `delay` has passed: OTP's `send_after(Time, self(), Msg)`.
    ///
    /// It is a timer, not a silence: other messages do not put it off. It never comes early.
    pub fn send_after(&mut self, delay: Duration, info: S::Info) -> TimerRef {
        let at = timer::at(&self.process.head.home, delay);
        self.send_at(at, info)
    }

    /// Sends this server `info` when `at` has come.
    pub fn send_at(&mut self, at: Instant, info: S::Info) -> TimerRef {
        self.set_timer(at, TimerMessage::Once(info))
    }

    /// Sends this server an info every `period`, the first when one has passed: OTP's `send_interval`.
    ///
    /// `make` makes each one, here, when it has its turn. At most one is queued at a time; ticks that a busy server cannot
    /// take are left out. A period of nothing is taken as a millisecond.
    #[doc(alias = "send_interval")]
    pub fn send_every(&mut self, period: Duration, make: impl FnMut() -> S::Info + Send + 'static) -> TimerRef {
        let period = period.max(Duration::from_millis(1));
        let at = timer::at(&self.process.head.home, period);
        self.set_timer(at, TimerMessage::Every(period, Box::new(make)))
    }

    fn set_timer(&mut self, at: Instant, message: TimerMessage<S>) -> TimerRef {
        let timer = TimerRef(self.next_reference());
        let alarmed = Arc::new(OwnTimer { process: Arc::clone(&self.process), timer, queued: AtomicBool::new(false) });
        let key = timer::set(&self.process.head.home, at, Arc::clone(&alarmed) as Arc<_>);
        self.more().timers.insert(timer, OwnTimerEntry { key, alarmed, message });
        timer
    }

    /// Calls a timer off: how long it still had to go; nothing if it is unknown or has been handled.
    ///
    /// A timer that is due and queued, but not handled, had nothing to go; it is called off too. Nothing arrives after this.
    pub fn cancel_timer(&mut self, timer: TimerRef) -> Option<Duration> {
        let entry = self.more.as_mut()?.timers.remove(&timer)?;
        self.process.head.home.alarm().cancel(entry.key);
        Some(entry.key.0.saturating_duration_since(self.now()))
    }

    /// How long a timer still has to go; nothing if it is unknown or has been handled.
    pub fn read_timer(&self, timer: TimerRef) -> Option<Duration> {
        let entry = self.more.as_ref()?.timers.get(&timer)?;
        Some(entry.key.0.saturating_duration_since(self.now()))
    }

    /// Draws a stream: each item arrives as the info that `make` makes of it.
    ///
    /// One item at a time is in the mailbox, and the next is drawn when it has been handled, so a fast stream waits for the
    /// server. The end of the stream is silent; to hear of it, chain an item that says so. The stream is dropped when the server
    /// ends or [detaches](Cx::detach) it.
    pub fn attach<T: Send + 'static>(
        &mut self,
        stream: impl Stream<Item = T> + Send + 'static,
        mut make: impl FnMut(T) -> S::Info + Send + 'static,
    ) -> AttachRef {
        let reference = AttachRef(self.next_reference());
        let gate = Arc::new(Gate::default());
        let unpack = move |item: Item| item.downcast::<T>().ok().map(|item| make(*item));
        self.more().attached.insert(reference, Attached { make: Box::new(unpack), gate: Arc::clone(&gate) });
        let process = Arc::clone(&self.process);
        let pump = Pump { process, stream: Box::pin(stream), reference, gate, ended: None };
        self.process.head.home.runtime().spawn(Box::pin(pump));
        reference
    }

    /// Lets go of a stream. Nothing arrives from it after this. Returns whether it was attached.
    pub fn detach(&mut self, reference: AttachRef) -> bool {
        let attached = self.more.as_mut().and_then(|more| more.attached.remove(&reference));
        attached.is_some_and(|attached| {
            attached.gate.close();
            true
        })
    }

    /// Starts a server linked to this one: OTP's `start_link`. See [`Start`].
    pub fn start_link<T: GenServer>(&self, args: T::Args) -> Start<T> {
        start(args).linked_to(self.process_ref())
    }

    /// Starts a server watched by this one: OTP's `start_monitor`. See [`StartMonitor`].
    ///
    /// The monitor is there before the server runs, and a start that fails leaves nothing of it behind.
    pub fn start_monitor<T: GenServer>(
        &mut self,
        args: T::Args,
        make: impl FnOnce(Down) -> S::Info + Send + 'static,
    ) -> StartMonitor<'_, T> {
        let reference = MonitorRef(self.next_reference());
        let watcher = self.erased();
        let more = self.more();
        let mut make = Some(make);
        StartMonitor::new(start(args).monitored_by(reference, ProcessRef::new(watcher)), reference, move |pid| {
            if let Some(make) = make.take() {
                more.downs.insert(reference, (pid, Box::new(make)));
            }
        })
    }

    /// This process without its type.
    pub fn process_ref(&self) -> ProcessRef {
        ProcessRef::new(self.erased())
    }

    /// Makes a signal into the server's own info. Nothing, if it was called off before it was handled.
    pub(crate) fn translate(&mut self, signal: Signal<S>) -> Option<S::Info> {
        match signal {
            Signal::Down(down) => {
                let (_, make) = self.more.as_mut()?.downs.remove(&down.reference)?;
                Some(make(down))
            }
            Signal::Exit(exit, kind) => {
                // A linked process's exit that was flushed is not in the set any more.
                if kind == ExitKind::Link && !self.process.take_queued_exit(exit.from) {
                    return None;
                }
                self.more.as_mut()?.exits.as_mut().map(|make| make(exit))
            }
            Signal::Timer(timer) => self.fire(timer),
            Signal::Attached(reference, item) => {
                let attached = self.more.as_mut()?.attached.get_mut(&reference)?;
                let info = (attached.make)(item);
                attached.gate.open();
                info
            }
            Signal::Info(info) | Signal::Continue(info) => Some(info),
            Signal::Stop(_) | Signal::Idle | Signal::System(_) => None,
        }
    }

    /// The message of a timer that is due. An interval is set again, on its own grid.
    fn fire(&mut self, timer: TimerRef) -> Option<S::Info> {
        let home = Arc::clone(&self.process.head.home);
        let timers = &mut self.more.as_mut()?.timers;
        match timers.remove(&timer)? {
            OwnTimerEntry { message: TimerMessage::Once(info), .. } => Some(info),
            OwnTimerEntry { key, alarmed, message: TimerMessage::Every(period, mut make) } => {
                let now = home.runtime().now();
                let mut at = key.0 + period;
                if at <= now {
                    let missed = now.saturating_duration_since(key.0).as_nanos() / period.as_nanos();
                    at = key.0 + period * u32::try_from(missed + 1).unwrap_or(u32::MAX);
                }
                alarmed.queued.store(false, Ordering::Relaxed);
                let key = timer::set(&home, at, Arc::clone(&alarmed) as Arc<_>);
                let info = make();
                let entry = OwnTimerEntry { key, alarmed, message: TimerMessage::Every(period, make) };
                self.more.as_mut()?.timers.insert(timer, entry);
                Some(info)
            }
        }
    }

    pub(crate) fn unexpected_type<T>(&mut self) {}
}

/// A context goes with its server: what it had arranged is called off.
impl<S: GenServer> Drop for Cx<S> {
    fn drop(&mut self) {
        let Some(more) = self.more.take() else { return };
        for (reference, (pid, _)) in &more.downs {
            if let Some(process) = pid.as_process() {
                process.process().demonitor(*reference);
            }
        }
        for entry in more.timers.values() {
            self.process.head.home.alarm().cancel(entry.key);
        }
        for attached in more.attached.values() {
            attached.gate.close();
        }
    }
}

impl<S: GenServer> fmt::Debug for Cx<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cx({})", self.process.head.title())
    }
}
