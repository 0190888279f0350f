//! What a server can do in a callback: its own reference, monitors, links, exits, timers, streams.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::attach::AttachRef;
use crate::exit::Exit;
use crate::link;
use crate::monitor::{Down, MonitorRef};
use crate::name::Name;
use crate::node::Node;
use crate::pid::Pid;
use crate::process::{AnyProcess, ExitKind, Process, Signal};
use crate::process_ref::{AsProcess, ProcessRef};
use crate::server::GenServer;
use crate::server_ref::ServerRef;
use crate::start::{Start, StartMonitor, start};
use crate::timer::TimerRef;

// Links and trapped exits.
mod links;
// Attached streams.
mod streams;
// Timers.
mod timers;

use streams::Attached;
use timers::OwnTimerEntry;

/// A server's side of its own process: every callback gets it.
///
/// What can arrive besides calls and casts is arranged here, and each arrangement names the [`Info`](GenServer::Info) it
/// arrives as: a function for a `Down`, an exit or a stream's item, the message itself for a timer. A variant of the server's
/// own enum is such a function.
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
    /// What `sys` has switched on at this server; nothing at most.
    pub(crate) debug: Option<Box<crate::sys::Debug>>,
}

/// Makes a `Down` into the server's own info.
type DownInfo<S> = Box<dyn FnOnce(Down) -> <S as GenServer>::Info + Send>;

/// What only some servers have.
struct More<S: GenServer> {
    /// Whom each monitor watches, and what the server makes of its `Down`.
    downs: BTreeMap<MonitorRef, (Pid, DownInfo<S>)>,
    exits: Option<Box<dyn FnMut(Exit) -> S::Info + Send>>,
    timers: BTreeMap<TimerRef, OwnTimerEntry<S>>,
    attached: BTreeMap<AttachRef, Attached<S>>,
}

impl<S: GenServer> Default for More<S> {
    fn default() -> Self {
        Self { downs: BTreeMap::new(), exits: None, timers: BTreeMap::new(), attached: BTreeMap::new() }
    }
}

impl<S: GenServer> Cx<S> {
    pub(crate) fn new(process: Arc<Process<S>>) -> Self {
        Self { process, more: None, debug: None }
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
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/watcher.rs"));
    /// # watcher! { ();
    /// async fn init((): (), cx: &mut Cx<Self>) -> Init<Self> {
    ///     let this = cx.this();
    ///     tokio::spawn(async move { this.send(Info::Line("from a task of its own")) });
    ///     Init::Run(Watcher::default())
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let watcher = genserver::start::<Watcher>(()).await?;
    /// tokio::task::yield_now().await;
    /// assert_eq!(watcher.call(Heard).await?, ["line from a task of its own"]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "self")]
    pub fn this(&self) -> ServerRef<S> {
        ServerRef::new(Arc::clone(&self.process))
    }

    /// The server's own pid.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/watcher.rs"));
    /// # watcher! { Pid;
    /// async fn init(starter: Pid, cx: &mut Cx<Self>) -> Init<Self> {
    ///     assert_ne!(cx.pid(), starter);
    ///     Init::Run(Watcher::default())
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let probe = Probe::<()>::new();
    /// genserver::start::<Watcher>(probe.pid()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn pid(&self) -> Pid {
        self.process.head.pid
    }

    /// The name it was started with, if it was.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/watcher.rs"));
    /// # watcher! { ();
    /// async fn init((): (), cx: &mut Cx<Self>) -> Init<Self> {
    ///     assert_eq!(cx.name(), Some(&"watcher".into()));
    ///     Init::Run(Watcher::default())
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// genserver::start::<Watcher>(()).name("watcher").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn name(&self) -> Option<&Name> {
        self.process.head.name()
    }

    /// The node it lives in.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/watcher.rs"));
    /// # watcher! { ();
    /// async fn init((): (), cx: &mut Cx<Self>) -> Init<Self> {
    ///     assert!(cx.node().whereis("watcher").is_some());
    ///     Init::Run(Watcher::default())
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// Node::new().start::<Watcher>(()).name("watcher").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn node(&self) -> &Node {
        self.process.head.home.node()
    }

    /// What time it is for this server: the runtime's clock, which a simulation or a paused test moves.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/watcher.rs"));
    /// # watcher! { ();
    /// async fn init((): (), cx: &mut Cx<Self>) -> Init<Self> {
    ///     let begun = cx.now();
    ///     tokio::time::sleep(Duration::from_secs(1)).await;
    ///     assert!(cx.now() >= begun + Duration::from_secs(1));
    ///     Init::Run(Watcher::default())
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// genserver::start::<Watcher>(()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn now(&self) -> Instant {
        self.process.head.home.runtime().now()
    }

    /// Watches a process: when it ends, `make` makes the `Down` into an info. OTP's `monitor/2`.
    ///
    /// Each call is a monitor of its own and brings exactly one `Down`, behind everything that process had sent to this one.
    /// For a process that has ended, or a name that nobody has, it comes at once, with [`Reason::NoProc`](crate::Reason).
    /// `make` runs here, when the `Down` has its turn.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/watcher.rs"));
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/quiet.rs"));
    /// # watcher! { ProcessRef;
    /// async fn init(target: ProcessRef, cx: &mut Cx<Self>) -> Init<Self> {
    ///     cx.monitor(&target, Info::Down);
    ///     Init::Run(Watcher(Vec::new()))
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let quiet = genserver::start::<Quiet>(()).await?;
    /// let watcher = genserver::start::<Watcher>(quiet.process_ref()).await?;
    /// quiet.stop().await?;
    /// assert_eq!(watcher.call(Heard).await?, ["down normal"]);
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/watcher.rs"));
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/quiet.rs"));
    /// # watcher! { ProcessRef;
    /// async fn init(target: ProcessRef, cx: &mut Cx<Self>) -> Init<Self> {
    ///     let reference = cx.monitor(&target, Info::Down);
    ///     assert!(cx.demonitor(reference));
    ///     Init::Run(Watcher(Vec::new()))
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let quiet = genserver::start::<Quiet>(()).await?;
    /// let watcher = genserver::start::<Watcher>(quiet.process_ref()).await?;
    /// quiet.stop().await?;
    /// assert!(watcher.call(Heard).await?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn demonitor(&mut self, reference: MonitorRef) -> bool {
        let Some((pid, _)) = self.more.as_mut().and_then(|more| more.downs.remove(&reference)) else { return false };
        if let Some(process) = pid.as_process() {
            process.process().demonitor(reference);
        }
        true
    }

    /// Starts a server linked to this one: OTP's `start_link`. See [`Start`].
    ///
    /// # Cancel safety
    ///
    /// Dropping a start that is under way kills the process.
    ///
    /// # Errors
    ///
    /// As [`start`](crate::start()). The failure of a linked start is told by its error alone: no exit comes besides.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/watcher.rs"));
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/quiet.rs"));
    /// # watcher! { ();
    /// async fn init((): (), cx: &mut Cx<Self>) -> Init<Self> {
    ///     cx.trap_exits(Info::Exit);
    ///     let quiet = cx.start_link::<Quiet>(()).await.expect("it has an easy init");
    ///     quiet.exit(Reason::Shutdown);
    ///     Init::Run(Watcher(Vec::new()))
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let watcher = genserver::start::<Watcher>(()).await?;
    /// # tokio::time::sleep(Duration::from_millis(1)).await;
    /// assert_eq!(watcher.call(Heard).await?, ["exit shutdown"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn start_link<T: GenServer>(&self, args: T::Args) -> Start<T> {
        start(args).linked_to(self.process_ref())
    }

    /// Starts a server watched by this one: OTP's `start_monitor`. See [`StartMonitor`].
    ///
    /// The monitor is there before the server runs, and a start that fails leaves nothing of it behind.
    ///
    /// # Cancel safety
    ///
    /// Dropping a start that is under way kills the process, and takes the monitor back.
    ///
    /// # Errors
    ///
    /// As [`start`](crate::start()).
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/watcher.rs"));
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/quiet.rs"));
    /// # watcher! { ();
    /// async fn init((): (), cx: &mut Cx<Self>) -> Init<Self> {
    ///     let (quiet, _reference) = cx.start_monitor::<Quiet>((), Info::Down).await.expect("it has an easy init");
    ///     quiet.kill();
    ///     Init::Run(Watcher(Vec::new()))
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let watcher = genserver::start::<Watcher>(()).await?;
    /// # tokio::time::sleep(Duration::from_millis(1)).await;
    /// assert_eq!(watcher.call(Heard).await?, ["down killed"]);
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/watcher.rs"));
    /// # watcher! { ();
    /// async fn init((): (), cx: &mut Cx<Self>) -> Init<Self> {
    ///     assert_eq!(cx.process_ref().pid(), cx.pid());
    ///     Init::Run(Watcher::default())
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// genserver::start::<Watcher>(()).await?;
    /// # Ok(())
    /// # }
    /// ```
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
