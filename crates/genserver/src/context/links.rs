//! Links and trapped exits of a server.

use crate::context::Cx;
use crate::exit::Exit;
use crate::link::{self, LinkError};
use crate::process_ref::AsProcess;
use crate::server::GenServer;

impl<S: GenServer> Cx<S> {
    /// Links this process with another: when one ends, the other gets its exit. OTP's `link/1`.
    ///
    /// There is at most one link between two processes, and a link with oneself is none.
    ///
    /// # Errors
    ///
    /// [`LinkError`] if the other has ended and this process does not trap exits. If it does, the exit arrives, with
    /// [`Reason::NoProc`](crate::Reason).
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use genserver::{Caller, Cx, Down, Exit, GenServer, Init, Never, Next, Outcome, ProcessRef, Reason, ServerRef};
    /// # struct Quiet;
    /// # impl GenServer for Quiet {
    /// #     type Args = ();
    /// #     type Call = Never;
    /// #     type Cast = Never;
    /// #     type Info = Never;
    /// #     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Quiet) }
    /// # }
    /// # struct Watcher(Vec<String>);
    /// # struct Heard(Caller<Vec<String>>);
    /// # #[allow(dead_code)]
    /// enum Info {
    ///     Down(Down),
    ///     Exit(Exit),
    ///     Tick,
    ///     Line(&'static str),
    /// }
    ///
    /// # impl GenServer for Watcher {
    /// #     type Args = ProcessRef;
    /// #     type Call = Heard;
    /// #     type Cast = Never;
    /// #     type Info = Info;
    /// async fn init(target: ProcessRef, cx: &mut Cx<Self>) -> Init<Self> {
    ///     cx.link(&target).expect("it was just started");
    ///     Init::Run(Watcher(Vec::new()))
    /// }
    /// #     async fn handle_call(&mut self, Heard(caller): Heard, _cx: &mut Cx<Self>) -> Outcome<Self> { Next::reply(caller, self.0.clone()) }
    /// #     async fn handle_info(&mut self, info: Info, _cx: &mut Cx<Self>) -> Outcome<Self> {
    /// #         self.0.push(match info {
    /// #             Info::Down(down) => format!("down {}", down.reason),
    /// #             Info::Exit(exit) => format!("exit {}", exit.reason),
    /// #             Info::Tick => "tick".to_owned(),
    /// #             Info::Line(line) => format!("line {line}"),
    /// #         });
    /// #         Next::wait()
    /// #     }
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

    /// Takes a link away, on both sides. An exit that is queued already is still handled: see
    /// [`unlink_flush`](Cx::unlink_flush).
    ///
    /// Returns whether there was a link.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use genserver::{Caller, Cx, Down, Exit, GenServer, Init, Never, Next, Outcome, ProcessRef, Reason, ServerRef};
    /// # struct Quiet;
    /// # impl GenServer for Quiet {
    /// #     type Args = ();
    /// #     type Call = Never;
    /// #     type Cast = Never;
    /// #     type Info = Never;
    /// #     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Quiet) }
    /// # }
    /// # struct Watcher(Vec<String>);
    /// # struct Heard(Caller<Vec<String>>);
    /// # #[allow(dead_code)]
    /// enum Info {
    ///     Down(Down),
    ///     Exit(Exit),
    ///     Tick,
    ///     Line(&'static str),
    /// }
    ///
    /// # impl GenServer for Watcher {
    /// #     type Args = ProcessRef;
    /// #     type Call = Heard;
    /// #     type Cast = Never;
    /// #     type Info = Info;
    /// async fn init(target: ProcessRef, cx: &mut Cx<Self>) -> Init<Self> {
    ///     cx.link(&target).expect("it was just started");
    ///     assert!(cx.unlink(&target));
    ///     Init::Run(Watcher(Vec::new()))
    /// }
    /// #     async fn handle_call(&mut self, Heard(caller): Heard, _cx: &mut Cx<Self>) -> Outcome<Self> { Next::reply(caller, self.0.clone()) }
    /// #     async fn handle_info(&mut self, info: Info, _cx: &mut Cx<Self>) -> Outcome<Self> {
    /// #         self.0.push(match info {
    /// #             Info::Down(down) => format!("down {}", down.reason),
    /// #             Info::Exit(exit) => format!("exit {}", exit.reason),
    /// #             Info::Tick => "tick".to_owned(),
    /// #             Info::Line(line) => format!("line {line}"),
    /// #         });
    /// #         Next::wait()
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let quiet = genserver::start::<Quiet>(()).await?;
    /// let watcher = genserver::start::<Watcher>(quiet.process_ref()).await?;
    /// quiet.kill();
    /// assert!(watcher.call(Heard).await?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use genserver::{Caller, Cx, Down, Exit, GenServer, Init, Never, Next, Outcome, ProcessRef, Reason, ServerRef};
    /// # struct Quiet;
    /// # impl GenServer for Quiet {
    /// #     type Args = ();
    /// #     type Call = Never;
    /// #     type Cast = Never;
    /// #     type Info = Never;
    /// #     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Quiet) }
    /// # }
    /// # struct Watcher(Vec<String>);
    /// # struct Heard(Caller<Vec<String>>);
    /// # #[allow(dead_code)]
    /// enum Info {
    ///     Down(Down),
    ///     Exit(Exit),
    ///     Tick,
    ///     Line(&'static str),
    /// }
    ///
    /// # impl GenServer for Watcher {
    /// #     type Args = ProcessRef;
    /// #     type Call = Heard;
    /// #     type Cast = Never;
    /// #     type Info = Info;
    /// async fn init(target: ProcessRef, cx: &mut Cx<Self>) -> Init<Self> {
    ///     cx.trap_exits(Info::Exit);
    ///     cx.link(&target).expect("whoever traps exits is told instead");
    ///     Init::Run(Watcher(Vec::new()))
    /// }
    /// #     async fn handle_call(&mut self, Heard(caller): Heard, _cx: &mut Cx<Self>) -> Outcome<Self> { Next::reply(caller, self.0.clone()) }
    /// #     async fn handle_info(&mut self, info: Info, _cx: &mut Cx<Self>) -> Outcome<Self> {
    /// #         self.0.push(match info {
    /// #             Info::Down(down) => format!("down {}", down.reason),
    /// #             Info::Exit(exit) => format!("exit {}", exit.reason),
    /// #             Info::Tick => "tick".to_owned(),
    /// #             Info::Line(line) => format!("line {line}"),
    /// #         });
    /// #         Next::wait()
    /// #     }
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

    /// Traps exits no longer. What has been trapped before still arrives.
    pub fn untrap_exits(&mut self) {
        self.process.set_traps_exits(false);
    }
}
