//! Monitors of a server.

use crate::node::link;
use crate::node::process_ref::AsProcess;
use crate::server::GenServer;
use crate::server::context::{Cx, Watched};
use crate::values::monitor::{Down, MonitorRef};
use crate::values::pid::Pid;

impl<S: GenServer> Cx<S> {
    /// Monitors a process: when it ends, `make` turns the `Down` into an info. OTP's `monitor/2`.
    ///
    /// Each call creates a monitor of its own and delivers exactly one `Down`, after everything that process had sent to this
    /// one. If the process has ended or the name is not registered, it comes at once, with [`Reason::NoProc`](crate::Reason).
    /// `make` runs in this process when the `Down` is handled.
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
        self.watches(reference, pid, make);
        link::watch(reference, pid, process, self.erased());
        reference
    }

    /// Remembers which info the `Down` of a monitor becomes.
    pub(crate) fn watches(
        &mut self,
        reference: MonitorRef,
        pid: Pid,
        make: impl FnOnce(Down) -> S::Info + Send + 'static,
    ) {
        self.more().downs.insert(Watched { reference, pid, make: Box::new(make) });
    }

    /// Removes a monitor: nothing arrives from it after this, not even a `Down` that is already queued.
    ///
    /// Returns whether its `Down` had not been handled yet; false if it had, or if the monitor was removed before. This is OTP's
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
}
