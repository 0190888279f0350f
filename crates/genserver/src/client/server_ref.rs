//! References to servers: what a client holds.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::client::call::{Call, CallError};
use crate::client::cast::{CastError, CastWait, unpack_cast, unpack_info};
use crate::client::request::{self, Request};
use crate::client::stop::{Ended, Stop};
use crate::client::timer::Timer;
use crate::node::any_process::AnyProcess as _;
use crate::node::name::Name;
use crate::node::process_ref::{AsProcess, ProcessRef};
use crate::node::subject::Subject;
use crate::process::{Envelope, Process};
use crate::server::GenServer;
use crate::server::caller::Caller;
use crate::server::context::Cx;
use crate::values::info::ProcessInfo;
use crate::values::pid::Pid;
use crate::values::reason::Reason;

/// A reference to a server.
///
/// It is cheap to clone and can be sent and shared whatever the server's state is. It neither keeps the server alive nor ends
/// it: a server lives until it stops, is killed, or its node is shut down.
///
/// Client APIs are written as methods of a small type around it, as OTP does with functions.
///
/// # Examples
///
/// ```
/// use genserver::{CallError, Caller, Cx, GenServer, Init, Never, Next, Outcome, ServerRef};
///
/// struct Counter(u64);
/// struct Increment(Caller<u64>);
///
/// impl GenServer for Counter {
///     type Args = u64;
///     type Call = Increment;
///     type Cast = Never;
///     type Info = Never;
///
///     async fn init(first: u64, _cx: &mut Cx<Self>) -> Init<Self> {
///         Init::Run(Counter(first))
///     }
///
///     async fn handle_call(
///         &mut self,
///         Increment(caller): Increment,
///         _cx: &mut Cx<Self>,
///     ) -> Outcome<Self> {
///         self.0 += 1;
///         Next::reply(caller, self.0)
///     }
/// }
///
/// /// The client.
/// #[derive(Clone)]
/// struct Ticket(ServerRef<Counter>);
///
/// impl Ticket {
///     async fn next(&self) -> Result<u64, CallError> {
///         self.0.call(Increment).await
///     }
/// }
///
/// # genserver_doc::run! {
/// let ticket = Ticket(genserver::start::<Counter>(41).await?);
/// assert_eq!(ticket.next().await?, 42);
/// # }
/// ```
pub struct ServerRef<S: GenServer> {
    process: Arc<Process<S>>,
}

impl<S: GenServer> ServerRef<S> {
    pub(crate) fn new(process: Arc<Process<S>>) -> Self {
        Self { process }
    }

    pub(crate) fn process(&self) -> &Arc<Process<S>> {
        &self.process
    }

    pub(crate) fn subject(&self) -> Subject {
        self.process.head.subject()
    }

    /// Asks the server, and waits for the answer: OTP's `call/2,3`.
    ///
    /// `make` is given the [`Caller`] and makes the message; a variant of the server's own enum is such a function. The type
    /// of the answer is the caller's. Nothing is sent before the call is awaited.
    ///
    /// An idle server runs right here, on the caller's task; a busy one comes to the call in its turn. The call waits
    /// five seconds, see [`timeout`](Call::timeout) and [`no_timeout`](Call::no_timeout). The clock is that of the server's
    /// runtime: a call from elsewhere to a server on a [runtime that nobody drives](crate::runtime) has neither answer nor timeout.
    ///
    /// # A callback that blocks
    ///
    /// A callback that blocks its thread, or computes for long, also blocks a caller that runs it: until it comes back,
    /// [`timeout`](Call::timeout), `tokio::time::timeout` and `select!` around the call cannot act. So callers run a server only
    /// while its callbacks are short. The library times a few of them, because a look at the clock costs more than the rest of
    /// a call: the second that a caller or task runs, the 4th, 8th, 16th, 32nd and 64th, and then every 64th. If one blocks for
    /// more than 100 µs between two awaits, the next is timed, too: the system may have taken the thread away meanwhile. If that
    /// one blocks as long, or any for more than 10 ms, the server runs in its own task from then on. Calls to it queue, and
    /// their deadlines hold whatever it does, as long as the runtime has another thread. It is run by its callers again after
    /// four short callbacks in a row; each time that it has become long again it takes twice as many, up to 64.
    ///
    /// So the first three callers of a new server with long callbacks are held up, or two if these block for more than 10 ms;
    /// and up to 65 of one that becomes long later. If you know beforehand that callbacks block, say so with
    /// [`inline(false)`](crate::Start::inline), and nobody is held up. What a callback awaits never counts. A callback that was
    /// timed, and blocked for more than a second, is [reported](crate::report::LongSchedule).
    ///
    /// # Errors
    ///
    /// The awaited call returns a [`CallError`]: the server is not running, ended, forgot the answer, did not answer in time,
    /// had no space for that long, or is the process that calls.
    ///
    /// # Cancel safety
    ///
    /// Dropping the call gives up the answer, never the request: once it was sent the server carries it out.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # genserver_doc::run! {
    /// use std::time::Duration;
    ///
    /// let counter = genserver::start::<Counter>(1).await?;
    /// assert_eq!(counter.call(Call::Get).await?, 1);
    /// assert_eq!(counter.call(Call::Get).timeout(Duration::from_secs(60)).await?, 1);
    /// assert_eq!(counter.call(|caller| Call::Get(caller)).no_timeout().await?, 1);
    /// # }
    /// ```
    pub fn call<R, F>(&self, make: F) -> Call<&Self, R, F>
    where
        R: Send + 'static,
        F: FnOnce(Caller<R>) -> S::Call,
    {
        Call::new(self, make)
    }

    /// Asks the server, and lets this thread sleep until the answer is there: for threads that run no tasks.
    ///
    /// It waits five seconds; `server.call(make).timeout(..).blocking()` waits for as long as you like.
    ///
    /// # Errors
    ///
    /// As for [`Call::blocking`]; [`CallError::WouldBlock`](crate::CallError::WouldBlock) on a thread that runs the tasks of the
    /// server's runtime.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counter = genserver::start::<Counter>(1).await?;
    /// let answer = tokio::task::spawn_blocking(move || counter.call_blocking(Call::Get)).await?;
    /// assert_eq!(answer?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn call_blocking<R, F>(&self, make: F) -> Result<R, CallError>
    where
        R: Send + 'static,
        F: FnOnce(Caller<R>) -> S::Call,
    {
        self.call(make).blocking()
    }

    /// Asks the server, and leaves the answer for later: OTP's `send_request/2`.
    ///
    /// The request is sent at once, without being awaited, and takes its turn in the mailbox. Sending never fails: a request
    /// that nobody can take is one whose answer is a [`CallError`](crate::CallError).
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # genserver_doc::run! {
    /// let counter = genserver::start::<Counter>(1).await?;
    /// let request = counter.send_request(Call::Get);
    /// // ... something else ...
    /// assert_eq!(request.await?, 1);
    /// # }
    /// ```
    pub fn send_request<R, F>(&self, make: F) -> Request<R>
    where
        R: Send + 'static,
        F: FnOnce(Caller<R>) -> S::Call,
    {
        request::send(&self.process, make)
    }

    /// Tells the server something, and waits for nothing: OTP's `cast/2`.
    ///
    /// That it was taken does not mean that it is carried out: the server may end first. Two casts of one sender arrive in the
    /// order they were sent.
    ///
    /// # Errors
    ///
    /// The message comes back if the server has ended or its mailbox is full, unless it was started with another
    /// [`Overflow`](crate::Overflow). OTP answers `ok` in both cases; that is `let _ = server.cast(..)`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # genserver_doc::run! {
    /// let counter = genserver::start::<Counter>(1).await?;
    /// counter.cast(Add(2))?;
    /// assert_eq!(counter.call(Call::Get).await?, 3);
    ///
    /// counter.stop().await?;
    /// let refused = counter.cast(Add(2)).unwrap_err();
    /// assert_eq!(refused.into_inner().0, 2);
    /// # }
    /// ```
    pub fn cast(&self, cast: S::Cast) -> Result<(), CastError<S::Cast>> {
        self.process
            .push(Envelope::Cast(cast))
            .map_err(|refused| CastError::new(refused, unpack_cast, &self.process.head))
    }

    /// Tells the server something, waiting for space in its mailbox if there is none.
    ///
    /// # Errors
    ///
    /// The message comes back if the server has ended.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped before it is ready, the message was not sent.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # genserver_doc::run! {
    /// let counter = genserver::start::<Counter>(0).mailbox(8).await?;
    /// for _ in 0..1000 {
    ///     counter.cast_wait(Add(1)).await?;
    /// }
    /// assert_eq!(counter.call(Call::Get).await?, 1000);
    /// # }
    /// ```
    pub fn cast_wait(&self, cast: S::Cast) -> CastWait<&Self> {
        CastWait::new(self, cast)
    }

    /// Sends a plain message, which goes to `handle_info`: OTP's `send/2`.
    ///
    /// # Errors
    ///
    /// As for [`cast`](ServerRef::cast).
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # genserver_doc::run! {
    /// let counter = genserver::start::<Counter>(1).await?;
    /// counter.send(Double)?;
    /// assert_eq!(counter.call(Call::Get).await?, 2);
    /// # }
    /// ```
    #[doc(alias = "!")]
    pub fn send(&self, info: S::Info) -> Result<(), CastError<S::Info>> {
        self.process
            .push(Envelope::Info(info))
            .map_err(|refused| CastError::new(refused, unpack_info, &self.process.head))
    }

    /// Sends a plain message when `delay` has passed: OTP's `send_after/3`.
    ///
    /// The message is never refused. It is dropped if the server has ended by then, or if the timer is cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # genserver_doc::run! {
    /// use std::time::Duration;
    ///
    /// let counter = genserver::start::<Counter>(1).await?;
    /// let timer = counter.send_after(Duration::from_secs(3600), Double);
    /// assert!(timer.cancel().is_some());
    /// assert_eq!(counter.call(Call::Get).await?, 1);
    /// # }
    /// ```
    pub fn send_after(&self, delay: Duration, info: S::Info) -> Timer {
        Timer::start(&self.process, delay, info)
    }

    /// Orders the server to stop with the reason `normal`, and waits until everybody has been told: OTP's `stop/1,3`.
    ///
    /// The order takes its turn in the mailbox; it works on a suspended server too. Then terminate runs. When this returns,
    /// the name is free, and every `Down` and exit has been put into its mailbox.
    ///
    /// # Errors
    ///
    /// The awaited stop returns a [`StopError`](crate::StopError): the server was not running, ended with another reason or
    /// before it came to this order, did not end within [`timeout`](Stop::timeout), or is the process that stops it. So of two
    /// that stop a server at the same time the second hears [`StopError::Exit`](crate::StopError::Exit), as in OTP.
    ///
    /// # Cancel safety
    ///
    /// Dropping it does not withdraw the order.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// use genserver::{Reason, StopError};
    /// use std::time::Duration;
    ///
    /// let server = genserver::start::<Quiet>(()).await?;
    /// server.stop().reason(Reason::Shutdown).timeout(Duration::from_secs(5)).await?;
    /// assert!(matches!(server.stop().await, Err(StopError::NoProc { .. })));
    /// # }
    /// ```
    pub fn stop(&self) -> Stop {
        Stop::new(self.process_ref())
    }

    /// Sends the server an exit signal: OTP's `exit/2`.
    ///
    /// A server that traps exits gets it as a message, except [`Reason::Kill`], which kills it. One that does not trap ends
    /// with the reason at its next await, without terminate, and `normal` does nothing to it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// use genserver::Reason;
    ///
    /// let server = genserver::start::<Quiet>(()).await?;
    /// server.exit(Reason::Normal);
    /// assert!(server.is_alive());
    /// server.exit(Reason::term("out of paper"));
    /// assert_eq!(server.ended().await, Reason::term("out of paper"));
    /// # }
    /// ```
    #[doc(alias = "exit/2")]
    pub fn exit(&self, reason: impl Into<Reason>) {
        self.process_ref().exit(reason);
    }

    /// Kills the server: no callback runs any more, terminate included. Everybody is told `killed`.
    ///
    /// A callback that is running is cut off at its next await; one that never awaits runs to its end first.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// use genserver::Reason;
    ///
    /// let server = genserver::start::<Quiet>(()).await?;
    /// server.kill();
    /// assert_eq!(server.ended().await, Reason::Killed);
    /// # }
    /// ```
    pub fn kill(&self) {
        self.process_ref().kill();
    }

    /// Waits for the end of the server, and returns its reason: a monitor for plain code.
    ///
    /// # Cancel safety
    ///
    /// It can be dropped and made again at any time.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// use genserver::Reason;
    ///
    /// let server = genserver::start::<Quiet>(()).await?;
    /// let watcher = tokio::spawn(server.ended());
    /// server.stop().await?;
    /// assert_eq!(watcher.await?, Reason::Normal);
    /// # }
    /// ```
    pub fn ended(&self) -> Ended {
        Ended::new(self.process_ref())
    }

    /// The server's pid.
    pub fn pid(&self) -> Pid {
        self.process.head.pid
    }

    /// The name it was started with, if it was.
    pub fn name(&self) -> Option<&Name> {
        self.process.head.name()
    }

    /// Whether the server takes messages. False from the moment its end begins, and so while terminate runs; and after a kill or an
    /// exit that it does not trap, although a callback may still run to its next await.
    ///
    /// There OTP's `is_process_alive` is still true: it is the opposite of [`ProcessRef::has_ended`].
    #[doc(alias = "is_process_alive")]
    pub fn is_alive(&self) -> bool {
        self.process.is_alive()
    }

    /// What can be seen of the server from outside.
    pub fn info(&self) -> ProcessInfo {
        self.process.info()
    }

    /// The same process without its type.
    pub fn process_ref(&self) -> ProcessRef {
        ProcessRef::new(self.process.erased())
    }

    /// A reference that does not even keep the memory of a server that has ended.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// let server = genserver::start::<Quiet>(()).await?;
    /// let weak = server.downgrade();
    /// assert!(weak.upgrade().is_some());
    /// server.stop().await?;
    /// assert!(weak.upgrade().is_none());
    /// # }
    /// ```
    pub fn downgrade(&self) -> WeakServerRef<S> {
        WeakServerRef { process: Arc::downgrade(&self.process), pid: self.pid() }
    }
}

impl<S: GenServer> Clone for ServerRef<S> {
    fn clone(&self) -> Self {
        Self { process: Arc::clone(&self.process) }
    }
}

/// Two references are equal if they are to the same process.
impl<S: GenServer> PartialEq for ServerRef<S> {
    fn eq(&self, other: &Self) -> bool {
        self.pid() == other.pid()
    }
}

impl<S: GenServer> Eq for ServerRef<S> {}

impl<S: GenServer> fmt::Debug for ServerRef<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerRef({})", self.process.head.title())
    }
}

/// A reference to a server that keeps nothing: see [`ServerRef::downgrade`].
pub struct WeakServerRef<S: GenServer> {
    process: Weak<Process<S>>,
    pid: Pid,
}

impl<S: GenServer> WeakServerRef<S> {
    /// The server's pid.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// The server, if it is alive.
    pub fn upgrade(&self) -> Option<ServerRef<S>> {
        self.process.upgrade().map(ServerRef::new).filter(ServerRef::is_alive)
    }
}

impl<S: GenServer> Clone for WeakServerRef<S> {
    fn clone(&self) -> Self {
        Self { process: Weak::clone(&self.process), pid: self.pid }
    }
}

impl<S: GenServer> fmt::Debug for WeakServerRef<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WeakServerRef({})", self.pid)
    }
}

impl ProcessRef {
    /// The server in it, if it is an `S`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// let server = genserver::start::<Quiet>(()).await?;
    /// let process = server.process_ref();
    /// assert!(process.downcast::<Quiet>().is_some());
    /// # }
    /// ```
    pub fn downcast<S: GenServer>(&self) -> Option<ServerRef<S>> {
        let process = Arc::clone(self.process()).as_any().downcast::<Process<S>>().ok()?;
        Some(ServerRef::new(process))
    }
}

impl<S: GenServer> Cx<S> {
    /// The server's own reference: OTP's `self()`.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/watcher.rs"));
    /// # watcher! { ();
    /// async fn init((): (), cx: &mut Cx<Self>) -> Init<Self> {
    ///     let this = cx.this();
    ///     tokio::spawn(async move { this.send(Info::Line("from a task of its own")) });
    ///     Init::Run(Watcher::default())
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let watcher = genserver::start::<Watcher>(()).await?;
    /// tokio::task::yield_now().await;
    /// assert_eq!(watcher.call(Heard).await?, ["line from a task of its own"]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "self")]
    pub fn this(&self) -> ServerRef<S> {
        ServerRef::new(Arc::clone(&self.process))
    }
}

impl<S: GenServer> AsProcess for ServerRef<S> {
    fn as_process(&self) -> Option<ProcessRef> {
        Some(self.process_ref())
    }
}
