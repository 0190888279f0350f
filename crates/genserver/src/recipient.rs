//! References to anything that takes a message, whatever server it is.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::call::{CALL_TIMEOUT, CallError};
use crate::caller::Caller;
use crate::cast::CastError;
use crate::pid::Pid;
use crate::probe::ProbeRef;
use crate::process::{AnyProcess, Envelope, Lazy, Process};
use crate::process_ref::{AsProcess, ProcessRef};
use crate::request::{self, Request};
use crate::server::GenServer;
use crate::server_ref::ServerRef;

/// Whoever takes a message of type `M`: a server of any type, or a probe.
///
/// Made by [`ServerRef::recipient`] or [`ServerRef::info_recipient`], or from a [`ProbeRef`]. It is cheap to clone, can be sent
/// and shared, and does not keep its process alive.
///
/// The function that makes `M` into a message of the server's own runs where the server runs, when the message has its turn:
/// that is how `M` can be given back if it is refused. A panic in the function is as one in the server's callback.
///
/// # Examples
///
/// Two crates whose servers tell each other things need not name each other. The first says what it sends, and to whom is no
/// matter:
///
/// ```
/// # use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome};
/// mod thermometer {
///     use genserver::{Cx, GenServer, Init, Never, Next, Outcome, Recipient};
///
///     pub struct Celsius(pub f32);
///
///     /// Tells somebody every measurement.
///     pub struct Thermometer(Recipient<Celsius>);
///
///     impl GenServer for Thermometer {
///         type Args = Recipient<Celsius>;
///         type Cast = f32;
/// #       type Call = Never;
/// #       type Info = Never;
///         // ...
/// #       async fn init(told: Recipient<Celsius>, _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Self(told)) }
///
///         async fn handle_cast(&mut self, measured: f32, _cx: &mut Cx<Self>) -> Outcome<Self> {
///             self.0.send(Celsius(measured))?;
///             Next::wait()
///         }
///     }
/// }
///
/// mod heating {
///     use super::thermometer::Celsius;
/// #   use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome};
///
///     pub enum Cast {
///         Measured(Celsius),
///         // ...
///     }
/// #   pub struct Heating(bool);
/// #   impl GenServer for Heating {
/// #       type Args = ();
/// #       type Call = Caller<bool>;
/// #       type Cast = Cast;
/// #       type Info = Never;
/// #       async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Self(false)) }
/// #       async fn handle_call(&mut self, caller: Caller<bool>, _cx: &mut Cx<Self>) -> Outcome<Self> { Next::reply(caller, self.0) }
/// #       async fn handle_cast(&mut self, Cast::Measured(celsius): Cast, _cx: &mut Cx<Self>) -> Outcome<Self> {
/// #           self.0 = celsius.0 < 20.0;
/// #           Next::wait()
/// #       }
/// #   }
/// }
///
/// # use heating::Heating;
/// # use thermometer::Thermometer;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let heating = genserver::start::<Heating>(()).await?;
/// let thermometer = genserver::start::<Thermometer>(heating.recipient(heating::Cast::Measured)).await?;
/// thermometer.cast(12.5)?;
/// # thermometer.stop().await?;
/// # assert!(heating.call(|caller| caller).await?);
/// # Ok(())
/// # }
/// ```
pub struct Recipient<M: Send + 'static> {
    takes: Arc<dyn Takes<M>>,
}

/// A process that takes `M`.
trait Takes<M>: Send + Sync {
    fn take(&self, message: M) -> Result<(), CastError<M>>;
    fn process(&self) -> Arc<dyn AnyProcess>;
}

impl<M: Send + 'static> Recipient<M> {
    /// Sends the message, and waits for nothing.
    ///
    /// # Errors
    ///
    /// The message comes back if the process has ended or its mailbox is full.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/counter.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counter = genserver::start::<Counter>(1).await?;
    /// let adder = counter.recipient(Add);
    /// adder.send(2)?;
    /// assert_eq!(counter.call(Call::Get).await?, 3);
    ///
    /// counter.stop().await?;
    /// assert_eq!(adder.send(2).unwrap_err().into_inner(), 2);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "!")]
    pub fn send(&self, message: M) -> Result<(), CastError<M>> {
        self.takes.take(message)
    }

    /// The pid of whoever it is.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/counter.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counter = genserver::start::<Counter>(1).await?;
    /// assert_eq!(counter.recipient(Add).pid(), counter.pid());
    /// # Ok(())
    /// # }
    /// ```
    pub fn pid(&self) -> Pid {
        self.takes.process().head().pid
    }

    /// Whether it takes messages. False from the moment its end begins.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/counter.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counter = genserver::start::<Counter>(1).await?;
    /// let adder = counter.recipient(Add);
    /// counter.stop().await?;
    /// assert!(!adder.is_alive());
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "is_process_alive")]
    pub fn is_alive(&self) -> bool {
        self.takes.process().is_alive()
    }

    /// The process, to watch or to stop it.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/counter.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counter = genserver::start::<Counter>(1).await?;
    /// assert_eq!(counter.recipient(Add).process_ref(), counter.process_ref());
    /// # Ok(())
    /// # }
    /// ```
    pub fn process_ref(&self) -> ProcessRef {
        ProcessRef::new(self.takes.process())
    }
}

/// A server, with the function that makes its message.
struct Addressed<S: GenServer, F> {
    process: Arc<Process<S>>,
    into: Arc<F>,
}

impl<S, M, F> Takes<M> for Addressed<S, F>
where
    S: GenServer,
    M: Send + 'static,
    F: Fn(M) -> Envelope<S> + Send + Sync + 'static,
{
    fn take(&self, message: M) -> Result<(), CastError<M>> {
        let letter = Box::new(Letter { message, into: Arc::clone(&self.into) });
        let unpack = |refused: Envelope<S>| match refused {
            Envelope::Lazy(lazy) => match lazy.into_any().downcast::<Letter<M, F>>() {
                Ok(letter) => letter.message,
                Err(_) => unreachable!("what is refused is what was sent"),
            },
            _ => unreachable!("what is refused is what was sent"),
        };
        let pushed = self.process.push(Envelope::Lazy(letter));
        pushed.map_err(|refused| CastError::new(refused, unpack, &self.process.head))
    }

    fn process(&self) -> Arc<dyn AnyProcess> {
        Arc::clone(&self.process) as Arc<dyn AnyProcess>
    }
}

/// A message on its way to a server, not yet made into the server's own.
struct Letter<M, F> {
    message: M,
    into: Arc<F>,
}

impl<S, M, F> Lazy<S> for Letter<M, F>
where
    S: GenServer,
    M: Send + 'static,
    F: Fn(M) -> Envelope<S> + Send + Sync + 'static,
{
    fn open(self: Box<Self>) -> Envelope<S> {
        (self.into)(self.message)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl<M: Send + 'static> Takes<M> for ProbeRef<M> {
    fn take(&self, message: M) -> Result<(), CastError<M>> {
        self.send(message)
    }

    fn process(&self) -> Arc<dyn AnyProcess> {
        Arc::clone(self.process_ref().process())
    }
}

impl<M: Send + 'static> From<ProbeRef<M>> for Recipient<M> {
    fn from(probe: ProbeRef<M>) -> Self {
        Self { takes: Arc::new(probe) }
    }
}

impl<S: GenServer> ServerRef<S> {
    /// The server as one that takes an `M`, which `into` makes into a cast: see [`Recipient`].
    ///
    /// A variant of the server's own enum is such a function; if the server's casts are `M` themselves, it is
    /// [`identity`](std::convert::identity).
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/counter.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counter = genserver::start::<Counter>(1).await?;
    /// let lengths = counter.recipient(|text: String| Add(text.len() as u64));
    /// lengths.send("four".to_owned())?;
    /// assert_eq!(counter.call(Call::Get).await?, 5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn recipient<M: Send + 'static>(&self, into: impl Fn(M) -> S::Cast + Send + Sync + 'static) -> Recipient<M> {
        self.addressed(move |message| Envelope::Cast(into(message)))
    }

    /// The server as one that takes an `M`, which `into` makes into a plain message for `handle_info`: see [`Recipient`].
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/counter.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counter = genserver::start::<Counter>(1).await?;
    /// let doubler = counter.info_recipient(|()| Double);
    /// doubler.send(())?;
    /// assert_eq!(counter.call(Call::Get).await?, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn info_recipient<M: Send + 'static>(
        &self,
        into: impl Fn(M) -> S::Info + Send + Sync + 'static,
    ) -> Recipient<M> {
        self.addressed(move |message| Envelope::Info(into(message)))
    }

    fn addressed<M, F>(&self, into: F) -> Recipient<M>
    where
        M: Send + 'static,
        F: Fn(M) -> Envelope<S> + Send + Sync + 'static,
    {
        Recipient { takes: Arc::new(Addressed { process: Arc::clone(self.process()), into: Arc::new(into) }) }
    }

    /// The server as one that answers a `Q` with an `R`: see [`CallRecipient`].
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/counter.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counter = genserver::start::<Counter>(1).await?;
    /// let get = counter.call_recipient(|(), caller| Call::Get(caller));
    /// assert_eq!(get.call(()).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn call_recipient<Q, R, F>(&self, into: F) -> CallRecipient<Q, R>
    where
        Q: Send + 'static,
        R: Send + 'static,
        F: Fn(Q, Caller<R>) -> S::Call + Send + Sync + 'static,
    {
        CallRecipient { answers: Arc::new(Asked { server: self.clone(), into }) }
    }
}

/// Whoever answers a question of type `Q` with an `R`, whatever server it is.
///
/// Made by [`ServerRef::call_recipient`]. It is to calls what [`Recipient`] is to casts, and an idle server runs on the caller's
/// own task here too.
///
/// # Examples
///
/// ```
/// # use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome};
/// # struct Dictionary;
/// # enum Call { Lookup(String, Caller<Option<&'static str>>) }
/// # impl GenServer for Dictionary {
/// #     type Args = ();
/// #     type Call = Call;
/// #     type Cast = Never;
/// #     type Info = Never;
/// #     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Self) }
/// #     async fn handle_call(&mut self, Call::Lookup(word, caller): Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
/// #         Next::reply(caller, (word == "hello").then_some("bonjour"))
/// #     }
/// # }
/// use genserver::CallRecipient;
///
/// /// Knows that words can be looked up, and not where.
/// async fn translate(words: &CallRecipient<String, Option<&'static str>>, word: &str) -> String {
///     match words.call(word.to_owned()).await {
///         Ok(Some(found)) => found.to_owned(),
///         Ok(None) | Err(_) => word.to_owned(),
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let dictionary = genserver::start::<Dictionary>(()).await?;
/// let words = dictionary.call_recipient(Call::Lookup);
/// assert_eq!(translate(&words, "hello").await, "bonjour");
/// # Ok(())
/// # }
/// ```
pub struct CallRecipient<Q: Send + 'static, R: Send + 'static> {
    answers: Arc<dyn Answers<Q, R>>,
}

/// The answer under way.
type Answer<R> = Pin<Box<dyn Future<Output = Result<R, CallError>> + Send>>;

/// A process that answers `Q` with `R`.
trait Answers<Q, R: Send + 'static>: Send + Sync {
    fn call(self: Arc<Self>, question: Q, timeout: Option<Duration>) -> Answer<R>;
    fn send_request(&self, question: Q) -> Request<R>;
    fn process(&self) -> Arc<dyn AnyProcess>;
}

/// A server, with the function that makes its call.
struct Asked<S: GenServer, F> {
    server: ServerRef<S>,
    into: F,
}

impl<S, Q, R, F> Answers<Q, R> for Asked<S, F>
where
    S: GenServer,
    Q: Send + 'static,
    R: Send + 'static,
    F: Fn(Q, Caller<R>) -> S::Call + Send + Sync + 'static,
{
    fn call(self: Arc<Self>, question: Q, timeout: Option<Duration>) -> Answer<R> {
        Box::pin(async move {
            let call = self.server.call(|caller| (self.into)(question, caller));
            match timeout {
                Some(timeout) => call.timeout(timeout).await,
                None => call.no_timeout().await,
            }
        })
    }

    fn send_request(&self, question: Q) -> Request<R> {
        request::send(self.server.process(), |caller| (self.into)(question, caller))
    }

    fn process(&self) -> Arc<dyn AnyProcess> {
        Arc::clone(self.server.process()) as Arc<dyn AnyProcess>
    }
}

impl<Q: Send + 'static, R: Send + 'static> CallRecipient<Q, R> {
    /// Asks, and waits for the answer: see [`ServerRef::call`].
    ///
    /// # Errors
    ///
    /// The awaited call returns a [`CallError`], as every call does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the call gives up the answer, never the request.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/counter.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counter = genserver::start::<Counter>(1).await?;
    /// let get = counter.call_recipient(|(), caller| Call::Get(caller));
    /// assert_eq!(get.call(()).await?, 1);
    ///
    /// counter.stop().await?;
    /// assert!(get.call(()).await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn call(&self, question: Q) -> RecipientCall<'_, Q, R> {
        RecipientCall { recipient: self, stage: Stage::Unsent(question), timeout: Some(CALL_TIMEOUT) }
    }

    /// Asks, and leaves the answer for later: see [`ServerRef::send_request`].
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/counter.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counter = genserver::start::<Counter>(1).await?;
    /// let get = counter.call_recipient(|(), caller| Call::Get(caller));
    /// let request = get.send_request(());
    /// assert_eq!(request.await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn send_request(&self, question: Q) -> Request<R> {
        self.answers.send_request(question)
    }

    /// The pid of whoever it is.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/counter.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counter = genserver::start::<Counter>(1).await?;
    /// let get = counter.call_recipient(|(), caller| Call::Get(caller));
    /// assert_eq!(get.pid(), counter.pid());
    /// # Ok(())
    /// # }
    /// ```
    pub fn pid(&self) -> Pid {
        self.answers.process().head().pid
    }

    /// Whether it takes messages. False from the moment its end begins.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/counter.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counter = genserver::start::<Counter>(1).await?;
    /// let get = counter.call_recipient(|(), caller| Call::Get(caller));
    /// assert!(get.is_alive());
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "is_process_alive")]
    pub fn is_alive(&self) -> bool {
        self.answers.process().is_alive()
    }

    /// The process, to watch or to stop it.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/counter.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counter = genserver::start::<Counter>(1).await?;
    /// let get = counter.call_recipient(|(), caller| Call::Get(caller));
    /// assert_eq!(get.process_ref(), counter.process_ref());
    /// # Ok(())
    /// # }
    /// ```
    pub fn process_ref(&self) -> ProcessRef {
        ProcessRef::new(self.answers.process())
    }
}

/// A call under way, made by [`CallRecipient::call`].
///
/// # Cancel safety
///
/// Dropping it gives up the answer, never the request.
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/counter.rs"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let counter = genserver::start::<Counter>(1).await?;
/// let get = counter.call_recipient(|(), caller| Call::Get(caller));
/// let call = get.call(());
/// counter.cast(Add(1))?;
/// // The question is sent here, behind the cast.
/// assert_eq!(call.await?, 2);
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is sent until the call is awaited"]
pub struct RecipientCall<'a, Q: Send + 'static, R: Send + 'static> {
    recipient: &'a CallRecipient<Q, R>,
    stage: Stage<Q, R>,
    timeout: Option<Duration>,
}

enum Stage<Q, R> {
    Unsent(Q),
    Sent(Answer<R>),
    Over,
}

impl<Q: Send + 'static, R: Send + 'static> RecipientCall<'_, Q, R> {
    /// Waits for so long instead of five seconds.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/counter.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// let counter = genserver::start::<Counter>(1).await?;
    /// let get = counter.call_recipient(|(), caller| Call::Get(caller));
    /// assert_eq!(get.call(()).timeout(Duration::from_secs(60)).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Waits for as long as the server lives.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/counter.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counter = genserver::start::<Counter>(1).await?;
    /// let get = counter.call_recipient(|(), caller| Call::Get(caller));
    /// assert_eq!(get.call(()).no_timeout().await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "infinity")]
    pub fn no_timeout(mut self) -> Self {
        self.timeout = None;
        self
    }
}

/// The question is moved out, and the call behind it lies in a box.
impl<Q: Send + 'static, R: Send + 'static> Unpin for RecipientCall<'_, Q, R> {}

impl<Q: Send + 'static, R: Send + 'static> Future for RecipientCall<'_, Q, R> {
    type Output = Result<R, CallError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let mut answer = match std::mem::replace(&mut this.stage, Stage::Over) {
            Stage::Unsent(question) => Arc::clone(&this.recipient.answers).call(question, this.timeout),
            Stage::Sent(answer) => answer,
            Stage::Over => return Poll::Pending,
        };
        let polled = answer.as_mut().poll(cx);
        if polled.is_pending() {
            this.stage = Stage::Sent(answer);
        }
        polled
    }
}

impl<M: Send + 'static> AsProcess for Recipient<M> {
    fn as_process(&self) -> Option<ProcessRef> {
        Some(self.process_ref())
    }
}

impl<M: Send + 'static> Clone for Recipient<M> {
    fn clone(&self) -> Self {
        Self { takes: Arc::clone(&self.takes) }
    }
}

impl<Q: Send + 'static, R: Send + 'static> Clone for CallRecipient<Q, R> {
    fn clone(&self) -> Self {
        Self { answers: Arc::clone(&self.answers) }
    }
}

impl<M: Send + 'static> fmt::Debug for Recipient<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({})", self.takes.process().head().title())
    }
}

impl<Q: Send + 'static, R: Send + 'static> fmt::Debug for CallRecipient<Q, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallRecipient({})", self.answers.process().head().title())
    }
}

impl<Q: Send + 'static, R: Send + 'static> fmt::Debug for RecipientCall<'_, Q, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecipientCall({})", self.recipient.answers.process().head().title())
    }
}

const fn assert_send_sync<T: Send + Sync>() {}
const _: () = assert_send_sync::<Recipient<std::cell::Cell<u8>>>();
const _: () = assert_send_sync::<CallRecipient<std::cell::Cell<u8>, std::cell::Cell<u8>>>();
