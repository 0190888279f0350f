//! Links and trapped exits of a server.

use crate::node::link::{self, LinkError};
use crate::node::process_ref::AsProcess;
use crate::server::GenServer;
use crate::server::context::Cx;
use crate::values::exit::Exit;

impl<S: GenServer> Cx<S> {
    /// Links this process with another: when one ends, the other gets its exit. OTP's `link/1`.
    ///
    /// There is at most one link between two processes, and linking a process with itself has no effect.
    ///
    /// # Errors
    ///
    /// [`LinkError`] if the other has ended and this process does not trap exits. If it does, the exit arrives, with
    /// [`Reason::NoProc`](crate::Reason).
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/watcher.rs"));
    /// # use genserver_doc::quiet::*;
    /// # watcher! { ProcessRef;
    /// async fn init(target: ProcessRef, cx: &mut Cx<Self>) -> Init<Self> {
    ///     cx.link(&target).expect("it was just started");
    ///     Init::Run(Watcher(Vec::new()))
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let quiet = genserver::start::<Quiet>(()).await?;
    /// let watcher = genserver::start::<Watcher>(quiet.process_ref()).await?;
    /// quiet.exit(Reason::term("boom"));
    /// assert_eq!(watcher.ended().await, Reason::term("boom"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn link(&mut self, target: &impl AsProcess) -> Result<(), LinkError> {
        link::link(&self.erased(), target)
    }

    /// Removes a link on both sides. An exit that is already queued is still handled: see
    /// [`unlink_flush`](Cx::unlink_flush).
    ///
    /// Returns whether there was a link.
    pub fn unlink(&mut self, target: &impl AsProcess) -> bool {
        link::unlink(&self.erased(), target)
    }

    /// Removes a link, and its exit too if that is already queued: nothing arrives from it after this.
    ///
    /// Returns whether an exit was discarded.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/watcher.rs"));
    /// # use genserver_doc::quiet::*;
    /// # watcher! { ProcessRef;
    /// async fn init(target: ProcessRef, cx: &mut Cx<Self>) -> Init<Self> {
    ///     cx.trap_exits(Info::Exit);
    ///     cx.link(&target).expect("a process that traps exits gets an exit instead");
    ///     target.kill();
    ///     assert!(cx.unlink_flush(&target), "its exit had arrived");
    ///     Init::Run(Watcher::default())
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let quiet = genserver::start::<Quiet>(()).await?;
    /// let watcher = genserver::start::<Watcher>(quiet.process_ref()).await?;
    /// assert!(watcher.call(Heard).await?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn unlink_flush(&mut self, target: &impl AsProcess) -> bool {
        self.unlink(target);
        self.process.forget_exit(target.pid_or_nobody())
    }

    /// Traps exits from now on: `make` turns each exit signal into an info. OTP's `process_flag(trap_exit, true)`.
    ///
    /// Whether exits are trapped is decided when a signal arrives. Two signals are not trapped: `kill`, and the exit of the
    /// process that started this one with a link, which is an order to stop, so terminate runs. If no process started the server
    /// with a link, an exit that it sends to itself counts as such an order too.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/watcher.rs"));
    /// # use genserver_doc::quiet::*;
    /// # watcher! { ProcessRef;
    /// async fn init(target: ProcessRef, cx: &mut Cx<Self>) -> Init<Self> {
    ///     cx.trap_exits(Info::Exit);
    ///     cx.link(&target).expect("a process that traps exits gets an exit instead");
    ///     Init::Run(Watcher(Vec::new()))
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let quiet = genserver::start::<Quiet>(()).await?;
    /// let watcher = genserver::start::<Watcher>(quiet.process_ref()).await?;
    /// quiet.exit(Reason::term("boom"));
    /// quiet.ended().await;
    /// assert_eq!(watcher.call(Heard).await?, ["exit boom"]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "process_flag")]
    pub fn trap_exits(&mut self, make: impl FnMut(Exit) -> S::Info + Send + 'static) {
        self.more().exits = Some(Box::new(make));
        self.process.set_traps_exits(true);
    }

    /// Stops trapping exits. Exits that have been trapped before still arrive.
    pub fn untrap_exits(&mut self) {
        self.process.set_traps_exits(false);
    }
}
