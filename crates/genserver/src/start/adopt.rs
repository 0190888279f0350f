//! Turning a running task into a server.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::client::server_ref::ServerRef;
use crate::node::Node;
use crate::node::cut::poll_alive;
use crate::node::name::Name;
use crate::process::mail::{Body, Envelope, Settings, Signal};
use crate::process::task::ProcessTask;
use crate::process::work::Actor;
use crate::server::GenServer;
use crate::server::context::Cx;
use crate::server::debug::options::DebugOptions;
use crate::start::{StartError, make_process};
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
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
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
/// # Ok(())
/// # }
/// ```
#[doc(alias = "enter_loop")]
pub fn adopt<S: GenServer>(server: S) -> Adopt<S> {
    Adopt {
        server,
        first: First::Wait,
        name: None,
        label: None,
        node: None,
        settings: Settings::default(),
        debug: None,
    }
}

/// The options of a server that is made of a state; made by [`adopt`].
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let adopt = genserver::adopt(Counter(1)).name("adopted").mailbox(64).then(Double);
/// let (counter, run) = adopt.enter()?;
/// tokio::spawn(run);
/// assert_eq!(counter.call(Call::Get).await?, 2);
/// # Ok(())
/// # }
/// ```
#[must_use = "no server exists until `enter` is called"]
pub struct Adopt<S: GenServer> {
    server: S,
    first: First<S>,
    name: Option<Name>,
    label: Option<Arc<str>>,
    node: Option<Node>,
    settings: Settings,
    debug: Option<Box<DebugOptions>>,
}

/// What the server does first.
enum First<S: GenServer> {
    Wait,
    Idle(Duration),
    Hibernate,
    Then(S::Info),
}

impl<S: GenServer> Adopt<S> {
    /// Gives the server a name.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (counter, _run) = genserver::adopt(Counter(1)).name("adopted").enter()?;
    /// assert_eq!(counter.name(), Some(&"adopted".into()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Gives the server a label for errors and reports. It need not be unique.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (counter, _run) = genserver::adopt(Counter(1)).label("the first").enter()?;
    /// assert_eq!(counter.info().label.as_deref(), Some("the first"));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "set_label")]
    pub fn label(mut self, label: impl Into<Arc<str>>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Puts it into this node. The default is the node of the process that runs here, or the program's.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Node;
    ///
    /// let node = Node::new();
    /// let (counter, _run) = genserver::adopt(Counter(1)).on(&node).enter()?;
    /// assert!(node.info(counter.pid()).is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn on(mut self, node: &Node) -> Self {
        self.node = Some(node.clone());
        self
    }

    /// Sets how many calls, casts and infos may wait: see [`Start::mailbox`](crate::Start::mailbox).
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (counter, _run) = genserver::adopt(Counter(1)).mailbox(1).enter()?;
    /// counter.cast(Add(1))?;
    /// assert!(counter.cast(Add(1)).is_err(), "nobody has polled `_run`, and there is room for one");
    /// # Ok(())
    /// # }
    /// ```
    pub fn mailbox(mut self, bound: u32) -> Self {
        self.settings.bound = Some(bound.max(1));
        self
    }

    /// Sets the policy for casts and plain messages that find the mailbox full: see [`Start::overflow`](crate::Start::overflow).
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Overflow;
    ///
    /// let (counter, run) = genserver::adopt(Counter(1)).mailbox(1).overflow(Overflow::DropOldest).enter()?;
    /// counter.cast(Add(10))?;
    /// counter.cast(Add(1))?;
    /// tokio::spawn(run);
    /// assert_eq!(counter.call(Call::Get).await?, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.settings.overflow = overflow;
        self
    }

    /// Sets whether callers may run the idle server on their own task: see [`Start::inline`](crate::Start::inline).
    ///
    /// If it is off, callbacks run only in the future that [`enter`](Adopt::enter) returns.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (counter, run) = genserver::adopt(Counter(1)).inline(false).enter()?;
    /// tokio::spawn(run);
    /// assert_eq!(counter.call(Call::Get).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn inline(mut self, inline: bool) -> Self {
        self.settings.queued_only = !inline;
        self
    }

    /// Hibernates when no message has arrived for `silence`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Status;
    /// use std::time::Duration;
    ///
    /// let (counter, run) = genserver::adopt(Counter(1)).hibernate_after(Duration::from_secs(60)).enter()?;
    /// tokio::spawn(run);
    /// tokio::time::sleep(Duration::from_secs(61)).await;
    /// assert_eq!(counter.info().status, Status::Hibernated);
    /// # Ok(())
    /// # }
    /// ```
    pub fn hibernate_after(mut self, silence: Duration) -> Self {
        self.settings.hibernate_after = Some(silence);
        self
    }

    /// Switches debugging on: see [`Start::debug`](crate::Start::debug).
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::sys::{self, DebugOptions};
    ///
    /// let (counter, run) = genserver::adopt(Counter(1)).debug(DebugOptions::new().log(10)).then(Double).enter()?;
    /// tokio::spawn(run);
    /// assert_eq!(sys::get_log(&counter).await?.events.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn debug(mut self, options: DebugOptions) -> Self {
        self.debug = Some(Box::new(options));
        self
    }

    /// Begins by waiting for a message; [`handle_idle`](GenServer::handle_idle) runs if none arrives for `silence`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Reason;
    /// use std::time::Duration;
    ///
    /// let (_counter, run) = genserver::adopt(Counter(1)).idle(Duration::from_secs(60)).enter()?;
    /// // The counter's `handle_idle` stops it.
    /// assert_eq!(run.await, Reason::shutdown_with("idle"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn idle(mut self, silence: Duration) -> Self {
        self.first = First::Idle(silence);
        self
    }

    /// Begins by hibernating.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (counter, run) = genserver::adopt(Counter(1)).hibernate().enter()?;
    /// tokio::spawn(run);
    /// assert_eq!(counter.call(Call::Get).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn hibernate(mut self) -> Self {
        self.first = First::Hibernate;
        self
    }

    /// Begins by handling `info`, before any message.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (counter, run) = genserver::adopt(Counter(1)).then(Double).enter()?;
    /// counter.cast(Add(1))?;
    /// tokio::spawn(run);
    /// assert_eq!(counter.call(Call::Get).await?, 3);
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (counter, run) = genserver::adopt(Counter(1)).name("entered").enter()?;
    /// assert!(genserver::adopt(Counter(1)).name("entered").enter().is_err());
    ///
    /// counter.cast(Add(1))?;
    /// tokio::spawn(run);
    /// assert_eq!(counter.call(Call::Get).await?, 2);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "enter_loop")]
    pub fn enter(self) -> Result<(ServerRef<S>, Adopted<S>), StartError> {
        let home = self.node.unwrap_or_else(Node::current).home().ok_or(StartError::NoRuntime)?;
        let process = make_process(&home, self.name, self.label, None)?;
        process.configure(&self.settings);
        let mut cx = Cx::new(Arc::clone(&process));
        cx.debug = self.debug.and_then(|debug| debug.begin(home.runtime().now()));
        let mut body =
            Body::new(Box::new(Actor { server: Some(self.server), cx, batch: crate::process::queue::Queue::new() }));
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
            .field("name", &self.name)
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
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use genserver::Reason;
///
/// let (counter, run) = genserver::adopt(Counter(1)).enter()?;
/// drop(run);
/// assert_eq!(counter.ended().await, Reason::Killed);
/// # Ok(())
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
