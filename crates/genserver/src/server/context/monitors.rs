//! Monitors of a server.

use crate::node::link;
use crate::node::process_ref::AsProcess;
use crate::server::GenServer;
use crate::server::context::{Cx, Watched};
use crate::values::monitor::{Down, MonitorRef};
use crate::values::pid::Pid;

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
        self.watches(reference, pid, make);
        link::watch(reference, pid, process, self.erased());
        reference
    }

    /// Notes what the `Down` of a monitor becomes.
    pub(crate) fn watches(
        &mut self,
        reference: MonitorRef,
        pid: Pid,
        make: impl FnOnce(Down) -> S::Info + Send + 'static,
    ) {
        self.more().downs.insert(Watched { reference, pid, make: Box::new(make) });
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
}
