//! The observer of a node, as a program makes it.

use std::fmt;
use std::net::ToSocketAddrs;
use std::sync::Arc;

use axum::Router;
use genserver::Node;
use genserver::report::Reports;

use crate::data::Action;
use crate::serve::{self, ServeError, Serving, ThreadError};
use crate::web::{Guard, Heartbeat, Options, Token, routes};

/// How many streams may be open: pages that look.
const STREAMS_MAX: usize = 64;

/// The observer of a node: a page in the browser, and the JSON behind it. See [the crate's page](crate).
///
/// It subscribes to the reports of the node when it is made, and does nothing else until it is [served](Observer::serve) or
/// [mounted](Observer::router).
///
/// # Examples
///
/// ```
/// use genserver::Node;
/// use genserver_observer::Observer;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let page = Observer::new(&Node::program()).serve("127.0.0.1:0")?;
/// println!("http://{}", page.address());
/// # page.stop();
/// # Ok(())
/// # }
/// ```
#[must_use = "it shows nothing until it is served or mounted"]
pub struct Observer {
    node: Node,
    reports: Reports,
    options: Options,
}

impl Observer {
    /// Makes an observer of `node`. It only reads, and only this machine may ask.
    ///
    /// If this is called in a Tokio runtime, `/healthz` says whether that runtime runs its tasks.
    pub fn new(node: &Node) -> Self {
        let options = Options {
            guard: Guard::default(),
            actions: Vec::new(),
            streams_max: STREAMS_MAX,
            heartbeat: tokio::runtime::Handle::try_current().ok().map(Heartbeat::of),
            is_ready: None,
            metrics: None,
        };
        Self { node: node.clone(), reports: node.reports(), options }
    }

    /// Sets the secret that each request has to show, which lets other machines ask. Requests from this machine need it, too.
    ///
    /// The page asks its reader for it, or takes it from its own address: `http://HOST:4000/#token=TOKEN`. What is behind `#`
    /// is not sent, so it is in no log of a server. There is no encryption here: put a proxy with TLS, or a tunnel, before it.
    pub fn token(mut self, token: Token) -> Self {
        self.options.guard.token = Some(token);
        self
    }

    /// Allows a name that this machine is asked for by, such as `observer.example.org`, besides IP addresses and `localhost`.
    ///
    /// A request for any other name is refused: a page of another site may have its own name lead to this machine.
    pub fn host(mut self, name: impl Into<String>) -> Self {
        self.options.guard.hosts.push(name.into());
        self
    }

    /// Allows readers to do these things to processes. Without this they can only look.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::Node;
    /// use genserver_observer::Observer;
    /// use genserver_observer::data::Action;
    ///
    /// let observer = Observer::new(&Node::program());
    /// let observer = observer.allow([Action::Suspend, Action::Resume, Action::Log, Action::LogOff]);
    /// # drop(observer);
    /// ```
    pub fn allow(mut self, actions: impl IntoIterator<Item = Action>) -> Self {
        self.options.actions.extend(actions);
        self
    }

    /// Sets what `/metrics` answers: the text that the program's own recorder renders. Without this, the answer is 404.
    ///
    /// The observer installs no recorder, because a program has one for all of its libraries. It takes a function, so any
    /// exporter will do. The function is called on a thread that serves other readers too, so it should not block.
    ///
    /// What `genserver` counts is among the metrics only if its feature `metrics` is on. Its processes hand in what they have counted
    /// from time to time, and at once on `Node::update_metrics`: call that first, as below.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::Node;
    /// use genserver_observer::Observer;
    /// use metrics_exporter_prometheus::PrometheusBuilder;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let recorder = PrometheusBuilder::new().install_recorder()?;
    /// let observer = Observer::new(&Node::program()).metrics(move || {
    ///     Node::program().update_metrics();
    ///     recorder.render()
    /// });
    /// # drop(observer);
    /// # Ok(())
    /// # }
    /// ```
    pub fn metrics(mut self, render: impl Fn() -> String + Send + Sync + 'static) -> Self {
        self.options.metrics = Some(Arc::new(render));
        self
    }

    /// Sets what `/readyz` answers. Without this it always says that the program is ready.
    pub fn ready(mut self, is_ready: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.options.is_ready = Some(Arc::new(is_ready));
        self
    }

    /// Serves the page at `address`, on a thread of the observer's own, and returns at once.
    ///
    /// The thread is not one of the program's runtime, so the page is there while all of those are blocked. It serves until
    /// [`Serving::stop`]; dropping what this returns changes nothing. An observer that serves keeps its node alive.
    ///
    /// # Errors
    ///
    /// [`ServeError`] if nothing can listen at the address, or if other machines can reach it and there is no
    /// [`token`](Observer::token).
    pub fn serve(self, address: impl ToSocketAddrs) -> Result<Serving, ServeError> {
        let Self { node, reports, options } = self;
        let listener = serve::listen(address, options.guard.token.is_some())?;
        let (watch, handle) = serve::start(node, reports)?;
        serve::serve(listener, routes(watch, options), &handle)
    }

    /// Returns the routes, to be mounted into a router of the program's own with `nest`.
    ///
    /// The node is observed on a thread of the observer's own, which ends with the last clone of the router. The requests are
    /// served where the router is. They are judged as those of [`serve`](Observer::serve) are: without a
    /// [`token`](Observer::token) they must come from this machine, which a router knows only if it is served with
    /// `into_make_service_with_connect_info::<SocketAddr>()`. To let the layers of your router decide, see
    /// [`trust_router`](Observer::trust_router).
    ///
    /// # Errors
    ///
    /// [`ThreadError`] if the machine has no thread left.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::Router;
    /// use genserver::Node;
    /// use genserver_observer::Observer;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let observer = Observer::new(&Node::program()).router()?;
    /// let app: Router = Router::new().nest("/observer", observer);
    /// # drop(app);
    /// # Ok(())
    /// # }
    /// ```
    pub fn router(self) -> Result<Router, ThreadError> {
        let (watch, _handle) = serve::start(self.node, self.reports)?;
        Ok(routes(watch, self.options))
    }

    /// Leaves it to the layers of the program's own router who may ask: names, origins, machines and tokens are not looked at.
    ///
    /// Use it only with [`router`](Observer::router), below a layer that knows the readers.
    pub fn trust_router(mut self) -> Self {
        self.options.guard.trusts_router = true;
        self
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer").field("node", &self.node).field("options", &self.options).finish_non_exhaustive()
    }
}
