//! The trait that servers implement: message types and callbacks.

use std::fmt;
use std::future::{Future, ready};

use crate::server::context::Cx;
use crate::server::outcome::{Init, Next, Outcome};
use crate::values::reason::Reason;

// What a callback knows and can do.
pub(crate) mod context;
// What a callback returns.
pub(crate) mod outcome;
// Where an answer goes.
pub(crate) mod caller;
// How a server is shown.
pub(crate) mod show;
// Debugging of one server: logs, traces, hooks.
pub(crate) mod debug;
// Streams whose items become messages.
pub(crate) mod attach;

/// A server: its message types, and the callbacks that handle the messages.
///
/// The four associated types say what can reach it, the callbacks what it does about it. They run one at a time, in the
/// server's own process. Each is given the state and the process's [`Cx`], and returns how to go on. Only
/// [`init`](GenServer::init) is required. A server without calls, casts or infos uses [`Never`] for their type.
///
/// The state has to be `Send`, because the server runs now on one thread, now on another; it need not be `Sync`. The trait
/// requires the callbacks' futures to be `Send`, so the compiler reports a violation at the callback that causes it.
///
/// # Callbacks must not block
///
/// A callback may be polled on the task of any caller of the server. The current *process* is then the server, but task-locals
/// are those of that task, which need not be the task that sent the message. A callback that blocks its thread holds up that
/// task, and all others on the thread. Work that computes for long or blocks belongs on a thread of its own, with the
/// [`Caller`](crate::Caller) moved along:
///
/// ```
/// use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome};
///
/// struct Hasher;
/// struct Hash(Vec<u8>, Caller<u64>);
///
/// impl GenServer for Hasher {
///     type Args = ();
///     type Call = Hash;
///     type Cast = Never;
///     type Info = Never;
///
///     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
///         Init::Run(Self)
///     }
///
///     async fn handle_call(
///         &mut self,
///         Hash(bytes, caller): Hash,
///         _cx: &mut Cx<Self>,
///     ) -> Outcome<Self> {
///         tokio::task::spawn_blocking(move || {
///             caller.reply(bytes.iter().map(|byte| u64::from(*byte)).sum());
///         });
///         Next::wait()
///     }
/// }
///
/// # genserver_doc::run! {
/// let hasher = genserver::start::<Hasher>(()).await?;
/// assert_eq!(hasher.call(|caller| Hash(vec![1, 2, 3], caller)).await?, 6);
/// # }
/// ```
#[doc(alias = "gen_server")]
pub trait GenServer: Sized + Send + 'static {
    /// The argument of [`init`](GenServer::init).
    type Args: Send + 'static;
    /// Requests with an answer: usually an enum whose variants carry a [`Caller`](crate::Caller).
    type Call: Send + 'static;
    /// Requests without an answer.
    type Cast: Send + 'static;
    /// Everything else that can arrive: `Down`s, exits, timers, items of attached streams, plain messages.
    type Info: Send + 'static;

    /// Makes the state. The starter waits for it.
    ///
    /// The process exists already and has its name, so messages may be queueing; none is handled before this returns.
    ///
    /// Returning [`Init::Run`] starts the server: `start` returns its reference, and it waits for messages.
    ///
    /// Returning [`Init::RunIdle`] does the same, and [`handle_idle`](GenServer::handle_idle) runs if nothing arrives in that
    /// time. [`Init::RunHibernate`] releases memory first. [`Init::RunThen`] handles an info before any message that has
    /// arrived: use it for slow work that should not hold up the starter.
    ///
    /// Returning [`Init::Ignore`] does not start the server, which is not a failure: `start` returns
    /// [`StartError::Ignored`](crate::StartError::Ignored), the process ends `normal`, and nothing is reported.
    ///
    /// Returning [`Init::Stop`] ends the process with the reason, which `start` returns. The starter of a linked start gets
    /// no exit; other linked processes and monitors get the reason. [`Init::Fail`] returns the reason too, but the process
    /// ends `normal` and nothing is reported.
    ///
    /// A panic ends the process, and `start` returns it as the reason. Terminate runs in none of these cases: there is no state.
    ///
    /// To use `?`, write the steps that may fail in an async block and return [`Init::attempt`].
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # struct Lines(usize);
    /// # impl GenServer for Lines {
    /// # type Args = &'static str;
    /// # type Call = Never;
    /// # type Cast = Never;
    /// # type Info = Never;
    /// async fn init(path: &'static str, _cx: &mut Cx<Self>) -> Init<Self> {
    ///     Init::attempt(async {
    ///         let text = tokio::fs::read_to_string(path).await?;
    ///         Ok(Init::Run(Lines(text.lines().count())))
    ///     })
    ///     .await
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let error = genserver::start::<Lines>("/no/such/file").await.unwrap_err();
    /// assert!(error.to_string().contains("failed"));
    /// # assert_eq!(sys::with_state(&genserver::start::<Lines>("/dev/null").await?, |lines| lines.0).await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    fn init(args: Self::Args, cx: &mut Cx<Self>) -> impl Future<Output = Init<Self>> + Send;

    /// Handles a call.
    ///
    /// Returning [`Next::reply`] sends the answer and waits for the next message. [`reply_idle`](Next::reply_idle),
    /// [`reply_hibernate`](Next::reply_hibernate) and [`reply_then`](Next::reply_then) send it and go on like their counterparts
    /// without a reply.
    ///
    /// Returning [`Next::wait`] sends no answer yet. Keep the [`Caller`](crate::Caller) to answer later; if it was
    /// dropped, the call fails with [`CallError::NoReply`](crate::CallError::NoReply).
    ///
    /// Returning [`Next::idle`] does the same, and [`handle_idle`](GenServer::handle_idle) runs if nothing arrives in that time.
    /// [`Next::hibernate`] releases memory. [`Next::then`] handles an info before any waiting message.
    ///
    /// Returning [`Next::stop_reply`] runs [`terminate`](GenServer::terminate), sends the answer, and ends the server.
    ///
    /// Returning [`Next::stop`], or an error with `?`, runs terminate and ends the server; the call gets the reason.
    ///
    /// A panic ends the server with the panic as its reason, which the call gets.
    ///
    /// A server without this callback has no calls: its type for them is [`Never`], or the program does not build.
    ///
    /// ```compile_fail,E0080
    /// # use genserver::{Caller, Cx, GenServer, Init, Never};
    /// # // GS-111
    /// struct Forgetful;
    ///
    /// impl GenServer for Forgetful {
    ///     type Args = ();
    ///     type Call = Caller<u32>; // and no `handle_call`
    ///     type Cast = Never;
    ///     type Info = Never;
    ///
    ///     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
    ///         Init::Run(Forgetful)
    ///     }
    /// }
    ///
    /// # fn start() -> genserver::Start<Forgetful> {
    /// genserver::start::<Forgetful>(())
    /// # }
    /// # drop(start());
    /// ```
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # #[derive(Default)]
    /// # struct Stack(Vec<u8>);
    /// enum Call {
    ///     Push(u8, Caller<()>),
    ///     Pop(Caller<Option<u8>>),
    /// }
    ///
    /// # server! { Stack, Call, Never, Never;
    /// async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
    ///     match call {
    ///         Call::Push(item, caller) => Next::reply(caller, self.0.push(item)),
    ///         Call::Pop(caller) => Next::reply(caller, self.0.pop()),
    ///     }
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let stack = genserver::start::<Stack>(()).await?;
    /// # stack.call(|caller| Call::Push(1, caller)).await?;
    /// # assert_eq!(stack.call(Call::Pop).await?, Some(1));
    /// # Ok(())
    /// # }
    /// ```
    fn handle_call(&mut self, call: Self::Call, cx: &mut Cx<Self>) -> impl Future<Output = Outcome<Self>> + Send {
        const { assert!(is_never::<Self::Call>(), "this server has a type for calls, and no `handle_call`: write one") };
        let _ = cx;
        drop(call);
        ready(Next::stop(Reason::BadCall))
    }

    /// Handles a cast.
    ///
    /// Returning [`Next::wait`] waits for the next message.
    ///
    /// Returning [`Next::idle`], [`Next::hibernate`] or [`Next::then`] goes on as after a call.
    ///
    /// Returning [`Next::reply`] answers a [`Caller`](crate::Caller) that was kept from an earlier call.
    ///
    /// Returning [`Next::stop`], or an error with `?`, runs terminate and ends the server.
    ///
    /// A server without this callback has no casts: its type for them is [`Never`], or the program does not build, as for
    /// [calls](GenServer::handle_call).
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # #[derive(Default)]
    /// # struct Printer(u32);
    /// enum Cast {
    ///     Print { pages: u32 },
    ///     SwitchOff,
    /// }
    ///
    /// # server! { Printer, Never, Cast, Never;
    /// async fn handle_cast(&mut self, cast: Cast, _cx: &mut Cx<Self>) -> Outcome<Self> {
    ///     match cast {
    ///         Cast::Print { pages } => self.0 += pages,
    ///         Cast::SwitchOff => return Next::stop(Reason::Normal),
    ///     }
    ///     Next::wait()
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let printer = genserver::start::<Printer>(()).await?;
    /// # printer.cast(Cast::Print { pages: 2 })?;
    /// # printer.cast(Cast::SwitchOff)?;
    /// # assert_eq!(printer.ended().await, Reason::Normal);
    /// # Ok(())
    /// # }
    /// ```
    fn handle_cast(&mut self, cast: Self::Cast, cx: &mut Cx<Self>) -> impl Future<Output = Outcome<Self>> + Send {
        const { assert!(is_never::<Self::Cast>(), "this server has a type for casts, and no `handle_cast`: write one") };
        let _ = cx;
        drop(cast);
        ready(Next::stop(Reason::BadCast))
    }

    /// Handles everything else: what was set up in the [`Cx`], the info of [`Next::then`], and plain messages.
    ///
    /// It returns what [`handle_cast`](GenServer::handle_cast) returns.
    ///
    /// Without this callback an info is reported as `Unexpected message in NAME`, and the server lives on. The report shows what
    /// [`format_message`](GenServer::format_message) returns, or the type.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # #[derive(Default)]
    /// # struct Session;
    /// #[derive(Debug)]
    /// enum Info {
    ///     ConnectionDown(Down),
    ///     Tick,
    /// }
    ///
    /// # server! { Session, Never, Never, Info;
    /// async fn handle_info(&mut self, info: Info, cx: &mut Cx<Self>) -> Outcome<Self> {
    ///     match info {
    ///         Info::ConnectionDown(down) => Next::stop(down.reason),
    ///         tick @ Info::Tick => {
    ///             cx.unexpected(&tick);
    ///             Next::wait()
    ///         }
    ///     }
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let mut probe = Probe::<()>::new();
    /// # let session = genserver::start::<Session>(()).await?;
    /// # let reference = probe.monitor(&session);
    /// # session.send(Info::Tick)?;
    /// # session.kill();
    /// # session.send(Info::ConnectionDown(probe.expect_down(reference).await)).unwrap_err();
    /// # Ok(())
    /// # }
    /// ```
    fn handle_info(&mut self, info: Self::Info, cx: &mut Cx<Self>) -> impl Future<Output = Outcome<Self>> + Send {
        cx.unexpected_info(&info);
        drop(info);
        ready(Next::wait())
    }

    /// Runs when nothing has arrived for the time that the last callback passed to [`Next::idle`]: OTP's `handle_info(timeout)`.
    ///
    /// Any message cancels it, and only the next [`Next::idle`] arms it again; a request of [`sys`](crate::sys)
    /// restarts it at its full length. If a message is already waiting when the callback returns, the timeout does not start.
    ///
    /// It returns what [`handle_cast`](GenServer::handle_cast) returns. Without this callback nothing happens.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # use std::time::Duration;
    /// # #[derive(Default)]
    /// # struct Cache(Vec<u8>);
    /// # struct Store(u8);
    /// # server! { Cache, Never, Store, Never;
    /// async fn handle_cast(&mut self, Store(item): Store, _cx: &mut Cx<Self>) -> Outcome<Self> {
    ///     self.0.push(item);
    ///     Next::idle(Duration::from_secs(60))
    /// }
    ///
    /// async fn handle_idle(&mut self, _cx: &mut Cx<Self>) -> Outcome<Self> {
    ///     self.0 = Vec::new();
    ///     Next::hibernate()
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cache = genserver::start::<Cache>(()).await?;
    /// cache.cast(Store(1))?;
    /// tokio::time::sleep(Duration::from_secs(61)).await;
    /// assert!(sys::with_state(&cache, |cache| cache.0.is_empty()).await?);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "timeout")]
    fn handle_idle(&mut self, cx: &mut Cx<Self>) -> impl Future<Output = Outcome<Self>> + Send {
        let _ = cx;
        ready(Next::wait())
    }

    /// Runs before the server ends, if it ends in an orderly way.
    ///
    /// It runs when a callback stops the server, returns an error or panics, when [`stop`](crate::ServerRef::stop) orders it to,
    /// and when its parent exits while it traps exits. It does **not** run when init fails, when the server is killed, when an
    /// exit that it does not trap ends it, and when the runtime is shut down. So do not put anything here that must happen.
    ///
    /// When it begins, the server stops taking messages: casts come back, and calls wait for the reason. After a panic the state
    /// is as the panic left it. A panic in terminate replaces the reason.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # struct Logger(ProbeRef<String>);
    /// # impl GenServer for Logger {
    /// # type Args = ProbeRef<String>;
    /// # type Call = Never;
    /// # type Cast = Never;
    /// # type Info = Never;
    /// # async fn init(to: ProbeRef<String>, _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Logger(to)) }
    /// async fn terminate(&mut self, reason: &Reason, _cx: &mut Cx<Self>) {
    ///     let _ = self.0.send(format!("the logger ends: {reason}"));
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut probe = Probe::<String>::new();
    /// let logger = genserver::start::<Logger>(probe.sender()).await?;
    /// logger.stop().reason(Reason::Shutdown).await?;
    /// assert_eq!(probe.expect_message().await, "the logger ends: shutdown");
    /// # Ok(())
    /// # }
    /// ```
    fn terminate(&mut self, reason: &Reason, cx: &mut Cx<Self>) -> impl Future<Output = ()> + Send {
        let _ = (reason, cx);
        ready(())
    }

    /// Shows the state, in reports and in [`sys::get_status`](crate::sys::get_status), and may rewrite everything else that is
    /// shown.
    ///
    /// If it does not change `shown`, the type of the server is shown in place of its state. Setting
    /// [`state`](crate::server::show::Shown::state) replaces that; [`set_state`](crate::server::show::Shown::set_state) is for
    /// states that are `Debug`. The last message, the reason and the log are shown as this leaves them, so this is the place to
    /// remove a secret.
    ///
    /// If it panics, a fixed text is shown in place of state, message and log. `set_state` has an example.
    fn format_status(&self, shown: &mut crate::server::show::Shown) {
        let _ = shown;
    }

    /// Shows a message, in the logs and traces of [`sys`](crate::sys) and in reports.
    ///
    /// It runs only while something is watching. Returning `None` shows the type of the message. `Message` is `Debug` if calls,
    /// casts and infos are: returning `Some(format!("{message:?}"))` shows them in full.
    ///
    /// If it panics, a fixed text is shown. [`Message`](crate::server::show::Message) has an example.
    fn format_message(message: crate::server::show::Message<'_, Self>) -> Option<String> {
        let _ = message;
        None
    }
}

/// Whether a type has no values, as [`Never`]. Then `None` is the only value of an `Option` of it, which takes no space.
const fn is_never<T>() -> bool {
    size_of::<Option<T>>() == 0
}

/// The message type for a kind of message that a server does not take.
///
/// It has no values, so the callback for it can be left out.
///
/// # Examples
///
/// ```
/// use genserver::{Cx, GenServer, Init, Never};
///
/// /// A server without messages, which is only monitored and holds its name.
/// struct Lock;
///
/// impl GenServer for Lock {
///     type Args = ();
///     type Call = Never;
///     type Cast = Never;
///     type Info = Never;
///
///     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
///         Init::Run(Lock)
///     }
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Never {}

impl fmt::Debug for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl fmt::Display for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}
