//! A probe's ties to other processes: monitors, links, exits, and the servers that it starts.

use std::sync::Arc;

use crate::node::current;
use crate::node::link::{self, LinkError};
use crate::node::process_ref::AsProcess;
use crate::process::plain::Plain;
use crate::server::GenServer;
use crate::start::probe::Probe;
use crate::start::{Start, StartMonitor, start};
use crate::values::monitor::MonitorRef;
use crate::values::pid::Pid;
use crate::values::reason::Reason;

impl<M: Send + 'static> Probe<M> {
    /// Monitors a process: its `Down` arrives as a [`Letter::Down`](crate::Letter::Down). See
    /// [`Cx::monitor`](crate::Cx::monitor).
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// use genserver::{Probe, Reason};
    ///
    /// let mut probe = Probe::<()>::new();
    /// let server = genserver::start::<Quiet>(()).await?;
    /// let reference = probe.monitor(&server);
    /// server.kill();
    /// assert_eq!(probe.expect_down(reference).await.reason, Reason::Killed);
    /// # }
    /// ```
    pub fn monitor(&mut self, target: &impl AsProcess) -> MonitorRef {
        let reference = MonitorRef(self.process.head.home.node().next_reference());
        let pid = target.pid_or_nobody();
        self.process.expect_down(reference, pid);
        link::watch(reference, pid, target.as_process(), self.erased());
        reference
    }

    /// Removes a monitor, and its `Down` if that is in the mailbox: OTP's `demonitor` with `flush` and
    /// `info`. Returns whether the monitor existed, or its `Down` was discarded.
    pub fn demonitor(&mut self, reference: MonitorRef) -> bool {
        let Some(pid) = self.process.forget_down(reference) else { return false };
        if let Some(process) = pid.as_process() {
            process.process().demonitor(reference, self.pid().node());
        }
        true
    }

    /// Links this process with another: see [`Cx::link`](crate::Cx::link).
    ///
    /// # Errors
    ///
    /// [`LinkError`] if the other has ended and this process does not trap exits.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// use genserver::{Probe, Reason};
    ///
    /// let mut probe = Probe::<()>::new();
    /// probe.trap_exits(true);
    /// let server = genserver::start::<Quiet>(()).await?;
    /// probe.link(&server)?;
    /// server.stop().await?;
    /// assert_eq!(probe.expect_exit(&server).await.reason, Reason::Normal);
    /// # }
    /// ```
    pub fn link(&mut self, target: &impl AsProcess) -> Result<(), LinkError> {
        link::link(&self.erased(), target)
    }

    /// Removes a link. An exit that has arrived already stays. Returns whether there was a link.
    pub fn unlink(&mut self, target: &impl AsProcess) -> bool {
        link::unlink(&self.erased(), target)
    }

    /// Removes a link, and discards its exit if it has arrived. Returns whether an exit was discarded.
    pub fn unlink_flush(&mut self, target: &impl AsProcess) -> bool {
        self.unlink(target);
        self.process.forget_exit(target.pid_or_nobody())
    }

    /// Sets whether exits arrive as [`Letter::Exit`](crate::Letter::Exit) from now on. If not, the default, they end this
    /// process.
    #[doc(alias = "process_flag")]
    pub fn trap_exits(&mut self, traps: bool) {
        self.process.set_traps_exits(traps);
    }

    /// Sends an exit signal that comes from this process: OTP's `exit/2`.
    #[doc(alias = "exit/2")]
    pub fn exit(&self, target: &impl AsProcess, reason: impl Into<Reason>) {
        if let Some(target) = target.as_process() {
            let _entered = current::enter(self.pid());
            link::send_exit(target.process(), reason.into());
        }
    }

    /// Starts a server linked to this process: OTP's `start_link`.
    ///
    /// # Errors
    ///
    /// As [`start_link`](crate::start_link).
    ///
    /// # Cancel safety
    ///
    /// As [`start_link`](crate::start_link).
    pub fn start_link<S: GenServer>(&self, args: S::Args) -> Start<S> {
        start(args).linked_to(self.process_ref())
    }

    /// Starts a server monitored by this process: OTP's `start_monitor`. A start that fails leaves no `Down`.
    ///
    /// # Errors
    ///
    /// As [`start`](crate::start()).
    ///
    /// # Cancel safety
    ///
    /// As [`start`](crate::start()); the monitor is removed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// use genserver::{Probe, Reason};
    ///
    /// let mut probe = Probe::<()>::new();
    /// let (server, reference) = probe.start_monitor::<Quiet>(()).await?;
    /// server.stop().await?;
    /// assert_eq!(probe.expect_down(reference).await.reason, Reason::Normal);
    /// # }
    /// ```
    pub fn start_monitor<S: GenServer>(&mut self, args: S::Args) -> StartMonitor<'_, S> {
        self.watch_start(start(args))
    }

    /// A start whose server this process monitors.
    pub(crate) fn watch_start<S: GenServer, H>(&mut self, start: Start<S, H>) -> StartMonitor<'_, S, H> {
        let reference = MonitorRef(self.process.head.home.node().next_reference());
        let watcher = self.process_ref();
        let process = &self.process;
        // An unexpected `Down` is discarded, so it has to be expected before the server can end.
        process.expect_down(reference, Pid::NOBODY);
        let mut forget = ForgetDown { process, reference, kept: false };
        StartMonitor::new(start, reference, watcher, move |pid| forget.keep(pid))
    }
}

/// The watcher forgets a monitor whose server did not start.
struct ForgetDown<'a, M: Send + 'static> {
    process: &'a Arc<Plain<M>>,
    reference: MonitorRef,
    kept: bool,
}

impl<M: Send + 'static> ForgetDown<'_, M> {
    fn keep(&mut self, pid: Pid) {
        self.kept = true;
        self.process.name_down(self.reference, pid);
    }
}

impl<M: Send + 'static> Drop for ForgetDown<'_, M> {
    fn drop(&mut self) {
        if !self.kept {
            self.process.forget_down(self.reference);
        }
    }
}
