//! References to any server that answers requests of one type, without its server type.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::Destination;
use crate::client::call::{CALL_TIMEOUT, CallError};
use crate::client::named::Named;
use crate::client::request::{self, Request};
use crate::client::server_ref::ServerRef;
use crate::node::any_process::AnyProcess;
use crate::node::process_ref::{AsProcess, ProcessRef};
use crate::server::GenServer;
use crate::server::caller::Caller;
use crate::values::pid::Pid;

/// A reference to any server that answers a `Q` with an `R`, without its server type.
///
/// Make one with [`ServerRef::call_recipient`], or with [`Named::call_recipient`], which looks the name up for every request. It
/// does for calls what [`Recipient`](crate::Recipient) does for casts, and an idle server runs on the caller's own task here too.
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
/// /// Knows that words can be looked up, but not where.
/// async fn translate(
///     words: &CallRecipient<String, Option<&'static str>>,
///     word: &str,
/// ) -> String {
///     match words.call(word.to_owned()).await {
///         Ok(Some(found)) => found.to_owned(),
///         Ok(None) | Err(_) => word.to_owned(),
///     }
/// }
///
/// # genserver_doc::run! {
/// let dictionary = genserver::start::<Dictionary>(()).await?;
/// let words = dictionary.call_recipient(Call::Lookup);
/// assert_eq!(translate(&words, "hello").await, "bonjour");
/// # }
/// ```
pub struct CallRecipient<Q: Send + 'static, R: Send + 'static> {
    answers: Arc<dyn Answers<Q, R>>,
}

/// The pending answer.
type Answer<R> = Pin<Box<dyn Future<Output = Result<R, CallError>> + Send>>;

/// A process that answers `Q` with `R`.
trait Answers<Q, R: Send + 'static>: Send + Sync {
    fn call(self: Arc<Self>, question: Q, timeout: Option<Duration>) -> Answer<R>;
    fn send_request(&self, question: Q) -> Request<R>;
    /// The process; `None` if it is a name that is not registered.
    fn process(&self) -> Option<Arc<dyn AnyProcess>>;
    /// The process as text for people.
    fn title(&self) -> String;
}

/// A server, and the function that makes its call.
struct Asked<S: GenServer, F> {
    to: Destination<S>,
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
            let server = self.to.find()?;
            let call = server.call(|caller| (self.into)(question, caller));
            match timeout {
                Some(timeout) => call.timeout(timeout).await,
                None => call.no_timeout().await,
            }
        })
    }

    fn send_request(&self, question: Q) -> Request<R> {
        match self.to.find() {
            Ok(server) => request::send(server.process(), |caller| (self.into)(question, caller)),
            Err(nobody) => Request::failed(nobody.into()),
        }
    }

    fn process(&self) -> Option<Arc<dyn AnyProcess>> {
        self.to.process()
    }

    fn title(&self) -> String {
        self.to.title()
    }
}

impl<Q: Send + 'static, R: Send + 'static> CallRecipient<Q, R> {
    /// Calls the server and waits for the answer: see [`ServerRef::call`].
    ///
    /// # Errors
    ///
    /// The awaited call returns a [`CallError`], like every call.
    ///
    /// # Cancel safety
    ///
    /// Dropping the call abandons the answer, but does not withdraw the request.
    pub fn call(&self, question: Q) -> RecipientCall<'_, Q, R> {
        RecipientCall { recipient: self, stage: RecipientCallStage::Unsent(question), timeout: Some(CALL_TIMEOUT) }
    }

    /// Sends the request, whose answer can be taken later: see [`ServerRef::send_request`].
    pub fn send_request(&self, question: Q) -> Request<R> {
        self.answers.send_request(question)
    }

    /// The pid of the process; [`Pid::NOBODY`] if the recipient is a name that is not registered.
    pub fn pid(&self) -> Pid {
        self.answers.process().map_or(Pid::NOBODY, |process| process.head().pid)
    }

    /// Returns whether it takes messages. This is false from the moment its end begins, and so while terminate runs.
    ///
    /// OTP's `is_process_alive` is still true then: it is the opposite of [`ProcessRef::has_ended`].
    #[doc(alias = "is_process_alive")]
    pub fn is_alive(&self) -> bool {
        self.answers.process().is_some_and(|process| process.is_alive())
    }

    /// The process, to monitor or to stop it; `None` if the recipient is a name that is not registered.
    pub fn process_ref(&self) -> Option<ProcessRef> {
        self.answers.process().map(ProcessRef::new)
    }
}

impl<S: GenServer> ServerRef<S> {
    /// Makes a recipient out of the server; `into` turns each `Q` into a call that is answered with an `R`. See
    /// [`CallRecipient`].
    pub fn call_recipient<Q, R, F>(&self, into: F) -> CallRecipient<Q, R>
    where
        Q: Send + 'static,
        R: Send + 'static,
        F: Fn(Q, Caller<R>) -> S::Call + Send + Sync + 'static,
    {
        CallRecipient { answers: Arc::new(Asked { to: Destination::Held(self.clone()), into }) }
    }
}

impl<S: GenServer> Named<S> {
    /// Makes a recipient out of the name; `into` turns each `Q` into a call that is answered with an `R`. See [`CallRecipient`].
    ///
    /// The name is looked up for each request.
    pub fn call_recipient<Q, R, F>(&self, into: F) -> CallRecipient<Q, R>
    where
        Q: Send + 'static,
        R: Send + 'static,
        F: Fn(Q, Caller<R>) -> S::Call + Send + Sync + 'static,
    {
        CallRecipient { answers: Arc::new(Asked { to: Destination::Named(self.clone()), into }) }
    }
}

/// A call in progress, made by [`CallRecipient::call`].
///
/// # Cancel safety
///
/// Dropping it abandons the answer, but does not withdraw the request.
#[must_use = "nothing is sent until the call is awaited"]
pub struct RecipientCall<'a, Q: Send + 'static, R: Send + 'static> {
    recipient: &'a CallRecipient<Q, R>,
    stage: RecipientCallStage<Q, R>,
    timeout: Option<Duration>,
}

enum RecipientCallStage<Q, R> {
    Unsent(Q),
    Sent(Answer<R>),
    Over,
}

impl<Q: Send + 'static, R: Send + 'static> RecipientCall<'_, Q, R> {
    /// Sets the timeout (default: five seconds).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Waits for as long as the server lives.
    #[doc(alias = "infinity")]
    pub fn no_timeout(mut self) -> Self {
        self.timeout = None;
        self
    }
}

// The request is moved out, and the call behind it is boxed.
impl<Q: Send + 'static, R: Send + 'static> Unpin for RecipientCall<'_, Q, R> {}

impl<Q: Send + 'static, R: Send + 'static> Future for RecipientCall<'_, Q, R> {
    type Output = Result<R, CallError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let mut answer = match std::mem::replace(&mut this.stage, RecipientCallStage::Over) {
            RecipientCallStage::Unsent(question) => Arc::clone(&this.recipient.answers).call(question, this.timeout),
            RecipientCallStage::Sent(answer) => answer,
            RecipientCallStage::Over => return Poll::Pending,
        };
        let polled = answer.as_mut().poll(cx);
        if polled.is_pending() {
            this.stage = RecipientCallStage::Sent(answer);
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
