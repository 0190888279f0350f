//! References to anything that answers a question, whatever server it is.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::Whom;
use crate::client::call::{CALL_TIMEOUT, CallError};
use crate::client::named::Named;
use crate::client::request::{self, Request};
use crate::client::server_ref::ServerRef;
use crate::node::any_process::AnyProcess;
use crate::node::process_ref::{AsProcess, ProcessRef};
use crate::server::GenServer;
use crate::server::caller::Caller;
use crate::values::pid::Pid;

/// Whoever answers a question of type `Q` with an `R`, whatever server it is.
///
/// Made by [`ServerRef::call_recipient`], or by [`Named::call_recipient`], and then the name is looked up for every question. It
/// is to calls what [`Recipient`](crate::Recipient) is to casts, and an idle server runs on the caller's own task here too.
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
    /// The process; none if it is a name that nobody has.
    fn process(&self) -> Option<Arc<dyn AnyProcess>>;
    /// Who it is, for a person.
    fn title(&self) -> String;
}

/// A server, with the function that makes its call.
struct Asked<S: GenServer, F> {
    whom: Whom<S>,
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
            let server = self.whom.find()?;
            let call = server.call(|caller| (self.into)(question, caller));
            match timeout {
                Some(timeout) => call.timeout(timeout).await,
                None => call.no_timeout().await,
            }
        })
    }

    fn send_request(&self, question: Q) -> Request<R> {
        match self.whom.find() {
            Ok(server) => request::send(server.process(), |caller| (self.into)(question, caller)),
            Err(nobody) => Request::failed(nobody),
        }
    }

    fn process(&self) -> Option<Arc<dyn AnyProcess>> {
        self.whom.process()
    }

    fn title(&self) -> String {
        self.whom.title()
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
    /// # use genserver_doc::counter::*;
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
    /// # use genserver_doc::counter::*;
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

    /// The pid of whoever it is; [`Pid::NOBODY`] if it is a name that nobody has.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counter = genserver::start::<Counter>(1).await?;
    /// let get = counter.call_recipient(|(), caller| Call::Get(caller));
    /// assert_eq!(get.pid(), counter.pid());
    /// # Ok(())
    /// # }
    /// ```
    pub fn pid(&self) -> Pid {
        self.answers.process().map_or(Pid::NOBODY, |process| process.head().pid)
    }

    /// Whether it takes messages. False from the moment its end begins, and so while terminate runs.
    ///
    /// There OTP's `is_process_alive` is still true: it is the opposite of [`ProcessRef::has_ended`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
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
        self.answers.process().is_some_and(|process| process.is_alive())
    }

    /// The process, to watch or to stop it; none if it is a name that nobody has.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counter = genserver::start::<Counter>(1).await?;
    /// let get = counter.call_recipient(|(), caller| Call::Get(caller));
    /// assert_eq!(get.process_ref(), Some(counter.process_ref()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn process_ref(&self) -> Option<ProcessRef> {
        self.answers.process().map(ProcessRef::new)
    }
}

impl<S: GenServer> ServerRef<S> {
    /// The server as one that answers a `Q` with an `R`: see [`CallRecipient`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
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
        CallRecipient { answers: Arc::new(Asked { whom: Whom::Held(self.clone()), into }) }
    }
}

impl<S: GenServer> Named<S> {
    /// Whoever has the name, as one that answers a `Q` with an `R`: see [`CallRecipient`].
    ///
    /// The name is looked up for each question.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::{CallError, Named};
    ///
    /// let get = Named::<Counter>::new("asked").call_recipient(|(), caller| Call::Get(caller));
    /// assert!(matches!(get.call(()).await, Err(CallError::NoProc { .. })));
    ///
    /// genserver::start::<Counter>(1).name("asked").await?;
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
        CallRecipient { answers: Arc::new(Asked { whom: Whom::Named(self.clone()), into }) }
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
/// # use genserver_doc::counter::*;
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
    /// # use genserver_doc::counter::*;
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
    /// # use genserver_doc::counter::*;
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

impl<Q: Send + 'static, R: Send + 'static> AsProcess for CallRecipient<Q, R> {
    fn as_process(&self) -> Option<ProcessRef> {
        self.process_ref()
    }
}

impl<Q: Send + 'static, R: Send + 'static> Clone for CallRecipient<Q, R> {
    fn clone(&self) -> Self {
        Self { answers: Arc::clone(&self.answers) }
    }
}

impl<Q: Send + 'static, R: Send + 'static> fmt::Debug for CallRecipient<Q, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallRecipient({})", self.answers.title())
    }
}

impl<Q: Send + 'static, R: Send + 'static> fmt::Debug for RecipientCall<'_, Q, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecipientCall({})", self.recipient.answers.title())
    }
}

const fn assert_send_sync<T: Send + Sync>() {}
const _: () = assert_send_sync::<CallRecipient<std::cell::Cell<u8>, std::cell::Cell<u8>>>();
