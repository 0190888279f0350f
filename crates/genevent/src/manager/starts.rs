//! Starting a manager, and finding it by name.

use genserver::{Exit, Name, Named, Never, Probe, Start, StartMonitor, start};

use super::Manager;
use crate::server::{ManagerArgs, ManagerServer};
use crate::values::Event;

impl<E: Event> Manager<E> {
    /// Starts a manager without handlers. The builder takes a [`name`](Start::name) and every other option of a start.
    pub fn start() -> Start<ManagerServer<E>, Self> {
        start(ManagerArgs::new(None)).handle()
    }

    /// Starts a manager that is linked to the calling process: see [`genserver::start_link`].
    ///
    /// A manager does not trap exits: if its parent ends with anything but [`Normal`](genserver::Reason::Normal), the
    /// manager ends too, and no terminate runs. To have the handlers terminate, trap exits: see
    /// [`start_trapping`](Self::start_trapping).
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::Manager;
    /// use genserver::Probe;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let shell = Probe::<()>::new();
    /// let manager = shell.scope(Manager::<String>::start_link()).await?;
    /// assert_eq!(manager.server().info().links, [shell.pid()]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn start_link() -> Start<ManagerServer<E>, Self> {
        genserver::start_link(ManagerArgs::new(None)).handle()
    }

    /// Starts a manager that `watcher` monitors: OTP's `start_monitor`. The monitor is set before any process can find the
    /// manager.
    ///
    /// Resolves to the manager and the monitor. A failed start leaves no `Down`. Set the options of the start
    /// [`with`](StartMonitor::with) a function. To monitor from a server, use [`monitored_in`](Start::monitored_in) on any
    /// start.
    ///
    /// # Errors
    ///
    /// As [`genserver::start`](genserver::start()).
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::Manager;
    /// use genserver::{Probe, Reason};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut shell = Probe::<()>::new();
    /// let start =
    ///     Manager::<String>::start_monitor(&mut shell).with(|start| start.name("watched"));
    /// let (manager, reference) = start.await?;
    /// manager.stop().await?;
    /// assert_eq!(shell.expect_down(reference).await.reason, Reason::Normal);
    /// # Ok(())
    /// # }
    /// ```
    pub fn start_monitor<M: Send + 'static>(watcher: &mut Probe<M>) -> StartMonitor<'_, ManagerServer<E>, Self> {
        Self::start().monitored_by(watcher)
    }

    /// Starts a manager that takes plain messages of type `I` besides events: see [`send`](Self::send).
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{Handler, HandlerCx, Manager, React, Reaction};
    /// use genserver::Never;
    ///
    /// struct Tick;
    /// struct Clock(u32);
    ///
    /// impl Handler<String, Tick> for Clock {
    ///     type Call = Never;
    ///
    ///     fn handle_event(
    ///         &mut self,
    ///         _: &String,
    ///         _cx: &mut HandlerCx<String, Tick>,
    ///     ) -> Reaction<String, Tick> {
    ///         React::stay()
    ///     }
    ///
    ///     fn handle_info(
    ///         &mut self,
    ///         _: &Tick,
    ///         _cx: &mut HandlerCx<String, Tick>,
    ///     ) -> Reaction<String, Tick> {
    ///         self.0 += 1;
    ///         React::stay()
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start_with_info().await?;
    /// let clock = manager.add_handler(Clock(0)).await?;
    /// manager.send(Tick)?;
    /// assert_eq!(manager.remove_handler(&clock).await?.0, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn start_with_info<I: Event>() -> Start<ManagerServer<E, I>, Manager<E, I>> {
        start(ManagerArgs::new(None)).handle()
    }

    /// Starts a manager that traps exits. An exit of any process but its parent becomes a plain message, made by `make`,
    /// which all handlers see. An exit of its parent ends the manager in order.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{Handler, HandlerCx, Manager, React, Reaction};
    /// use genserver::{Exit, Never, Reason};
    ///
    /// struct Watch(Vec<Reason>);
    ///
    /// impl Handler<(), Exit> for Watch {
    ///     type Call = Never;
    ///
    ///     fn handle_event(
    ///         &mut self,
    ///         (): &(),
    ///         _cx: &mut HandlerCx<(), Exit>,
    ///     ) -> Reaction<(), Exit> {
    ///         React::stay()
    ///     }
    ///
    ///     fn handle_info(
    ///         &mut self,
    ///         exit: &Exit,
    ///         _cx: &mut HandlerCx<(), Exit>,
    ///     ) -> Reaction<(), Exit> {
    ///         self.0.push(exit.reason.clone());
    ///         React::stay()
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start_trapping(|exit| exit).await?;
    /// let watch = manager.add_handler(Watch(vec![])).await?;
    /// manager.server().exit(Reason::Shutdown);
    /// assert_eq!(manager.remove_handler(&watch).await?.0, [Reason::Shutdown]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn start_trapping<I: Event>(
        make: impl FnMut(Exit) -> I + Send + 'static,
    ) -> Start<ManagerServer<E, I>, Manager<E, I>> {
        start(ManagerArgs::new(Some(Box::new(make)))).handle()
    }

    /// Returns the manager with that name. The name is looked up at every use, so this can be made before the manager starts, and
    /// reaches its successor after a restart.
    ///
    /// The name is one of the current [`Node`](genserver::Node); for another node's, use `Manager::from(Named::on(&node,
    /// name))`.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{LoggerHandler, Manager};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let events = Manager::<&str>::named("street events");
    /// let unheard = events.notify("too early").unwrap_err().into_inner();
    /// for _ in 0..2 {
    ///     // Each time it is another manager, and the name is the same.
    ///     let _manager = Manager::<&str>::start().name("street events").await?;
    ///     let logger = events.add_handler(LoggerHandler::new()).await?;
    ///     events.sync_notify(unheard).await?;
    ///     assert_eq!(events.remove_handler(&logger).await?.into_messages(), ["too early"]);
    ///     events.stop().await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "whereis")]
    pub fn named(name: impl Into<Name>) -> Manager<E, Never, Named<ManagerServer<E>>> {
        Named::new(name).into()
    }

    /// Returns the manager with that name, which takes plain messages of type `I`: see [`named`](Self::named).
    pub fn named_with_info<I: Event>(name: impl Into<Name>) -> Manager<E, I, Named<ManagerServer<E, I>>> {
        Named::new(name).into()
    }
}
