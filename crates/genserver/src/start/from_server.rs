//! Starting a server from a server's own callback.

use crate::node::process_ref::ProcessRef;
use crate::server::GenServer;
use crate::server::context::Cx;
use crate::start::{Start, StartMonitor, start};
use crate::values::monitor::Down;
use crate::values::monitor::MonitorRef;

impl<S: GenServer> Cx<S> {
    /// Starts a server linked to this one: OTP's `start_link`. See [`Start`].
    ///
    /// # Cancel safety
    ///
    /// As [`start_link`](crate::start_link).
    ///
    /// # Errors
    ///
    /// As [`start`](crate::start()). If a linked start fails, only this error says so: no exit follows.
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

    /// Starts a server monitored by this one: OTP's `start_monitor`. See [`StartMonitor`].
    ///
    /// The monitor exists before the server runs. If the start fails, the monitor is removed.
    ///
    /// # Cancel safety
    ///
    /// As [`start`](crate::start()); the monitor is removed.
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
    ///     let start = cx.start_monitor::<Quiet>((), Info::Down);
    ///     let (quiet, _reference) = start.await.expect("it has an easy init");
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

    /// A start whose server this one monitors.
    pub(crate) fn watch_start<T: GenServer, H>(
        &mut self,
        start: Start<T, H>,
        make: impl FnOnce(Down) -> S::Info + Send + 'static,
    ) -> StartMonitor<'_, T, H> {
        let reference = MonitorRef(self.next_reference());
        let watcher = ProcessRef::new(self.erased());
        let mut make = Some(make);
        StartMonitor::new(start, reference, watcher, move |pid| {
            if let Some(make) = make.take() {
                self.watches(reference, pid, make);
            }
        })
    }
}
