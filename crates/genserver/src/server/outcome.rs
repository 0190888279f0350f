//! What a callback returns: how the server goes on.

use std::fmt;
use std::time::Duration;

use crate::server::GenServer;
use crate::server::caller::Caller;
use crate::values::reason::Reason;

/// The return type of callbacks: how to go on, or the reason to stop.
///
/// It is a `Result`, so `?` works in a callback; an error stops the server with that error as its reason.
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
/// # #[derive(Default)]
/// # struct Reader(u32);
/// # struct Read(&'static str);
/// # server! { Reader, Never, Read, Never;
/// async fn handle_cast(&mut self, Read(text): Read, _cx: &mut Cx<Self>) -> Outcome<Self> {
///     self.0 = text.parse()?;
///     Next::wait()
/// }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let reader = genserver::start::<Reader>(()).await?;
/// reader.cast(Read("twelve"))?;
/// assert_eq!(reader.ended().await.to_string(), "invalid digit found in string");
/// # Ok(())
/// # }
/// ```
pub type Outcome<S> = Result<Step<S>, Reason>;

/// How a server goes on after a callback. The functions of [`Next`] make it.
#[must_use = "a callback has to return its step, or nothing happens"]
pub struct Step<S: GenServer> {
    pub(crate) then: Then<S>,
    /// Whether the function that made the step also replied.
    pub(crate) replied: bool,
}

/// The action that a step asks for.
pub(crate) enum Then<S: GenServer> {
    Wait,
    Idle(Duration),
    Hibernate,
    Continue(S::Info),
    /// Boxed, so that the common steps stay small.
    Stop(Box<(Reason, Option<LateReply>)>),
}

/// A reply that is sent after terminate.
pub(crate) type LateReply = Box<dyn FnOnce() + Send>;

impl<S: GenServer> fmt::Debug for Step<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let then = match &self.then {
            Then::Wait => "wait",
            Then::Idle(_) => "idle",
            Then::Hibernate => "hibernate",
            Then::Continue(_) => "then",
            Then::Stop(..) => "stop",
        };
        f.debug_struct("Step").field("then", &then).field("replied", &self.replied).finish()
    }
}

/// The values that a callback may return: a function for each of OTP's return values.
///
/// | OTP | here |
/// |---|---|
/// | `{noreply, State}` | [`Next::wait()`](Next::wait) |
/// | `{noreply, State, Timeout}` | [`Next::idle(silence)`](Next::idle) |
/// | `{noreply, State, hibernate}` | [`Next::hibernate()`](Next::hibernate) |
/// | `{noreply, State, {continue, C}}` | [`Next::then(info)`](Next::then) |
/// | `{reply, Reply, State}`, and with the same ends | [`Next::reply(caller, reply)`](Next::reply), `reply_idle`, `reply_hibernate`, `reply_then` |
/// | `{stop, Reason, State}` | [`Next::stop(reason)`](Next::stop), or an error with `?` |
/// | `{stop, Reason, Reply, State}` | [`Next::stop_reply(reason, caller, reply)`](Next::stop_reply) |
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome, Reason};
///
/// struct Session;
///
/// enum Call {
///     Touch(Caller<&'static str>),
///     LogOut(Caller<&'static str>),
/// }
///
/// impl GenServer for Session {
///     type Args = ();
///     type Call = Call;
///     type Cast = Never;
///     type Info = Never;
///
///     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
///         Init::RunIdle(Self, Duration::from_secs(600))
///     }
///
///     async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
///         match call {
///             Call::Touch(caller) => {
///                 Next::reply_idle(caller, "still here", Duration::from_secs(600))
///             }
///             Call::LogOut(caller) => Next::stop_reply(Reason::Normal, caller, "goodbye"),
///         }
///     }
///
///     async fn handle_idle(&mut self, _cx: &mut Cx<Self>) -> Outcome<Self> {
///         Next::stop(Reason::shutdown_with("idle for ten minutes"))
///     }
/// }
///
/// # genserver_doc::run! {
/// let session = genserver::start::<Session>(()).await?;
/// assert_eq!(session.call(Call::Touch).await?, "still here");
/// assert_eq!(session.call(Call::LogOut).await?, "goodbye");
/// assert!(!session.is_alive());
/// # }
/// ```
#[derive(Debug)]
pub enum Next {}

#[expect(clippy::missing_errors_doc, reason = "these make a callback's answer, and none of them fails")]
impl Next {
    /// Waits for the next message: OTP's `{noreply, State}`.
    #[doc(alias = "noreply")]
    pub fn wait<S: GenServer>() -> Outcome<S> {
        step(Then::Wait)
    }

    /// Waits for the next message, and runs [`handle_idle`](GenServer::handle_idle) if none arrives within `silence`.
    ///
    /// If a message is already waiting, it is handled and the timeout does not start, even if `silence` is zero.
    #[doc(alias = "timeout")]
    pub fn idle<S: GenServer>(silence: Duration) -> Outcome<S> {
        step(Then::Idle(silence))
    }

    /// Releases memory, then waits for the next message: OTP's `hibernate`.
    ///
    /// It releases the space of the callbacks' futures and the buffers of the mailbox; the next message allocates them again.
    pub fn hibernate<S: GenServer>() -> Outcome<S> {
        step(Then::Hibernate)
    }

    /// Handles `info` before any message that waits in the mailbox: OTP's `{continue, Term}`.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # #[derive(Default)]
    /// # struct Batch(u32);
    /// # struct Work;
    /// # server! { Batch, Never, u32, Work;
    /// async fn handle_cast(&mut self, pieces: u32, _cx: &mut Cx<Self>) -> Outcome<Self> {
    ///     self.0 = pieces;
    ///     Next::then(Work)
    /// }
    ///
    /// async fn handle_info(&mut self, Work: Work, _cx: &mut Cx<Self>) -> Outcome<Self> {
    ///     self.0 -= 1;
    ///     if self.0 > 0 { Next::then(Work) } else { Next::wait() }
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let batch = genserver::start::<Batch>(()).await?;
    /// # batch.cast(3)?;
    /// # assert_eq!(sys::with_state(&batch, |batch| batch.0).await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "continue")]
    #[doc(alias = "handle_continue")]
    pub fn then<S: GenServer>(info: S::Info) -> Outcome<S> {
        step(Then::Continue(info))
    }

    /// Stops: runs terminate with `reason`, then ends with it.
    ///
    /// `reason` is a [`Reason`] or anything that converts into one, as every error does.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # #[derive(Default)]
    /// # struct Reader;
    /// # struct Read(&'static str);
    /// # server! { Reader, Never, Read, Never;
    /// async fn handle_cast(&mut self, Read(text): Read, _cx: &mut Cx<Self>) -> Outcome<Self> {
    ///     match text.parse::<u32>() {
    ///         Ok(_) => Next::stop(Reason::Normal),
    ///         Err(error) => Next::stop(error),
    ///     }
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let reader = genserver::start::<Reader>(()).await?;
    /// reader.cast(Read("twelve"))?;
    /// assert!(reader.ended().await.downcast_ref::<std::num::ParseIntError>().is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn stop<S: GenServer>(reason: impl Into<Reason>) -> Outcome<S> {
        step(Then::Stop(Box::new((reason.into(), None))))
    }

    /// Sends the reply at once, and returns the step that waits for the next message: OTP's `{reply, Reply, State}`.
    ///
    /// The answer does not wait for the callback to return.
    pub fn reply<S: GenServer, R: Send + 'static>(caller: Caller<R>, reply: R) -> Outcome<S> {
        caller.reply(reply);
        replied(Then::Wait)
    }

    /// Sends the reply at once, and returns the step of [`idle`](Next::idle).
    pub fn reply_idle<S: GenServer, R: Send + 'static>(caller: Caller<R>, reply: R, silence: Duration) -> Outcome<S> {
        caller.reply(reply);
        replied(Then::Idle(silence))
    }

    /// Sends the reply at once, and returns the step of [`hibernate`](Next::hibernate).
    pub fn reply_hibernate<S: GenServer, R: Send + 'static>(caller: Caller<R>, reply: R) -> Outcome<S> {
        caller.reply(reply);
        replied(Then::Hibernate)
    }

    /// Sends the reply at once, and returns the step of [`then`](Next::then).
    pub fn reply_then<S: GenServer, R: Send + 'static>(caller: Caller<R>, reply: R, info: S::Info) -> Outcome<S> {
        caller.reply(reply);
        replied(Then::Continue(info))
    }

    /// Stops, and replies after terminate has run: OTP's `{stop, Reason, Reply, State}`.
    pub fn stop_reply<S: GenServer, R: Send + 'static>(
        reason: impl Into<Reason>,
        caller: Caller<R>,
        reply: R,
    ) -> Outcome<S> {
        let late: LateReply = Box::new(move || caller.reply(reply));
        replied(Then::Stop(Box::new((reason.into(), Some(late)))))
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the callbacks' return type is a Result, for `?`")]
fn step<S: GenServer>(then: Then<S>) -> Outcome<S> {
    Ok(Step { then, replied: false })
}

#[expect(clippy::unnecessary_wraps, reason = "the callbacks' return type is a Result, for `?`")]
fn replied<S: GenServer>(then: Then<S>) -> Outcome<S> {
    Ok(Step { then, replied: true })
}

/// What [`GenServer::init`] returns.
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
/// # struct Cache(Vec<u8>);
/// # struct Load;
/// # impl GenServer for Cache {
/// # type Args = Option<usize>;
/// # type Call = Never;
/// # type Cast = Never;
/// # type Info = Load;
/// async fn init(size: Option<usize>, _cx: &mut Cx<Self>) -> Init<Self> {
///     match size {
///         None => Init::Ignore,
///         Some(0) => Init::Stop(Reason::term("a cache needs space")),
///         Some(size) => Init::RunThen(Cache(Vec::with_capacity(size)), Load),
///     }
/// }
/// # async fn handle_info(&mut self, Load: Load, _cx: &mut Cx<Self>) -> Outcome<Self> { self.0.push(1); Next::wait() }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// assert!(matches!(genserver::start::<Cache>(None).await, Err(StartError::Ignored { .. })));
/// assert!(matches!(genserver::start::<Cache>(Some(0)).await, Err(StartError::Failed { .. })));
/// assert!(genserver::start::<Cache>(Some(64)).await?.is_alive());
/// # Ok(())
/// # }
/// ```
#[must_use = "init has to return this, or the server does not start"]
pub enum Init<S: GenServer> {
    /// Runs: `start` returns the reference, and the server waits for messages.
    Run(S),
    /// Runs, and [`handle_idle`](GenServer::handle_idle) runs if nothing arrives within this time.
    RunIdle(S, Duration),
    /// Runs after releasing memory.
    RunHibernate(S),
    /// Runs, and handles this info before any message.
    RunThen(S, S::Info),
    /// Does not run, which is not a failure: `start` returns [`StartError::Ignored`](crate::StartError::Ignored).
    Ignore,
    /// Does not run: `start` returns the reason and the process ends with it.
    Stop(Reason),
    /// Does not run: `start` returns the reason, and the process ends `normal`, so that nothing linked to it dies.
    Fail(Reason),
}

impl<S: GenServer> Init<S> {
    /// Runs steps of which some may fail, with `?`: an error becomes [`Init::Stop`] with that error as the reason.
    ///
    /// What comes back is what the steps return in `Ok`.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the steps.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # struct Port(u16);
    /// # impl GenServer for Port {
    /// # type Args = &'static str;
    /// # type Call = Never;
    /// # type Cast = Never;
    /// # type Info = Never;
    /// async fn init(text: &'static str, _cx: &mut Cx<Self>) -> Init<Self> {
    ///     Init::attempt(async {
    ///         let port = text.parse()?;
    ///         Ok(if port == 0 { Init::Ignore } else { Init::Run(Port(port)) })
    ///     })
    ///     .await
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # assert_eq!(sys::with_state(&genserver::start::<Port>("80").await?, |port| port.0).await?, 80);
    /// let Err(StartError::Failed { reason, .. }) = genserver::start::<Port>("http").await else {
    ///     unreachable!()
    /// };
    /// assert_eq!(reason.to_string(), "invalid digit found in string");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn attempt(steps: impl Future<Output = Result<Self, Reason>>) -> Self {
        steps.await.unwrap_or_else(Self::Stop)
    }
}

impl<S: GenServer> fmt::Debug for Init<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Run(_) => "Run",
            Self::RunIdle(..) => "RunIdle",
            Self::RunHibernate(_) => "RunHibernate",
            Self::RunThen(..) => "RunThen",
            Self::Ignore => "Ignore",
            Self::Stop(_) => "Stop",
            Self::Fail(_) => "Fail",
        })
    }
}
