//! Monitors of a server, and the servers that it starts.

use crate::context::{Cx, Watched};
use crate::link;
use crate::monitor::{Down, MonitorRef};
use crate::process_ref::{AsProcess, ProcessRef};
use crate::server::GenServer;
use crate::start::{Start, StartMonitor, start};

impl<S: GenServer> Cx<S> {
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
    /// # use genserver_doc::quiet::*;
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
        self.more().downs.insert(Watched { reference, pid, make: Box::new(make) });
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
    /// # use genserver_doc::quiet::*;
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
        let Some(watched) = self.more.as_mut().and_then(|more| more.downs.remove(reference)) else { return false };
        if let Some(process) = watched.pid.as_process() {
            process.process().demonitor(reference, self.pid().node());
        }
        true
    }

    /// Starts a server linked to this one: OTP's `start_link`. See [`Start`].
    ///
    /// # Cancel safety
    ///
    /// As [`start_link`](crate::start_link).
    ///
    /// # Errors
    ///
    /// As [`start`](crate::start()). The failure of a linked start is told by its error alone: no exit comes besides.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/watcher.rs"));
    /// # use genserver_doc::quiet::*;
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
    /// As [`start`](crate::start()); the monitor is taken back.
    ///
    /// # Errors
    ///
    /// As [`start`](crate::start()).
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/watcher.rs"));
    /// # use genserver_doc::quiet::*;
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
        self.watch_start(start(args), make)
    }

    /// A start whose server this one watches.
    pub(crate) fn watch_start<T: GenServer, H>(
        &mut self,
        start: Start<T, H>,
        make: impl FnOnce(Down) -> S::Info + Send + 'static,
    ) -> StartMonitor<'_, T, H> {
        let reference = MonitorRef(self.next_reference());
        let watcher = self.erased();
        let more = self.more();
        let mut make = Some(make);
        StartMonitor::new(start, reference, ProcessRef::new(watcher), move |pid| {
            if let Some(make) = make.take() {
                more.downs.insert(Watched { reference, pid, make: Box::new(make) });
            }
        })
    }
}
