//! Turning a running task into a server.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::client::server_ref::ServerRef;
use crate::node::Node;
use crate::node::any_process::Tied as _;
use crate::node::cut::poll_alive;
use crate::node::name::Name;
use crate::process::body::Body;
use crate::process::envelope::{Envelope, Signal};
use crate::process::task::ProcessTask;
use crate::server::GenServer;
use crate::server::debug::options::DebugOptions;
use crate::start::StartError;
use crate::start::options::{self, ServerOptions, server_option_methods};
use crate::values::overflow::Overflow;
use crate::values::reason::Reason;

/// Makes a server of a state that exists already, run by the task that awaits it: OTP's `enter_loop`.
///
/// `init` is not called. This returns a builder; [`enter`](Adopt::enter) makes the server.
///
/// It is for code that is a task before it becomes a server: it has done a handshake, read its configuration or waited for
/// others, and the result is the state. It is also the way to run a server on a task of your own choice, such as one in a
/// `LocalSet` or that of `main`.
///
/// # Examples
///
/// ```
/// use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome, Reason};
///
/// struct Session { greeting: String }
/// enum Ask { Greeting(Caller<String>), Quit(Caller<()>) }
///
/// impl GenServer for Session {
///     type Args = String;
///     type Call = Ask;
///     type Cast = Never;
///     type Info = Never;
///
///     async fn init(greeting: String, _cx: &mut Cx<Self>) -> Init<Self> {
///         Init::Run(Session { greeting })
///     }
///
///     async fn handle_call(&mut self, ask: Ask, _cx: &mut Cx<Self>) -> Outcome<Self> {
///         match ask {
///             Ask::Greeting(caller) => Next::reply(caller, self.greeting.clone()),
///             Ask::Quit(caller) => Next::stop_reply(Reason::Normal, caller, ()),
///         }
///     }
/// }
///
/// # genserver_doc::run! {
/// // A task that has been talking to its peer for a while...
/// let greeting = "hello".to_owned();
/// // ... goes on as a server.
/// let (server, run) = genserver::adopt(Session { greeting }).name("session").enter()?;
///
/// let client = async {
///     assert_eq!(server.call(Ask::Greeting).await?, "hello");
///     server.call(Ask::Quit).await
/// };
/// let (reason, quit) = tokio::join!(run, client);
/// quit?;
/// assert_eq!(reason, Reason::Normal);
/// # }
/// ```
#[doc(alias = "enter_loop")]
pub fn adopt<S: GenServer>(server: S) -> Adopt<S> {
    Adopt { server, first: First::Wait, options: ServerOptions::default() }
}

/// The options of a server that is made of a state; made by [`adopt`].
#[must_use = "no server exists until `enter` is called"]
pub struct Adopt<S: GenServer> {
    server: S,
    first: First<S>,
    options: ServerOptions,
}

/// What the server does first.
enum First<S: GenServer> {
    Wait,
    Idle(Duration),
    Hibernate,
    Then(S::Info),
}

impl<S: GenServer> Adopt<S> {
    fn server_options(&mut self) -> &mut ServerOptions {
        &mut self.options
    }

    server_option_methods!();

    /// Begins by waiting for a message; [`handle_idle`](GenServer::handle_idle) runs if none arrives for `silence`.
    pub fn idle(mut self, silence: Duration) -> Self {
        self.first = First::Idle(silence);
        self
    }

    /// Begins by hibernating.
    pub fn hibernate(mut self) -> Self {
        self.first = First::Hibernate;
        self
    }

    /// Begins by handling `info`, before any message.
    #[doc(alias = "continue")]
    pub fn then(mut self, info: S::Info) -> Self {
        self.first = First::Then(info);
        self
    }

    /// Makes the server: returns its reference, and the future that runs it.
    ///
    /// The server takes messages from now on, and handles them once the future is polled.
    ///
    /// # Errors
    ///
    /// [`StartError::AlreadyStarted`] or [`StartError::NameRefused`] if it cannot have its name, [`StartError::NoRuntime`] if
    /// the thread is in no runtime. In either case the state is dropped.
    #[doc(alias = "enter_loop")]
    pub fn enter(mut self) -> Result<(ServerRef<S>, Adopted<S>), StartError> {
        let home = self.options.node.clone().unwrap_or_else(Node::current).home().ok_or(StartError::NoRuntime)?;
        let process = self.options.make(&home, None)?;
        let mut body = Body::new(Box::new(options::actor(&process, Some(self.server), self.options.debug)));
        match self.first {
            First::Wait => {}
            First::Idle(silence) => body.cold().silence = Some(silence),
            First::Hibernate => body.hibernate(),
            First::Then(info) => {
                process.mail.lock().queue.push_front(Envelope::Signal(Box::new(Signal::Continue(info))));
            }
        }
        let task = ProcessTask::adopting(&process, body);
        Ok((ServerRef::new(process), Adopted { task }))
    }
}

impl<S: GenServer> fmt::Debug for Adopt<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adopt")
            .field("server", &std::any::type_name::<S>())
            .field("name", &self.options.name)
            .finish_non_exhaustive()
    }
}

/// The future that runs a server made by [`adopt`]. It runs the server to its end, and returns the reason.
///
/// # Cancel safety
///
/// Dropping it earlier kills the server, because nothing else runs it.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// # genserver_doc::run! {
/// use genserver::Reason;
///
/// let (counter, run) = genserver::adopt(Counter(1)).enter()?;
/// drop(run);
/// assert_eq!(counter.ended().await, Reason::Killed);
/// # }
/// ```
#[must_use = "the server runs while this is awaited"]
pub struct Adopted<S: GenServer> {
    task: ProcessTask<S>,
}

impl<S: GenServer> Future for Adopted<S> {
    type Output = Reason;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reason> {
        ready!(poll_alive(cx));
        ready!(Pin::new(&mut self.task).poll(cx));
        ready!(poll_alive(cx));
        Poll::Ready(self.task.process().ended_with().unwrap_or(Reason::NoProc))
    }
}

impl<S: GenServer> Drop for Adopted<S> {
    fn drop(&mut self) {
        self.task.process().kill();
    }
}

impl<S: GenServer> fmt::Debug for Adopted<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Adopted({})", self.task.process().head.title())
    }
}
