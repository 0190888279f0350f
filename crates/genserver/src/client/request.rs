//! Requests: sending now, and taking the answer later.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use crate::client::as_server::{AsServer, CallOf};
use crate::client::call::{Call, CallError};
use crate::node::Home;
use crate::node::any_process::AnyProcess;
use crate::node::cut::poll_alive;
use crate::node::reply::{Slot, Unanswered, erased};
use crate::node::subject::Subject;
use crate::process::deadlock::Watch;
use crate::process::noted;
use crate::process::vtable::Vtable;
use crate::process::{Envelope, Process, Refused, outgoing};
use crate::server::GenServer;
use crate::server::caller::Caller;
use crate::values::pid::Pid;

// The time limit of a wait.
mod deadline;
// Several requests, answered in any order.
mod collection;

pub use collection::{NoRequest, NoResponse, Requests, Response};
pub(crate) use deadline::Limit;
pub use deadline::{Deadline, TimedOut};

/// A request that has been sent, and whose answer can be taken later: OTP's request id.
///
/// Made by [`ServerRef::send_request`](crate::ServerRef::send_request) and [`Call::send_request`]. There are five ways to take
/// the answer. They differ in what happens when it is not there yet:
///
/// | | waits | if there is no answer in time |
/// |---|---|---|
/// | [`check`](Request::check) | never | `None`; check again later |
/// | [`wait`](Request::wait) | until the deadline | [`TimedOut`]; the request stays, wait again |
/// | [`receive`](Request::receive) | until the deadline | [`CallError::Timeout`]; the request is abandoned |
/// | `request.await` | as long as the server lives | |
/// | [`Requests`] | for the first answer to many requests | as `wait` or `receive` |
///
/// Dropping a request abandons the answer, but does not withdraw the request: the server still carries it out. An answer that
/// comes after that is dropped unseen.
///
/// # Examples
///
/// ```
/// # use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome};
/// # struct Squares;
/// # enum Call { Square(u64, Caller<u64>) }
/// # impl GenServer for Squares {
/// #     type Args = ();
/// #     type Call = Call;
/// #     type Cast = Never;
/// #     type Info = Never;
/// #     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Squares) }
/// #     async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
/// #         match call { Call::Square(number, caller) => Next::reply(caller, number * number) }
/// #     }
/// # }
/// # genserver_doc::run! {
/// let squares = genserver::start::<Squares>(()).await?;
/// // Both are in progress before either is waited for.
/// let three = squares.send_request(|caller| Call::Square(3, caller));
/// let four = squares.send_request(|caller| Call::Square(4, caller));
/// assert_eq!(three.await? + four.await?, 25);
/// # }
/// ```
#[must_use = "dropping a request abandons its answer; use `cast` if none is wanted"]
pub struct Request<R: Send + 'static> {
    state: State<R>,
}

enum State<R> {
    /// The answer will come through the slot.
    Sent { slot: Arc<Slot<R>>, process: Arc<dyn AnyProcess>, watch: Watch },
    /// It is here, and has not been taken yet.
    Answered(Result<R, CallError>),
    /// It has been taken.
    Over,
}

/// Sends a request. If it cannot be delivered, the request fails with that error.
pub(crate) fn send<S, R, F>(process: &Arc<Process<S>>, make: F) -> Request<R>
where
    S: GenServer,
    R: Send + 'static,
    F: FnOnce(Caller<R>) -> S::Call,
{
    let slot = Arc::new(Slot::new(process.head.pid));
    // A request has no deadline of its own; each wait for it may have one.
    slot.wait(&Context::from_waker(Waker::noop()), None);
    let call = make(Caller::new(Arc::clone(&slot)));
    noted::call_arrival::<S>(process.head.pid, slot.call(), &call);
    let mut call = outgoing(Envelope::Call(call, None).traced(true));
    let server = || process.head.subject();
    let sent = Vtable::send_call(process, process.mail.lock(), &mut call, Some(erased(&slot)), false);
    if sent.is_err() {
        noted::refusal(process.head.pid);
    }
    let state = match sent {
        Ok(_) => {
            let watch = Watch::sent(process.head.pid, false).unwrap_or(Watch::Nothing);
            State::Sent { slot, process: process.erased(), watch }
        }
        Err(Refused::Dead) => State::Answered(Err(CallError::NoProc { server: server() })),
        Err(Refused::Full) => State::Answered(Err(CallError::Overloaded { server: server(), after: Duration::ZERO })),
    };
    Request { state }
}

impl<T, R, F> Call<T, R, F>
where
    T: AsServer,
    R: Send + 'static,
    F: FnOnce(Caller<R>) -> CallOf<T>,
{
    /// Sends the request now, and leaves the answer for later: see [`ServerRef::send_request`](crate::ServerRef::send_request).
    ///
    /// It is for clients whose functions return the call. The call's timeout does not count: each wait for the answer may have one.
    ///
    /// # Panics
    ///
    /// If the call has been polled, because then it has been sent.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # genserver_doc::run! {
    /// let counter = genserver::start::<Counter>(1).await?;
    /// let request = counter.call(Call::Get).send_request();
    /// // ... something else ...
    /// assert_eq!(request.await?, 1);
    /// # }
    /// ```
    pub fn send_request(mut self) -> Request<R> {
        let make = self.take_make().expect("a request is sent once, and this call has been polled");
        self.target().send_request(make)
    }
}

impl<R: Send + 'static> Request<R> {
    /// A request that could not be sent.
    pub(crate) fn failed(error: CallError) -> Self {
        Self { state: State::Answered(Err(error)) }
    }

    /// Returns the answer if it is there, without waiting: OTP's `check_response`.
    ///
    /// `None` means that there is no answer yet, or that it has already been taken.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # genserver_doc::run! {
    /// let counter = genserver::start::<Counter>(1).await?;
    /// let mut request = counter.send_request(Call::Get);
    /// assert!(request.check().is_none(), "the counter had no chance to run");
    /// tokio::task::yield_now().await;
    /// assert_eq!(request.check().transpose()?, Some(1));
    /// # }
    /// ```
    #[doc(alias = "check_response")]
    pub fn check(&mut self) -> Option<Result<R, CallError>> {
        if let State::Sent { slot, process, .. } = &self.state {
            let answer = slot.take()?.map_err(|why| failure(&**process, why));
            self.state = State::Over;
            return Some(answer);
        }
        match std::mem::replace(&mut self.state, State::Over) {
            State::Answered(answer) => Some(answer),
            _ => None,
        }
    }

    /// Waits for the answer, and keeps the request if it does not come in time: OTP's `wait_response`.
    ///
    /// Returns the answer, which may be an error, as soon as it is there. If the answer and the deadline come together, the
    /// answer wins. With a deadline that has passed, it only checks. A request is answered once: after that there is nothing to
    /// wait for.
    ///
    /// # Errors
    ///
    /// [`TimedOut`] if there was no answer by the deadline. The request is unchanged, and may be waited for again.
    ///
    /// # Panics
    ///
    /// Panics if the answer has already been taken.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if the wait is dropped: the request stays.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// # use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome, TimedOut};
    /// # struct Baker;
    /// # impl GenServer for Baker {
    /// #     type Args = ();
    /// #     type Call = Caller<&'static str>;
    /// #     type Cast = Never;
    /// #     type Info = Never;
    /// #     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Baker) }
    /// #     async fn handle_call(&mut self, caller: Caller<&'static str>, _cx: &mut Cx<Self>) -> Outcome<Self> {
    /// #         tokio::time::sleep(Duration::from_secs(60)).await;
    /// #         Next::reply(caller, "bread")
    /// #     }
    /// # }
    /// # genserver_doc::run_paused! {
    /// let baker = genserver::start::<Baker>(()).await?;
    /// let mut request = baker.send_request(|caller| caller);
    /// assert_eq!(request.wait(Duration::from_secs(10)).await, Err(TimedOut));
    /// // Do something else; the bread is still in the oven.
    /// assert_eq!(request.wait(Duration::from_secs(100)).await??, "bread");
    /// # }
    /// ```
    #[doc(alias = "wait_response")]
    pub async fn wait(&mut self, deadline: impl Into<Deadline>) -> Result<Result<R, CallError>, TimedOut> {
        let mut limit = Limit::new(deadline.into());
        let mut watch = self.watch();
        poll_fn(|cx| self.poll_until(cx, &mut limit, &mut watch)).await
    }

    /// Waits for the answer, and abandons it if it does not come in time: OTP's `receive_response`.
    ///
    /// Together with [`send_request`](crate::ServerRef::send_request) it is a call in two steps.
    ///
    /// # Errors
    ///
    /// The errors of a [`call`](crate::ServerRef::call); [`CallError::Timeout`] at the deadline.
    ///
    /// # Panics
    ///
    /// Panics if the answer has already been taken.
    ///
    /// # Cancel safety
    ///
    /// Dropping this abandons the answer, because it owns the request. [`wait`](Request::wait) keeps it.
    #[doc(alias = "receive_response")]
    pub async fn receive(mut self, deadline: impl Into<Deadline>) -> Result<R, CallError> {
        let mut limit = Limit::new(deadline.into());
        let mut watch = self.watch();
        match poll_fn(|cx| self.poll_until(cx, &mut limit, &mut watch)).await {
            Ok(answer) => answer,
            Err(TimedOut) => Err(self.timed_out(limit.waited())),
        }
    }

    /// Returns whether the answer has been taken; then there is nothing to wait for.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Polls for the answer, and then for the deadline: if both come together, the answer wins.
    fn poll_until(
        &mut self,
        cx: &mut Context<'_>,
        limit: &mut Limit,
        watch: &mut Watch,
    ) -> Poll<Result<Result<R, CallError>, TimedOut>> {
        if let Poll::Ready(answer) = self.poll_answer(cx) {
            return Poll::Ready(Ok(answer));
        }
        ready!(poll_alive(cx));
        if let Err(cycle) = self.begin(watch) {
            return Poll::Ready(Ok(Err(cycle)));
        }
        let home = self.home().map(Arc::clone);
        ready!(limit.poll(cx, home.as_ref()));
        if let Poll::Ready(answer) = self.poll_answer(cx) {
            return Poll::Ready(Ok(answer));
        }
        ready!(poll_alive(cx));
        Poll::Ready(Err(TimedOut))
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Result<R, CallError>> {
        assert!(!self.is_over(), "the answer to this request has been fetched before; send another request");
        if let State::Sent { slot, process, .. } = &self.state {
            let answer = ready!(slot.poll(cx, None)).map_err(|why| failure(&**process, why));
            self.state = State::Over;
            return Poll::Ready(answer);
        }
        ready!(poll_alive(cx));
        self.check().map_or(Poll::Pending, Poll::Ready)
    }

    /// How the search for call cycles follows one wait for this request.
    fn watch(&self) -> Watch {
        match &self.state {
            State::Sent { watch, .. } => watch.again(),
            State::Answered(_) | State::Over => Watch::Nothing,
        }
    }

    /// Begins a wait. If it would close a cycle of calls, the request is over.
    fn begin(&mut self, watch: &mut Watch) -> Result<(), CallError> {
        let State::Sent { slot, process, .. } = &self.state else { return Ok(()) };
        let Err(cycle) = watch.begin(process.head().pid, || erased(slot)) else { return Ok(()) };
        let error = CallError::cycle(process.head().subject(), &cycle);
        slot.close();
        self.state = State::Over;
        Err(error)
    }

    /// Registers a waker that the answer wakes; false if there is nothing to wait for.
    fn await_answer(&self, waker: &Waker) -> bool {
        assert!(!self.is_over(), "the answer to this request has been fetched before; send another request");
        match &self.state {
            State::Sent { slot, .. } => slot.wait(&Context::from_waker(waker), None),
            State::Answered(_) | State::Over => false,
        }
    }

    /// The home whose clock ends the waits for it. `None` if there is nothing to wait for.
    fn home(&self) -> Option<&Arc<Home>> {
        match &self.state {
            State::Sent { process, .. } => Some(&process.head().home),
            State::Answered(_) | State::Over => None,
        }
    }

    /// The error of a request that was abandoned at its deadline.
    fn timed_out(&self, after: Duration) -> CallError {
        let server = match &self.state {
            State::Sent { process, .. } => process.head().subject(),
            State::Answered(_) | State::Over => Subject::of(Pid::NOBODY),
        };
        CallError::Timeout { server, after }
    }
}

/// Maps a missing answer to the caller's error.
fn failure(process: &dyn AnyProcess, why: Unanswered) -> CallError {
    let server = process.head().subject();
    match why {
        Unanswered::NoReply => CallError::NoReply { server },
        Unanswered::Exit(reason) => CallError::Exit { server, reason },
        Unanswered::Timeout => CallError::Timeout { server, after: Duration::ZERO },
        Unanswered::Cycle(cycle) => CallError::cycle(server, &cycle),
    }
}

/// Waits for as long as the server lives. Unlike [`wait`](Request::wait) and [`receive`](Request::receive) it is never aborted
/// for closing a cycle of calls: a request that is polled beside other futures does not keep its process from going on.
///
/// # Panics
///
/// Panics when polled after the answer has been taken.
impl<R: Send + 'static> Future for Request<R> {
    type Output = Result<R, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_answer(cx)
    }
}

// The future that is polled is stored in the server.
impl<R: Send + 'static> Unpin for Request<R> {}

// Abandons the answer.
impl<R: Send + 'static> Drop for Request<R> {
    fn drop(&mut self) {
        if let State::Sent { slot, .. } = &self.state {
            slot.close();
        }
    }
}

impl<R: Send + 'static> fmt::Debug for Request<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            State::Sent { process, .. } => write!(f, "Request({})", process.head().title()),
            State::Answered(_) => f.write_str("Request(answered)"),
            State::Over => f.write_str("Request(over)"),
        }
    }
}
