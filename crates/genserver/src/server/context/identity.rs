//! The server's own pid, name, node and clock.

use std::time::Instant;

use crate::node::Node;
use crate::node::name::Name;
use crate::node::process_ref::ProcessRef;
use crate::server::GenServer;
use crate::server::context::Cx;
use crate::values::pid::Pid;

impl<S: GenServer> Cx<S> {
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

    /// The name it was started with, if any.
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

    /// The current time for this server: the runtime's clock, which a simulation or a paused test controls.
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

    /// An untyped reference to this process.
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
}
